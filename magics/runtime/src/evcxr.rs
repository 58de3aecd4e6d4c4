//! The names that evcxr 0.22 and this crate share. `build/src/evcxr.rs` has those that the kernel shares with evcxr, because
//! cells compile this crate alone.

/// The text by which evcxr recognises a failed `?`. The code that it generates for a cell prints it.
pub const USER_ERROR_OCCURRED: &str = "EVCXR_ERROR_OCCURRED";

/// The text by which evcxr recognises a variable whose type was redefined. The name of the variable follows.
pub const VARIABLE_CHANGED_TYPE: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";

/// The start of the name of the function that evcxr makes of a cell. A number follows.
pub const CELL_FUNCTION: &str = "run_user_code_";
