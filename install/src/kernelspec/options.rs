//! The options of a kernelspec, which are checked before anything is written.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::KernelspecError;
use corebook_build::CrateRequest;
use corebook_build::crates::WITH_VARIABLE;
use corebook_build::toolchain::TOOLCHAIN_VARIABLE;

/// Caps how many workers `%pool` starts by default; for machines that a class shares.
pub const WORKERS_VARIABLE: &str = "COREBOOK_WORKERS";

/// The choices of `corebook install`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The kernelspec's folder; what `jupyter --kernel` takes.
    pub name: String,
    /// What JupyterLab shows.
    pub display_name: String,
    /// Set in the kernel's environment.
    pub env: Vec<EnvEntry>,
    /// The largest number of workers `%pool` starts by itself.
    pub workers: Option<usize>,
    /// Crates built into the template, available in every cell.
    pub with: Vec<CrateRequest>,
    /// The toolchain that compiles cells, as rustup knows it.
    pub toolchain: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "corebook".to_owned(),
            display_name: "Rust (corebook)".to_owned(),
            env: Vec::new(),
            workers: None,
            with: Vec::new(),
            toolchain: None,
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), KernelspecError> {
        checked_name(&self.name)?;
        if self.display_name.trim().is_empty() {
            return Err(KernelspecError::NoDisplayName);
        }
        match self.workers {
            Some(0) => Err(KernelspecError::NoWorkers { workers: 0 }),
            _ => Ok(()),
        }
    }

    /// The kernel's environment. A variable that the user names takes precedence over one that an option implies.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let workers = self
            .workers
            .map(|workers| (WORKERS_VARIABLE, workers.to_string()));
        let toolchain = self
            .toolchain
            .clone()
            .map(|name| (TOOLCHAIN_VARIABLE, name));
        let with = (!self.with.is_empty()).then(|| (WITH_VARIABLE, CrateRequest::list(&self.with)));
        let implied = [workers, toolchain, with].into_iter().flatten();
        let named = self
            .env
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value.clone()));
        implied
            .chain(named)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }
}

/// One environment variable of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvEntry {
    pub name: String,
    pub value: String,
}

impl FromStr for EnvEntry {
    type Err = KernelspecError;

    /// Reads `NAME=VALUE`; the value may hold further `=`.
    fn from_str(text: &str) -> Result<Self, KernelspecError> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
                Ok(Self {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })
            }
            _ => Err(KernelspecError::BadEnv {
                text: text.to_owned(),
            }),
        }
    }
}

/// Jupyter's rule: `^[a-z0-9._-]+$`, upper or lower case. A leading dot would hide it, or leave the folder.
pub(super) fn checked_name(name: &str) -> Result<&str, KernelspecError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(is_allowed) {
        true => Ok(name),
        false => Err(KernelspecError::BadName {
            name: name.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_jupyters_rule() {
        for name in ["corebook", "Rust-2024", "a.b_c", "0"] {
            assert!(checked_name(name).is_ok(), "{name}");
        }
        for name in ["", "..", ".hidden", "a b", "a/b", "rüst", "a\\b", "x\n"] {
            assert!(checked_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_value_may_hold_equals_signs() {
        let entry: EnvEntry = "RUSTFLAGS=-Ctarget-cpu=native".parse().unwrap();
        assert_eq!(
            (entry.name.as_str(), entry.value.as_str()),
            ("RUSTFLAGS", "-Ctarget-cpu=native")
        );
        for text in ["", "=x", "NAME", "A B=x"] {
            assert!(text.parse::<EnvEntry>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_named_variable_wins_over_an_option() {
        let options = Options {
            workers: Some(4),
            toolchain: Some("1.95.0".to_owned()),
            with: CrateRequest::parse_list("rand@0.9,itertools").unwrap(),
            env: vec!["COREBOOK_WORKERS=2".parse().unwrap()],
            ..Options::default()
        };
        let environment = options.environment();
        assert_eq!(environment["COREBOOK_WORKERS"], "2");
        assert_eq!(environment["COREBOOK_TOOLCHAIN"], "1.95.0");
        assert_eq!(environment["COREBOOK_WITH"], "rand@0.9,itertools");
        assert_eq!(Options::default().environment().len(), 0);
    }
}
