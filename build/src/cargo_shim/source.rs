//! The one change to the source that evcxr 0.22 generates: its store of variables comes from the runtime.
//!
//! evcxr writes the store's source into every cell that has variables, and compiling its hash map costs
//! more than the rest of most cells: 200 ms of processor time without incremental state. The runtime has the
//! same store, compiled. To be dropped when evcxr keeps its store in a library.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

/// The store's module as evcxr writes it, up to the function that runs the cell.
const MODULE_START: &str = "\nmod evcxr_internal_runtime {\n";
const MODULE_END: &str = "\n}\n#[unsafe(no_mangle)]\npub extern \"C\" fn run_user_code_";

const FROM_RUNTIME: &str = "use ::corebook::store as evcxr_internal_runtime;";

/// Rewrites a source file, if there is something to simplify. Every line keeps its number. Returns how many
/// bytes there are to compile.
pub(super) fn simplify(file: &Path) -> io::Result<usize> {
    let text = fs::read_to_string(file)?;
    let Some(text) = simplified(&text) else {
        return Ok(text.len());
    };
    fs::write(file, &text)?;
    Ok(text.len())
}

fn simplified(text: &str) -> Option<String> {
    let module = module(text)?;
    let line_breaks = text[module.clone()].matches('\n').count();
    Some(format!(
        "{}{FROM_RUNTIME}{}{}",
        &text[..module.start],
        "\n".repeat(line_breaks),
        &text[module.end..]
    ))
}

/// From `mod` to the brace that closes it.
fn module(text: &str) -> Option<Range<usize>> {
    let start = text.find(MODULE_START)? + 1;
    let end = start + text[start..].find(MODULE_END)? + "\n}".len();
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: &str = "\
use corebook::prelude::*;
mod evcxr_internal_runtime {
pub struct VariableStore {
}

pub fn create_variable_store() -> *mut VariableStore {
}
}
#[unsafe(no_mangle)]
pub extern \"C\" fn run_user_code_3(
";

    #[test]
    fn the_store_comes_from_the_runtime_and_lines_keep_their_numbers() {
        let expected = "\
use corebook::prelude::*;
use ::corebook::store as evcxr_internal_runtime;






#[unsafe(no_mangle)]
pub extern \"C\" fn run_user_code_3(
";
        assert_eq!(simplified(CELL).as_deref(), Some(expected));
    }

    #[test]
    fn other_source_stays_as_it_is() {
        assert_eq!(simplified("pub fn f() {}\n"), None);
        let simplified_once = simplified(CELL).unwrap();
        assert_eq!(simplified(&simplified_once), None);
    }
}
