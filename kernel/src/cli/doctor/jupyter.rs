//! The installed kernelspecs, and which of them Jupyter lists.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use corebook_build::search_path;
use corebook_install::kernelspec::Installed;
use serde_json::Value;

type CheckResult = Result<String, String>;

/// One result for each installed kernel, or one error if no kernel is installed.
pub fn kernelspecs(installed: &[Installed]) -> Vec<CheckResult> {
    match installed {
        [] => vec![Err(
            "Jupyter does not know the kernel: run `corebook install`".to_owned(),
        )],
        installed => installed.iter().map(check_binary).collect(),
    }
}

fn check_binary(kernel: &Installed) -> CheckResult {
    let (dir, binary) = (kernel.dir.display(), kernel.binary.display());
    if !kernel.binary.is_file() {
        return Err(format!(
            "{dir} starts {binary}, which is gone: run `corebook install` again"
        ));
    }
    let own = std::env::current_exe().ok();
    let is_this = own.is_some_and(|own| is_same(&own, &kernel.binary));
    let other = if is_this {
        ""
    } else {
        ", another corebook than this one"
    };
    Ok(format!("{dir} starts {binary}{other}"))
}

/// Which of the `installed` kernels the `jupyter` on `PATH` lists.
pub fn view(installed: &[Installed]) -> CheckResult {
    let missing = || {
        "there is no `jupyter` on PATH: run `install/lab`, or `pip install jupyterlab`; `corebook run` needs none"
            .to_owned()
    };
    let jupyter = search_path::find("jupyter").ok_or_else(missing)?;
    let output = Command::new(jupyter)
        .args(["kernelspec", "list", "--json"])
        // Jupyter and Python load settings and modules from the current folder.
        .current_dir(search_path::neutral_folder())
        .output()
        .map_err(|_| missing())?;
    let listed = listed_dirs(&output.stdout).ok_or_else(|| {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.lines().last().unwrap_or_default();
        format!("`jupyter kernelspec list --json` failed ({last}): reinstall Jupyter")
    })?;
    let names: Vec<&str> = installed
        .iter()
        .filter(|kernel| listed.iter().any(|dir| is_same(dir, &kernel.dir)))
        .map(|kernel| kernel.name.as_str())
        .collect();
    match names.as_slice() {
        [] => Err(
            "`jupyter kernelspec list` does not list a corebook kernel: run `corebook install --user`, \
             or `corebook install --sys-prefix` in Jupyter's environment"
                .to_owned(),
        ),
        names => Ok(format!("`jupyter kernelspec list` names {}", names.join(", "))),
    }
}

/// The folders of all kernels that Jupyter lists.
fn listed_dirs(json: &[u8]) -> Option<Vec<PathBuf>> {
    let json: Value = serde_json::from_slice(json).ok()?;
    let kernels = json["kernelspecs"].as_object()?.values();
    let dirs = kernels.filter_map(|kernel| kernel["resource_dir"].as_str());
    Some(dirs.map(PathBuf::from).collect())
}

fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_jupyter_is_parsed() {
        let json = br#"{"kernelspecs": {"python3": {"resource_dir": "/a"}, "rust": {"resource_dir": "/b"}}}"#;
        assert_eq!(listed_dirs(json), Some(vec!["/a".into(), "/b".into()]));
        assert_eq!(listed_dirs(b"no json"), None);
    }
}
