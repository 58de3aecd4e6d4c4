//! Functions and types for generated code and for the kernel. Not for users: they change without notice.
//!
//! The functions that the worker looks up by name, such as `corebook_cell_begin`, need no path in Rust and are not
//! here.

/// What the code around a cell calls.
pub mod cell {
    pub use crate::display::show_value;
    pub use crate::ending::{Failed, FailedDebug, FailedPretty, panicked};
    pub use crate::store::{ASYNC_RUNTIME, Slot, VariableStore, open};
}

/// Called by the macros `eprint!`, `eprintln!` and `dbg!`.
pub use crate::print::write_stderr;

/// The names that the runtime shares with evcxr.
pub mod evcxr {
    pub use crate::evcxr::{CELL_FUNCTION, PANIC_NOTIFICATION, USER_ERROR_OCCURRED};
}

/// What the worker gets instead of a fork when another thread does not release a lock.
pub use crate::fork::BUSY as FORK_BUSY;

/// Messages to the kernel.
pub mod event {
    pub use crate::event::{
        Decoded, Event, MARK, MimeData, NONCE_LEN, NONCE_VARIABLE, PanicReport, PoolReport,
        ProgressReport, decode, encode, in_notebook, send,
    };
}

/// What `%pool` expands to, and what the kernel prints for `%pool status`.
pub mod pool {
    pub use crate::pool::api::builder::{close, open};
    pub use crate::pool::status::{print_status, reports, status_text};
}

/// What `%compare` and `%%time` expand to besides the public functions of [`crate::timing`].
pub mod timing {
    pub use crate::timing::compare::equality::{ByEquality, NotComparable, Pair, WithinTolerance};
    pub use crate::timing::stopwatch::CellStopwatch;
}
