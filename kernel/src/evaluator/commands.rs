//! Commands of evcxr that do not reach evcxr. Does no I/O.

use super::error::CellError;
use crate::evcxr::user_settings;

/// The error for a command that is not available: `:load_config`, which would read `evcxr.toml` in the notebook's folder,
/// and that file can name programs to run; and `:doc`, because evcxr's rust-analyzer reads nothing.
pub fn refused(code: &str) -> Option<CellError> {
    if has_command(code, ":doc") {
        return Some(CellError::new(
            "CompileError",
            "`:doc` is not available: write the name in a cell, put the cursor on it and press Shift-Tab",
        ));
    }
    has_command(code, ":load_config").then(|| {
        let folder = user_settings::folder().unwrap_or_default();
        CellError::new(
            "CompileError",
            format!(
                "`:load_config` is not available, because evcxr.toml in a notebook's folder could name programs: your own \
                 settings, in {}, are read before the first cell",
                folder.display()
            ),
        )
    })
}

/// Whether the cell has `:quit`. evcxr would end the process at once, in the middle of its threads and without a reply.
pub fn ends_kernel(code: &str) -> bool {
    has_command(code, ":quit")
}

/// Whether `code` begins with commands, and `command` is one of them.
fn has_command(code: &str, command: &str) -> bool {
    let lines = code.lines().map(str::trim);
    let mut commands = lines.take_while(|line| {
        line.is_empty() || line.starts_with([':', '!']) || line.starts_with("//")
    });
    commands.any(|line| line.split_whitespace().next() == Some(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_before_the_code_only() {
        for found in [":quit", "\n// a\n:dep x\n  :quit now\n1", "!ls\n:quit"] {
            assert!(ends_kernel(found), "{found}");
        }
        for kept in ["", ":quits", "let s = \"\n:quit\n\";", ":dep x", "1\n:quit"] {
            assert!(!ends_kernel(kept), "{kept}");
        }
    }

    #[test]
    fn commands_that_are_not_available_are_refused() {
        assert!(refused(":dep x\n:load_config --quiet").is_some());
        assert!(refused(":doc String").is_some());
        assert!(refused(":quit").is_none());
    }
}
