//! Where Jupyter looks for kernels.
//!
//! The rules are those of `jupyter --paths`:
//! <https://docs.jupyter.org/en/latest/use/jupyter-directories.html#data-files>.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::KernelspecError;
use corebook_build::search_path;

/// Where a kernelspec goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Location {
    /// For this user, with any Jupyter.
    #[default]
    User,
    /// Into the Python environment that is active: a virtual environment, a conda environment, or else
    /// that of the `python3` on `PATH`.
    SysPrefix,
    /// Into `DIR/share/jupyter/kernels`.
    Prefix(PathBuf),
}

impl Location {
    /// The folder that holds a folder for each kernel.
    ///
    /// # Errors
    ///
    /// When there is no home folder or no Python environment.
    pub fn kernels_dir(&self) -> Result<PathBuf, KernelspecError> {
        match self {
            Self::User => {
                let data = data_dir(
                    |name| env::var_os(name),
                    dirs::home_dir(),
                    System::of_this_machine(),
                );
                Ok(data.ok_or(KernelspecError::NoHome)?.join("kernels"))
            }
            Self::SysPrefix => Ok(below_prefix(&active_prefix()?)),
            Self::Prefix(prefix) => {
                let absolute =
                    std::path::absolute(prefix).map_err(|source| KernelspecError::Io {
                        action: "locate",
                        path: prefix.clone(),
                        source,
                    })?;
                Ok(below_prefix(&absolute))
            }
        }
    }
}

/// The folders that Jupyter searches. Those of Jupyter's own Python are missing unless that Python is active here.
pub(super) fn search_path() -> Vec<PathBuf> {
    let listed = env::var_os("JUPYTER_PATH").unwrap_or_default();
    let listed: Vec<PathBuf> = env::split_paths(&listed)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join("kernels"))
        .collect();
    let known = [Location::User, Location::SysPrefix]
        .into_iter()
        .filter_map(|it| it.kernels_dir().ok());
    let system = [PathBuf::from("/usr/local"), PathBuf::from("/usr")];
    let system = system
        .iter()
        .filter(|_| cfg!(unix))
        .map(|prefix| below_prefix(prefix));
    let mut path = Vec::new();
    for dir in listed.into_iter().chain(known).chain(system) {
        if !path.contains(&dir) {
            path.push(dir);
        }
    }
    path
}

fn below_prefix(prefix: &Path) -> PathBuf {
    prefix.join("share").join("jupyter").join("kernels")
}

/// The environment that is active, or the one of the `python3` on `PATH`.
fn active_prefix() -> Result<PathBuf, KernelspecError> {
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .filter_map(env::var_os);
    if let Some(prefix) = active.map(PathBuf::from).find(|prefix| prefix.is_dir()) {
        return Ok(prefix);
    }
    let python = if cfg!(windows) { "python" } else { "python3" };
    let no_python = |detail: String| KernelspecError::NoPython {
        python: python.to_owned(),
        detail,
    };
    let found =
        search_path::find(python).ok_or_else(|| no_python("it is not on PATH".to_owned()))?;
    let output = Command::new(found)
        // Without modules of the current folder.
        .args(["-I", "-c", "import sys; print(sys.prefix)"])
        .current_dir(search_path::neutral_folder())
        .output()
        .map_err(|error| no_python(error.to_string()))?;
    let prefix = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    match output.status.success() && prefix.is_dir() {
        true => Ok(prefix),
        false => Err(no_python(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}

/// The systems whose rules differ.
#[derive(Debug, Clone, Copy)]
enum System {
    Linux,
    MacOs,
    Windows,
}

impl System {
    fn of_this_machine() -> Self {
        if cfg!(target_os = "macos") {
            Self::MacOs
        } else if cfg!(windows) {
            Self::Windows
        } else {
            Self::Linux
        }
    }
}

/// Jupyter's folder for this user's data.
fn data_dir(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
    system: System,
) -> Option<PathBuf> {
    let set = |name| {
        variable(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = set("JUPYTER_DATA_DIR") {
        return Some(dir);
    }
    match system {
        System::MacOs => Some(home?.join("Library").join("Jupyter")),
        System::Windows => match set("APPDATA") {
            Some(appdata) => Some(appdata.join("jupyter")),
            None => Some(home?.join(".jupyter").join("data")),
        },
        System::Linux => {
            let data = set("XDG_DATA_HOME").or_else(|| Some(home?.join(".local").join("share")));
            Some(data?.join("jupyter"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_dir_with(system: System, variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variable = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| OsString::from(value))
        };
        data_dir(variable, Some(PathBuf::from("/home/ada")), system)
    }

    #[test]
    fn each_system_has_its_place_for_user_data() {
        let place = |system, variables| data_dir_with(system, variables).unwrap();
        assert_eq!(
            place(System::Linux, &[]),
            Path::new("/home/ada/.local/share/jupyter")
        );
        assert_eq!(
            place(System::Linux, &[("XDG_DATA_HOME", "/data")]),
            Path::new("/data/jupyter")
        );
        assert_eq!(
            place(System::MacOs, &[("XDG_DATA_HOME", "/data")]),
            Path::new("/home/ada/Library/Jupyter")
        );
        assert_eq!(
            place(System::Windows, &[("APPDATA", "/roaming")]),
            Path::new("/roaming/jupyter")
        );
        assert_eq!(
            place(System::Windows, &[]),
            Path::new("/home/ada/.jupyter/data")
        );
    }

    #[test]
    fn jupyters_own_variable_wins_everywhere() {
        for system in [System::Linux, System::MacOs, System::Windows] {
            let variables = [("JUPYTER_DATA_DIR", "/mine"), ("XDG_DATA_HOME", "/data")];
            assert_eq!(
                data_dir_with(system, &variables).unwrap(),
                Path::new("/mine")
            );
        }
    }

    #[test]
    fn a_prefix_holds_kernels_below_share() {
        let location = Location::Prefix(PathBuf::from("/opt/jupyter"));
        assert_eq!(
            location.kernels_dir().unwrap(),
            Path::new("/opt/jupyter/share/jupyter/kernels")
        );
    }
}
