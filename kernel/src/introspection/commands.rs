//! Completes the names of commands, which begin with a colon.

use super::completion_item::{Offer, Offers};

/// The commands of evcxr and of corebook, in the order of their names.
const COMMANDS: [&str; 25] = [
    ":allow_static_linking",
    ":build_env",
    ":cache",
    ":clear",
    ":clear_cache",
    ":codegen_backend",
    ":dep",
    ":efmt",
    ":env",
    ":explain",
    ":fmt",
    ":help",
    ":last_compile_dir",
    ":last_error_json",
    ":linker",
    ":offline",
    ":opt",
    ":quit",
    ":restart",
    ":show_deps",
    ":t",
    ":timing",
    ":type",
    ":vars",
    ":version",
];

/// The commands that begin with `typed`, which ends at byte `cursor` of the cell.
pub fn complete(typed: &str, cursor: usize) -> Offers {
    let names = COMMANDS.iter().filter(|name| name.starts_with(typed));
    Offers {
        replace: cursor - typed.len()..cursor,
        items: names
            .map(|name| Offer::new((*name).to_owned(), "magic"))
            .collect(),
    }
}
