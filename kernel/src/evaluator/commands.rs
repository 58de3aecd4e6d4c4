//! Commands of evcxr that do not reach evcxr. Does no I/O.

use super::error::CellError;
use crate::evcxr::{commands, user_settings};

/// The error for a command that is not available: `:load_config`, which would read `evcxr.toml` in the notebook's folder,
/// and that file can name programs to run; and `:doc`, because evcxr's rust-analyzer reads nothing.
pub fn refused(code: &str) -> Option<CellError> {
    if commands::has(code, ":doc") {
        return Some(CellError::new(
            "CompileError",
            "`:doc` is not available: write the name in a cell, put the cursor on it and press Shift-Tab",
        ));
    }
    commands::has(code, ":load_config").then(|| {
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
    commands::has(code, ":quit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_are_not_available_are_refused() {
        assert!(refused(":dep x\n:load_config --quiet").is_some());
        assert!(refused(":doc String").is_some());
        assert!(refused(":quit").is_none());
        assert!(ends_kernel("!ls\n:quit") && !ends_kernel("1\n:quit"));
    }
}
