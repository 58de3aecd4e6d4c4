//! A pool of threads that stays alive across cells, and parallel maps on it.
//!
//! [`Pool`] is a number: it is `Copy`, and moving it into a closure, a panic or an interrupt never
//! loses the threads behind it. They live in a table of this library, of which a process has one.
//!
//! ```
//! use corebook::pool::Pool;
//!
//! let pool = Pool::new(2);
//! let squares = pool.map(|x| x * x, 0..5);
//! assert_eq!(squares, [0, 1, 4, 9, 16]);
//! ```
//!
//! What is here, in reading order:
//!
//! * `map`, `reduce`, `stream`, `task`: the methods of [`Pool`], thin and generic
//! * `piece`: the loops that a cell compiles
//! * `items`, `memory`, `work`: from items to results; types are forgotten here
//! * `job`, `shift`, `claims`, `outcome`: who works on which items, and when to stop; no generics
//! * `workers`: the threads; rayon enters here
//! * `table`: every pool of the process
//! * `panics`: how a panic of an item finds its way
//! * `open`, `status`: what `%pool` does and prints
//!
//! Nothing here knows about cells or the kernel, but for what [`crate::event`] tells.

mod claims;
mod items;
mod job;
mod map;
mod memory;
pub(crate) mod open;
mod outcome;
mod panics;
mod piece;
mod reduce;
mod shift;
pub(crate) mod status;
mod stream;
mod table;
mod task;
mod work;
mod workers;

pub use map::{ItemError, Shared, StarFn, ThroughArcMutexOrAtomic};
pub use open::Builder;
pub use panics::take_over_panic;
pub use reduce::{FromFunction, FromValue, Identity};
pub use stream::{Imap, ImapUnordered};
pub use task::Task;

use std::time::Instant;

use job::{Job, Plan, Run};
use outcome::{End, Outcome};
use table::Lease;

use crate::lock::Lock;

/// The locks of this module; see [`crate::fork`]. Those of a single job are left out: work that a fork finds
/// unfinished is lost there, and says so.
pub(crate) static LOCKS: [&dyn Lock; 4] =
    [&table::TABLE, &status::TEXTS, &open::DEFAULT, &open::WARNED];

/// Gives a fork of the worker what the cells' thread needs of rayon. The pools' own threads are started when
/// they are next used.
pub(crate) fn resume() {
    workers::adopt_this_thread();
}

/// A handle to a pool of threads.
///
/// Maps take the function first and the items second, as Python's `multiprocessing.Pool` does. Items
/// are whatever a `for` loop takes: ranges of any integer, collections by value or by reference, any
/// iterator. Results come in the order of the items.
///
/// * **Scheduling.** Items start in order. P workers take n equal items in `ceil(n / P)` rounds; cheap
///   items are handed out in chunks, sized by how long the last ones took.
/// * **Nesting.** A map inside a map runs on the same workers.
/// * **Panics.** When an item panics, no new items start, finished results are dropped, and the caller
///   panics with `panicked in item 3 (of 24): …`, naming the lowest item that did. Where an item is a number,
///   a text or a reference to one and says more than its index, it is named too: `item 3 (of 24), 13: …`.
///   The pool lives on.
/// * **Interrupts.** In a notebook, an interrupt stops a map between two items.
///
/// # Panics
///
/// All methods that run something panic when the pool is closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pool {
    number: u32,
    /// Items per task; 0 adapts.
    chunk: usize,
    /// The label of a progress bar.
    label: Option<&'static str>,
}

impl Pool {
    pub(super) fn from_number(number: u32) -> Self {
        Self {
            number,
            chunk: 0,
            label: None,
        }
    }

    /// The same pool, but each task takes `items` items, no more and no fewer but in the end.
    ///
    /// Without it the number adapts to how long items take.
    ///
    /// # Panics
    ///
    /// When `items` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let halves = pool.chunksize(64).map(|x| f64::from(x) / 2.0, 0..1000);
    /// assert_eq!(halves[3], 1.5);
    /// ```
    #[track_caller]
    pub fn chunksize(self, items: usize) -> Self {
        assert!(
            items > 0,
            "chunksize 0 gives tasks nothing to do: use at least 1"
        );
        Self {
            chunk: items,
            ..self
        }
    }

    /// The same pool, but its maps show a bar that counts finished items.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let lengths = pool.progress("measuring").map(|word: &str| word.len(), ["a", "bc"]);
    /// assert_eq!(lengths, [1, 2]);
    /// ```
    pub fn progress(self, label: &str) -> Self {
        Self {
            label: Some(status::keep(label)),
            ..self
        }
    }

    /// Runs `operation` on the pool, so that rayon's own functions in it (`par_iter`, `join`, `scope`) use
    /// the pool's workers.
    ///
    /// # Examples
    ///
    /// ```
    /// use rayon::prelude::*;
    ///
    /// # let pool = corebook::pool::Pool::new(2);
    /// let sum: u64 = pool.install(|| (0..1000u64).into_par_iter().sum());
    /// assert_eq!(sum, 499_500);
    /// ```
    #[track_caller]
    pub fn install<R: Send>(self, operation: impl FnOnce() -> R + Send) -> R {
        let lease = self.lease();
        let run = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(operation));
        match lease.in_flight.workers().install(run) {
            Ok(result) => result,
            Err(payload) => {
                drop(lease);
                panics::pass_on(payload)
            }
        }
    }

    /// The number of workers.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(corebook::pool::Pool::new(2).workers(), 2);
    /// ```
    #[track_caller]
    pub fn workers(self) -> usize {
        self.lease().in_flight.workers().count()
    }

    /// Runs a task for all units and records what it used.
    #[track_caller]
    fn run(self, units: usize, items: usize, chunk: usize, task: &Run<'_>) -> Outcome {
        let lease = self.lease();
        if units == 0 {
            return Outcome::of_nothing();
        }
        let started = Instant::now();
        let plan = Plan {
            units,
            items,
            chunk,
            label: self.label,
            is_background: false,
        };
        let outcome = Job::run(plan, task, lease.in_flight.workers().spawner());
        lease.record(outcome.items_done, outcome.busy, started.elapsed());
        outcome
    }

    #[track_caller]
    fn lease(self) -> Lease {
        match table::lease(self.number) {
            Ok(lease) => lease,
            Err(message) => panics::fail(message),
        }
    }

    /// Ends the caller as the job ended. Returns only for a task that stopped by itself.
    #[track_caller]
    fn fail(self, verb: &str, items: usize, outcome: Outcome) {
        match outcome.end {
            End::Panicked { item, panic } => panics::raise(panics::in_item(panic, item, items)),
            End::Interrupted => panics::interrupt(&outcome.describe(verb, items)),
            End::Complete | End::Stopped | End::Cancelled => {}
        }
    }
}

/// The default pool: one worker for each physical core that this process may use.
///
/// It is opened once; every call returns the same pool.
impl Default for Pool {
    fn default() -> Self {
        open::default()
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&status::describe(*self))
    }
}

/// Runs the examples of the migration table.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/multiprocessing.md")]
struct MigrationTable;
