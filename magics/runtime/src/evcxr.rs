//! The names that evcxr 0.22 and this crate share. `build/src/evcxr.rs` has those that the kernel shares with evcxr, because
//! cells compile this crate alone.

/// The text by which the supervisor recognises that a panic has ended a cell.
pub const PANIC_NOTIFICATION: &str = "EVCXR_PANIC_NOTIFICATION";

/// The text by which the supervisor recognises a failed `?`.
pub const USER_ERROR_OCCURRED: &str = "EVCXR_ERROR_OCCURRED";

/// The start of the name of the function that evcxr makes of a cell. A number follows.
pub const CELL_FUNCTION: &str = "run_user_code_";
