//! What generated code and the kernel call. Not for users: it changes without notice.
//!
//! The functions that the worker finds by name (`corebook_cell_begin` and its like) need no path in Rust and
//! are not here.

/// What the compiler shim has cells use in place of evcxr's own store. The shim writes `::corebook::store`.
pub use crate::store;

/// What the macros `eprint!`, `eprintln!` and `dbg!` expand to.
pub use crate::print::write_stderr;

/// What the worker gets in place of a fork when a lock stayed taken.
pub use crate::fork::BUSY as FORK_BUSY;

/// Messages to the kernel.
pub mod event {
    pub use crate::event::{
        Decoded, Event, MARK, MimeData, PanicReport, PoolReport, ProgressReport, SESSION_WORD_LEN,
        SESSION_WORD_VARIABLE, decode, encode, in_notebook, send,
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
