//! How a cell ends early: by a panic or by a `?`.
//!
//! The kernel generates the code that uses this module. Users never call it.

use std::fmt::{Debug, Display};

use crate::evcxr::{PANIC_NOTIFICATION, USER_ERROR_OCCURRED};
use crate::print::write_stderr;

/// Reports that a panic has ended the cell.
pub fn panicked() {
    println!("{PANIC_NOTIFICATION}");
}

/// The error of a cell in which a `?` failed. It shows the original error with `{}`.
pub struct Failed;

/// As [`Failed`], but with `{:?}`.
pub struct FailedDebug;

/// As [`Failed`], but with `{:#?}`.
pub struct FailedPretty;

impl<E: Display> From<E> for Failed {
    fn from(error: E) -> Self {
        report(format_args!("{error}\n"));
        Self
    }
}

impl<E: Debug> From<E> for FailedDebug {
    fn from(error: E) -> Self {
        report(format_args!("{error:?}\n"));
        Self
    }
}

impl<E: Debug> From<E> for FailedPretty {
    fn from(error: E) -> Self {
        report(format_args!("{error:#?}\n"));
        Self
    }
}

fn report(error: std::fmt::Arguments<'_>) {
    write_stderr(error);
    println!("{USER_ERROR_OCCURRED}");
}
