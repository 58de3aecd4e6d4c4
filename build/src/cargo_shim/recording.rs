//! Records how cargo ran rustc for a cell, and what that depended on.
//!
//! Never looks into the cell. A call that is not UTF-8 is not recorded.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::toolchain::cargo_home;

use super::{INNER_WRAPPER_VARIABLE, RECORD_VARIABLE, WRAPPER_VARIABLE};

/// How cargo was called: arguments, environment and folder.
pub(super) struct Call {
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
    folder: String,
}

impl Call {
    /// `None` if part of it is not UTF-8.
    pub(super) fn of_this_process() -> Option<Self> {
        let arguments = std::env::args_os().map(|text| text.into_string().ok());
        let folder = std::env::current_dir().ok()?;
        Some(Self {
            arguments: arguments.collect::<Option<_>>()?,
            variables: own_variables()?,
            folder: folder.into_os_string().into_string().ok()?,
        })
    }

    fn to_json(&self) -> Value {
        json!({ "arguments": self.arguments, "variables": self.variables, "folder": self.folder })
    }
}

fn own_variables() -> Option<BTreeMap<String, String>> {
    let texts = std::env::vars_os()
        .map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    texts.collect()
}

/// A call of rustc that can be repeated.
pub(super) struct Recording(Value);

impl Recording {
    /// Writes the first half: how rustc is called. For the recorder, while cargo waits for it.
    pub(super) fn begin(file: &Path, rustc: &Command) -> io::Result<()> {
        let Some(mut variables) = own_variables() else {
            return Ok(());
        };
        // The jobs of a build are shared through cargo, which will not be there.
        let not_there = ["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"];
        let ours = [WRAPPER_VARIABLE, RECORD_VARIABLE, INNER_WRAPPER_VARIABLE];
        for name in not_there.into_iter().chain(ours) {
            variables.remove(name);
        }
        let arguments: Option<Vec<&str>> = rustc.get_args().map(|text| text.to_str()).collect();
        let (Some(program), Some(arguments)) = (rustc.get_program().to_str(), arguments) else {
            return Ok(());
        };
        let rustc = json!({ "program": program, "arguments": arguments, "variables": variables });
        fs::write(file, rustc.to_string())
    }

    /// Writes the second half: what the call depends on. For when cargo has ended.
    pub(super) fn complete(file: &Path, call: &Call) -> io::Result<()> {
        let Some(Recording(mut rustc)) = Self::read(file) else {
            return Ok(());
        };
        let inputs: BTreeMap<String, Value> = inputs(&rustc)
            .into_iter()
            .map(|path| (path.to_string_lossy().into_owned(), stamp(&path)))
            .collect();
        rustc["call"] = call.to_json();
        rustc["inputs"] = json!(inputs);
        fs::write(file, rustc.to_string())
    }

    /// `None` if nothing was recorded, or only part of it was written.
    pub(super) fn read(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok().map(Self)
    }

    /// Whether cargo would run rustc in the same way for this call.
    pub(super) fn is_valid_for(&self, call: &Call) -> bool {
        let is_as_it_was =
            |(path, stamp_then): (&String, &Value)| stamp(path.as_ref()) == *stamp_then;
        let inputs = self.0["inputs"].as_object();
        self.0["call"] == call.to_json()
            && inputs.is_some_and(|inputs| inputs.iter().all(is_as_it_was))
    }

    /// The command that repeats it.
    pub(super) fn command(&self, is_incremental: bool) -> Command {
        let mut command = Command::new(self.0["program"].as_str().unwrap_or_default());
        let variables = self.0["variables"].as_object().into_iter().flatten();
        let mut arguments: Vec<&str> = arguments(&self.0).collect();
        let incremental = arguments
            .windows(2)
            .position(|pair| pair[0] == "-C" && pair[1].starts_with("incremental="));
        if let (false, Some(at)) = (is_incremental, incremental) {
            arguments.drain(at..at + 2);
        }
        command
            .args(arguments)
            .env_clear()
            .envs(variables.filter_map(|(name, value)| Some((name, value.as_str()?))));
        command
    }

    /// The library that it writes.
    pub(super) fn library(&self) -> PathBuf {
        let mut arguments = arguments(&self.0).skip_while(|text| *text != "--out-dir");
        let folder = arguments.nth(1).unwrap_or_default();
        let name = format!(
            "{}{}{}",
            std::env::consts::DLL_PREFIX,
            crate::evcxr::CELL_CRATE,
            std::env::consts::DLL_SUFFIX
        );
        Path::new(folder).join(name)
    }
}

fn arguments(rustc: &Value) -> impl Iterator<Item = &str> {
    let arguments = rustc["arguments"].as_array().into_iter().flatten();
    arguments.filter_map(Value::as_str)
}

/// All files that decide how cargo runs rustc, and the libraries that are passed to rustc.
fn inputs(rustc: &Value) -> Vec<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let program = PathBuf::from(rustc["program"].as_str().unwrap_or_default());
    let libraries = arguments(rustc)
        .filter_map(|text| text.split_once('='))
        .map(|(_, path)| PathBuf::from(path))
        .filter(|path| path.is_file());
    let settings = here
        .ancestors()
        .map(|folder| folder.join(".cargo"))
        .chain(cargo_home())
        .flat_map(|folder| [folder.join("config.toml"), folder.join("config")]);
    [here.join("Cargo.toml"), here.join("Cargo.lock"), program]
        .into_iter()
        .chain(settings)
        .chain(libraries)
        .collect()
}

/// Changes when the file is written; null if there is no file.
fn stamp(path: &Path) -> Value {
    let stamp = || {
        let metadata = fs::metadata(path).ok()?;
        let age = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(format!("{} {}", age.as_nanos(), metadata.len()))
    };
    json!(stamp())
}
