//! The files through which the kernel and the shim exchange a cell: the source that the kernel has made, and what rustc
//! says about it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The source for the next build.
const SOURCE: &str = "cell.json";
/// What rustc has written to stderr.
const MESSAGES: &str = "messages";
/// The MIR, which contains the types of variables.
const TYPES: &str = "cell.mir";

/// The files of one session.
#[derive(Debug, Clone)]
pub struct CellFiles {
    folder: PathBuf,
}

/// What the kernel wants to be compiled.
pub(super) struct Request {
    pub source: String,
    pub wants_types: bool,
    /// Libraries to link to.
    pub libraries: Vec<String>,
}

impl CellFiles {
    pub(crate) fn beside(tools: &Path) -> Self {
        Self {
            folder: tools.to_owned(),
        }
    }

    /// Has the following builds compile this source in place of evcxr's.
    ///
    /// * `source`: has the function [`FUNCTION`](crate::evcxr::FUNCTION_IN_SOURCE) in place of the one that evcxr calls.
    /// * `wants_types`: whether rustc also has to write the types of variables.
    /// * `libraries`: the paths of libraries to link to.
    ///
    /// # Errors
    ///
    /// When a file cannot be written or removed.
    pub fn write(&self, source: &str, wants_types: bool, libraries: &[String]) -> io::Result<()> {
        self.remove_results()?;
        let request =
            json!({ "source": source, "wants_types": wants_types, "libraries": libraries });
        fs::write(self.folder.join(SOURCE), request.to_string())
    }

    /// Has the following builds compile what evcxr writes.
    ///
    /// # Errors
    ///
    /// When a file cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        self.remove_results()?;
        remove_if_there(&self.folder.join(SOURCE))
    }

    fn remove_results(&self) -> io::Result<()> {
        remove_if_there(&self.messages_file())?;
        remove_if_there(&self.types_file())
    }

    /// What rustc has said about the source, one JSON object a line. Empty if rustc did not run.
    pub fn messages(&self) -> String {
        let bytes = fs::read(self.messages_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The MIR of the source. Empty if it was not wanted.
    pub fn types(&self) -> String {
        let bytes = fs::read(self.types_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn read(&self) -> Option<Request> {
        let text = fs::read(self.folder.join(SOURCE)).ok()?;
        let mut request: Value = serde_json::from_slice(&text).ok()?;
        let Value::String(source) = request["source"].take() else {
            return None;
        };
        let libraries = request["libraries"].as_array().into_iter().flatten();
        let libraries = libraries.filter_map(Value::as_str).map(str::to_owned);
        Some(Request {
            source,
            libraries: libraries.collect(),
            wants_types: request["wants_types"] == true,
        })
    }

    pub(super) fn messages_file(&self) -> PathBuf {
        self.folder.join(MESSAGES)
    }

    pub(super) fn types_file(&self) -> PathBuf {
        self.folder.join(TYPES)
    }
}

impl Request {
    /// The source with the function that evcxr expects. All other text keeps its place.
    ///
    /// * `written`: the source that evcxr has written for this build.
    pub(super) fn source_for(&self, written: &str) -> String {
        let start = crate::evcxr::CELL_FUNCTION;
        let number = written.split(start).nth(1).unwrap_or_default();
        let end = number
            .find(|it: char| !it.is_ascii_digit())
            .unwrap_or(number.len());
        let name = format!("{start}{}", &number[..end]);
        let placeholder = crate::evcxr::FUNCTION_IN_SOURCE;
        let name = format!("{name:0$}", placeholder.len());
        self.source.replace(placeholder, &name)
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evcxr::FUNCTION_IN_SOURCE;

    #[test]
    fn a_cell_is_compiled_with_the_function_that_evcxr_expects() {
        let folder = tempfile::tempdir().unwrap();
        let files = CellFiles::beside(folder.path());
        assert!(files.read().is_none());
        fs::write(files.messages_file(), "old").unwrap();
        files
            .write(
                &format!("fn {FUNCTION_IN_SOURCE}() {{}}"),
                true,
                &["/a b".to_owned()],
            )
            .unwrap();
        assert_eq!(files.messages(), "");
        let request = files.read().unwrap();
        assert!(request.wants_types && request.libraries == ["/a b"]);
        let written = "pub extern \"C\" fn run_user_code_17(x: u8) { run_user_code_3() }";
        assert_eq!(
            request.source_for(written),
            "fn run_user_code_17      () {}"
        );
        files.remove().unwrap();
        files.remove().unwrap();
        assert!(files.read().is_none());
    }
}
