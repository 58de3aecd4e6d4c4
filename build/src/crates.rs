//! Crates that are built into a template in addition to the runtime, so that a class need not wait for them.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// Lists the crates of the template that a kernel clones, as given to `--with`.
pub const WITH_VARIABLE: &str = "COREBOOK_WITH";

/// A crate and which versions of it are acceptable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrateRequest {
    name: String,
    /// A version requirement as in a manifest; `*` for any.
    requirement: String,
}

impl CrateRequest {
    /// The crate's name as in a manifest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What follows `name = ` in a manifest.
    pub fn dependency_config(&self) -> String {
        format!("\"{}\"", self.requirement)
    }

    /// Reads a comma-separated list such as `rand,itertools@0.14`.
    ///
    /// # Errors
    ///
    /// [`Error::BadCrate`] naming the entry that is not a crate.
    ///
    /// ```
    /// let crates = corebook_build::CrateRequest::parse_list("rand, itertools@0.14")?;
    /// assert_eq!(crates[0].name(), "rand");
    /// assert_eq!(crates[1].dependency_config(), "\"0.14\"");
    /// # Ok::<(), corebook_build::Error>(())
    /// ```
    pub fn parse_list(text: &str) -> Result<Vec<Self>, Error> {
        text.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(str::parse)
            .collect()
    }

    /// The list that [`CrateRequest::parse_list`] reads.
    pub fn list(crates: &[Self]) -> String {
        crates
            .iter()
            .map(Self::to_string)
            .collect::<Vec<_>>()
            .join(",")
    }
}

/// The crates named by the kernel's environment, for [`crate::template()`].
///
/// # Errors
///
/// When the variable does not hold a list of crates.
pub fn from_environment() -> Result<Vec<CrateRequest>, Error> {
    CrateRequest::parse_list(&std::env::var(WITH_VARIABLE).unwrap_or_default())
}

impl FromStr for CrateRequest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, requirement) = text.split_once('@').unwrap_or((text, "*"));
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_name = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        // Only the characters of a requirement, so that nothing else gets into a manifest.
        let is_requirement = !requirement.is_empty()
            && requirement
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".*^~=<>+- ".contains(c));
        if !(starts_well && is_name && is_requirement) {
            return Err(Error::BadCrate {
                text: text.to_owned(),
            });
        }
        Ok(Self {
            name: name.to_owned(),
            requirement: requirement.to_owned(),
        })
    }
}

/// As in a list of crates: `rand`, or `rand@0.9`.
impl fmt::Display for CrateRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requirement.as_str() {
            "*" => formatter.write_str(&self.name),
            requirement => write!(formatter, "{}@{requirement}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_crates_are_refused() {
        for text in [
            "",
            "9lives",
            "a b",
            "rand@",
            "rand@\"1\"",
            "../x",
            "rand\n[x]",
        ] {
            let error = text.parse::<CrateRequest>().unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn an_empty_list_asks_for_nothing() {
        assert_eq!(CrateRequest::parse_list(" , ").unwrap(), []);
    }
}
