//! What every cell imports.
//!
//! ```
//! use corebook::prelude::*;
//!
//! let pool = Pool::new(cpus::usable());
//! display(&pool.map(|x| x * 2, 0..3));
//! ```

pub use crate::cpus;
#[doc(hidden)]
pub use crate::display::CellValue;
pub use crate::display::{
    DisplayHandle, clear_output, display, html, json, latex, markdown, png, svg,
};
pub use crate::pool::Pool;
pub use crate::progress::progress;
pub use crate::timing::{Comparison, Timing};
/// The type of the error of `JoinHandle::join` and `catch_unwind`. A cell that keeps one in a variable names it.
pub use std::any::Any;
pub use std::hint::black_box;
