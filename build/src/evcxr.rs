//! The names that evcxr uses. `evcxr/README.md` beside this file maps evcxr's limits and our workarounds.
//!
//! evcxr 0.22 and corebook share names: environment variables, marker lines on the worker's stdout, and the crate and
//! function that a cell becomes. Each is defined once, here. The runtime repeats those that it needs, because it is
//! compiled without this crate.

/// The folder in which evcxr works.
pub const WORK_DIR_VARIABLE: &str = "EVCXR_TMPDIR";
/// The folder of the user's settings.
pub const SETTINGS_VARIABLE: &str = "EVCXR_CONFIG_DIR";
/// Set for the process that runs cells.
pub const IS_RUNTIME_VARIABLE: &str = "EVCXR_IS_RUNTIME";
/// The file from which evcxr reads which library was built.
pub const RESULT_VARIABLE: &str = "EVCXR_EXECUTION_SO_PATH";

/// The start of every marker line.
pub const MARKER: &str = "EVCXR_";
/// The cell panicked.
pub const PANICKED: &str = "EVCXR_PANIC_NOTIFICATION";
/// A `?` of the cell failed.
pub const FAILED: &str = "EVCXR_ERROR_OCCURRED";
/// The cell asks for a line of input.
pub const ASKS_INPUT: &str = "EVCXR_INPUT_REQUEST";
/// A display begins; its MIME type follows.
pub const BEGIN_CONTENT: &str = "EVCXR_BEGIN_CONTENT ";
/// A display ends.
pub const END_CONTENT: &str = "EVCXR_END_CONTENT";
/// The cell is done.
pub const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";
/// A line that ends a cell for evcxr and changes nothing else.
///
/// evcxr 0.22 knows two ways in which a cell that has run can end. If it is done, even by a panic, evcxr keeps its
/// functions and forgets the variables that it named. If the process ends, evcxr forgets all variables. A line that is
/// not UTF-8 is an error that leaves evcxr's state as it was before the cell, which is also the state of the variables.
/// This can go when evcxr has a way to treat a cell as never run.
pub const CELL_NEVER_RAN: &[u8] = b"\xff";

/// The crate that every cell becomes.
pub const CELL_CRATE: &str = "ctx";
/// The name of the function that runs a cell, without the number at its end.
pub const CELL_FUNCTION: &str = "run_user_code_";
/// The name of that function in a source that the kernel has made.
pub const FUNCTION_IN_SOURCE: &str = "corebook_cell_function";
