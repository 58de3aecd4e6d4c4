//! Best-of-N measurement for `%timeit`, `%time` and `%compare`.
//!
//! This module takes times, judges them and writes them as text. It never draws: the kernel draws charts from the
//! events that are sent here. Everything is precompiled and takes the measured code as a `&mut dyn FnMut`, for two
//! reasons: a cell compiles little more than its own expression, and the optimiser, which can't see through the
//! pointer, can't move the code out of the loop.
//!
//! Modules in reading order:
//!
//! * [`format`](mod@format): seconds as text
//! * `clock`: where times come from
//! * `run`: one run, which has a number of loops
//! * `measure`: how many loops a run has, and how many runs there are
//! * `result`: a finished measurement and the line that shows it
//! * `warning`: reasons to doubt a figure
//! * `build`: how the cell was compiled
//! * `timeit`: what a cell with `%timeit` calls
//! * `stopwatch`: `%time`
//! * `compare`: `%compare`

mod build;
mod clock;
pub(crate) mod compare;
pub mod format;
mod measure;
mod result;
mod run;
pub(crate) mod stopwatch;
mod timeit;
mod warning;

pub(crate) use build::{Build, set_build};
pub use compare::{CompareOptions, Comparison, Results, Side, SpeedUp, compare, try_compare};
pub use result::Timing;
pub use run::Run;
pub use stopwatch::Stopwatch;
pub(crate) use stopwatch::cell_value_is_ready;
pub use timeit::{Options, Show, timeit, timeit_with_setup, try_timeit, try_timeit_with_setup};

/// The locks of this module; see [`crate::fork`].
pub(crate) static LOCKS: [&dyn crate::lock::Lock; 2] = [&build::CURRENT, &stopwatch::CELL];

/// The error of `?` in a measured expression.
pub type BoxError = Box<dyn std::error::Error>;
