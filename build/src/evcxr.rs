//! evcxr's names, and the map of its limits: `evcxr/README.md` beside this file.
//!
//! evcxr 0.22 and we meet at names: environment variables, marker lines on the worker's stdout, and the crate and
//! function that a cell becomes. Each is written here once. Where the runtime needs one, it repeats it, because cells
//! compile the runtime.

/// The folder evcxr works in.
pub const WORK_DIR_VARIABLE: &str = "EVCXR_TMPDIR";
/// The folder of the user's settings.
pub const SETTINGS_VARIABLE: &str = "EVCXR_CONFIG_DIR";
/// Set for the process that runs cells.
pub const IS_RUNTIME_VARIABLE: &str = "EVCXR_IS_RUNTIME";
/// The file in which evcxr wants to read which library was built.
pub const RESULT_VARIABLE: &str = "EVCXR_EXECUTION_SO_PATH";

/// What all marker lines begin with.
pub const MARKER: &str = "EVCXR_";
/// The cell panicked.
pub const PANICKED: &str = "EVCXR_PANIC_NOTIFICATION";
/// A `?` of the cell failed.
pub const FAILED: &str = "EVCXR_ERROR_OCCURRED";
/// A variable has another type than it was kept with; its name follows.
pub const CHANGED_TYPE: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";
/// A line of input is wanted.
pub const ASKS_INPUT: &str = "EVCXR_INPUT_REQUEST";
/// A display begins; its MIME type follows.
pub const BEGIN_CONTENT: &str = "EVCXR_BEGIN_CONTENT ";
/// A display ends.
pub const END_CONTENT: &str = "EVCXR_END_CONTENT";
/// The cell is done.
pub const COMPLETE: &str = "EVCXR_EXECUTION_COMPLETE";

/// The crate that every cell becomes.
pub const CELL_CRATE: &str = "ctx";
/// The function that runs a cell, before its number.
pub const CELL_FUNCTION: &str = "run_user_code_";

/// How the module of generated code begins that keeps variables.
pub const STORE_START: &str = "\nmod evcxr_internal_runtime {\n";
/// How the function begins that runs a cell.
pub const FUNCTION_START: &str = "\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_";
/// How the code can begin that evcxr writes after a notebook's items. Each begins a line.
pub const AFTER_ITEMS: [&str; 4] = [
    "\n\n            struct EvcxrUserCodeError {}\n",
    STORE_START,
    FUNCTION_START,
    "\nfn evcxr_variable_store<T: 'static>(_: T) {}\n",
];
