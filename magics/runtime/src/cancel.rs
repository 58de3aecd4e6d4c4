//! How an interrupt reaches running code: a flag that loops look at between items.
//!
//! In a notebook the worker's signal handler sets the flag, and the next cell clears it. A program can do the same
//! with [`request`] and [`reset`]. Code stops by a panic with [`Interrupted`] as its payload, so destructors run and
//! every variable of the notebook survives.
//!
//! ```
//! use corebook::cancel::{self, Interrupted};
//! use std::panic::catch_unwind;
//!
//! cancel::request();
//! assert!(cancel::is_requested());
//! let payload = catch_unwind(|| cancel::check("my loop")).unwrap_err();
//! assert!(payload.is::<Interrupted>());
//!
//! cancel::reset();
//! cancel::check("my loop");
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::{self, Event};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// The payload of the panic that ends an interrupted cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// Asks running code to stop: maps of pools between two items, measurements between two loops, and loops that
/// call [`check`]. Safe to call from a signal handler.
pub fn request() {
    REQUESTED.store(true, Ordering::Relaxed);
}

/// Clears an earlier request. In a notebook this happens at the start of every cell.
pub fn reset() {
    REQUESTED.store(false, Ordering::Relaxed);
}

/// Returns whether running code should stop. It costs one relaxed load, which is cheap even between two items.
#[inline]
pub fn is_requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Ends the cell if an interrupt was requested. Call it in long loops on the thread that runs the cell.
///
/// * `what`: names what is stopped in the message, for example `pool.map after 40 of 1000 items`.
///
/// # Panics
///
/// When an interrupt was requested. The payload is [`Interrupted`]; the panic hook is not called.
///
/// # Examples
///
/// ```
/// for _ in 0..3 {
///     corebook::cancel::check("my loop");
/// }
/// ```
pub fn check(what: &str) {
    if is_requested() {
        stop(what);
    }
}

/// Ends the cell as interrupted.
///
/// * `what`: names what is stopped, as in [`check`].
///
/// # Panics
///
/// Always. The payload is [`Interrupted`]; the panic hook is not called.
pub fn stop(what: &str) -> ! {
    event::send(&Event::Interrupted {
        what: what.to_owned(),
    });
    // `resume_unwind` does not call the panic hook: an interrupt is not an error to report.
    std::panic::resume_unwind(Box::new(Interrupted))
}
