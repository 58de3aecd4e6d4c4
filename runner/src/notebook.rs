//! A notebook file: read, checked, filled with outputs, written.
//!
//! The notebook stays JSON, so that keys keep their order and unknown fields are kept; types could not do that. The
//! `nbformat` crate checks it and upgrades old versions. Never runs anything.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize as _;
use serde_json::{Map, Value, json};

use super::output_area::sorted;

/// The tag of a cell that must fail, because it shows an error.
const RAISES_EXCEPTION: &str = "raises-exception";

const LANGUAGE: &str = "rust";

/// The name of the kernelspec unless `corebook install` was given another.
const KERNEL_NAME: &str = "corebook";

/// The length of the ids of new cells, as in Jupyter.
const CELL_ID_LEN: usize = 8;

/// Permissions of a new file before the umask.
const NEW_FILE_MODE: u32 = 0o666;

/// A checked notebook of version 4.5.
#[derive(Debug, Clone)]
pub struct Notebook {
    path: PathBuf,
    json: Value,
}

/// A cell to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCell {
    /// Its index among all cells.
    index: usize,
    pub source: String,
    pub must_fail: bool,
}

/// Why a notebook can't be run or written.
#[derive(Debug, thiserror::Error)]
pub enum NotebookError {
    #[error("can't read the notebook {}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is not a Jupyter notebook: {reason}", path.display())]
    NotANotebook { path: PathBuf, reason: String },
    #[error("{} is a notebook for {language}; corebook runs Rust. Choose its kernel in JupyterLab (Kernel, Change Kernel) if its cells are Rust", path.display())]
    OtherLanguage { path: PathBuf, language: String },
    #[error("can't write the notebook {}", path.display())]
    Unwritable {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl Notebook {
    /// Reads the notebook at `path`.
    ///
    /// # Errors
    ///
    /// When the file can't be read, is not a notebook, or is one for another language.
    pub fn read(path: &Path) -> Result<Self, NotebookError> {
        let bytes = std::fs::read(path).map_err(|source| NotebookError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let refuse = |reason| NotebookError::NotANotebook {
            path: path.to_owned(),
            reason,
        };
        let json = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        let json = upgraded(json).map_err(refuse)?;
        match other_language(&json["metadata"]) {
            Some(language) => Err(NotebookError::OtherLanguage {
                path: path.to_owned(),
                language,
            }),
            None => Ok(Self {
                path: path.to_owned(),
                json,
            }),
        }
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The cells to run, in order.
    pub fn code_cells(&self) -> Vec<CodeCell> {
        let cells = self.json["cells"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate();
        cells
            .filter(|(_, cell)| cell["cell_type"] == "code")
            .map(|(index, cell)| CodeCell {
                index,
                source: joined(&cell["source"]),
                must_fail: tags(cell).any(|tag| tag == RAISES_EXCEPTION),
            })
            .collect()
    }

    /// Removes the outputs of earlier runs.
    pub fn clear_outputs(&mut self) {
        for cell in self.code_cells() {
            self.fill(&cell, None, json!([]));
        }
    }

    /// Sets the outputs of a cell, as JSON of the notebook format, and its execution count.
    pub fn fill(&mut self, cell: &CodeCell, execution_count: Option<usize>, outputs: Value) {
        self.json["cells"][cell.index]["execution_count"] = json!(execution_count);
        self.json["cells"][cell.index]["outputs"] = outputs;
    }

    /// Sets the language as the kernel describes it, and the kernelspec if the notebook names none.
    pub fn set_language_info(&mut self, language_info: &Map<String, Value>) {
        let metadata = &mut self.json["metadata"];
        if metadata["kernelspec"].is_null() {
            metadata["kernelspec"] = json!({
                "display_name": "Rust (corebook)",
                "language": LANGUAGE,
                "name": KERNEL_NAME,
            });
        }
        metadata["language_info"] = sorted(language_info);
    }

    /// The file's text, formatted as Jupyter does.
    pub fn to_text(&self) -> String {
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        self.json
            .serialize(&mut serde_json::Serializer::with_formatter(
                &mut text, formatter,
            ))
            .expect("JSON can be written to memory");
        text.push(b'\n');
        String::from_utf8(text).expect("JSON is UTF-8")
    }

    /// Writes the notebook to `path`, completely or not at all. Follows links.
    ///
    /// # Errors
    ///
    /// When the folder does not exist or may not be written.
    pub fn write(&self, path: &Path) -> Result<(), NotebookError> {
        replace(path, self.to_text().as_bytes()).map_err(|source| NotebookError::Unwritable {
            path: path.to_owned(),
            source,
        })
    }
}

/// Checks that `path` can be written, before the run whose outputs go there.
///
/// # Errors
///
/// When there is no such folder, it may not be written, or `path` is a folder itself.
pub fn check_writable(path: &Path) -> Result<(), NotebookError> {
    let check = || {
        if path.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        tempfile::tempfile_in(folder_of(&resolved(path))).map(drop)
    };
    check().map_err(|source| NotebookError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let path = resolved(path);
    let mut builder = tempfile::Builder::new();
    // The umask applies, as to any new file.
    let permissions = Permissions::from_mode(NEW_FILE_MODE);
    let mut file = builder
        .prefix(".corebook-")
        .permissions(permissions)
        .tempfile_in(folder_of(&path))?;
    file.write_all(text)?;
    if let Ok(replaced) = std::fs::metadata(&path) {
        file.as_file().set_permissions(replaced.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

/// The path without links; the path itself if there is no file yet.
fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The notebook in version 4.5, or why it is no notebook.
fn upgraded(mut json: Value) -> Result<Value, String> {
    if !json["nbformat"].is_i64() {
        return Err("it has no \"nbformat\"".to_owned());
    }
    match nbformat::parse_notebook(&without_outputs(&json)).map_err(|error| error.to_string())? {
        nbformat::Notebook::V3(old) => {
            let new = nbformat::upgrade_v3_notebook(old).map_err(|error| error.to_string())?;
            let new = nbformat::serialize_notebook(&nbformat::Notebook::V4(new));
            json = new
                .and_then(|text| Ok(serde_json::from_str(&text)?))
                .map_err(|error| error.to_string())?;
        }
        // 4.5 differs from 4.0 only in the ids of cells.
        nbformat::Notebook::Legacy(_) => json["nbformat_minor"] = json!(5),
        _ => {}
    }
    add_missing_ids(&mut json);
    Ok(json)
}

/// A run removes the outputs anyway, so broken ones are no reason to refuse a notebook. (The crate would print them on
/// stderr.)
fn without_outputs(json: &Value) -> String {
    let mut json = json.clone();
    for cell in json["cells"].as_array_mut().into_iter().flatten() {
        if let Some(outputs) = cell.get_mut("outputs") {
            *outputs = json!([]);
        }
    }
    json.to_string()
}

fn add_missing_ids(json: &mut Value) {
    let cells = json["cells"].as_array_mut().into_iter().flatten();
    for cell in cells.filter_map(Value::as_object_mut) {
        if cell
            .get("id")
            .and_then(Value::as_str)
            .is_some_and(|id| !id.is_empty())
        {
            continue;
        }
        let mut id = uuid::Uuid::new_v4().simple().to_string();
        id.truncate(CELL_ID_LEN);
        cell.remove("id");
        // In alphabetical order, where Jupyter puts it.
        let place = cell
            .keys()
            .position(|key| key.as_str() > "id")
            .unwrap_or(cell.len());
        cell.shift_insert(place, "id".to_owned(), json!(id));
    }
}

/// The language of a notebook that is not for Rust. Without a language it counts as Rust.
fn other_language(metadata: &Value) -> Option<String> {
    let named = metadata["kernelspec"]["language"]
        .as_str()
        .or(metadata["language_info"]["name"].as_str());
    let kernel = metadata["kernelspec"]["name"].as_str();
    match (named, kernel) {
        (Some(language), _) if language.eq_ignore_ascii_case(LANGUAGE) => None,
        (Some(language), Some(kernel)) => Some(format!("{language} (kernel {kernel})")),
        (Some(language), None) => Some(language.to_owned()),
        (None, Some(kernel)) if kernel != KERNEL_NAME && !kernel.contains(LANGUAGE) => {
            Some(format!("the kernel {kernel}"))
        }
        (None, _) => None,
    }
}

/// The text of a field that may also be a list of lines.
fn joined(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        lines => lines
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
    }
}

fn tags(cell: &Value) -> impl Iterator<Item = &str> {
    cell["metadata"]["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
