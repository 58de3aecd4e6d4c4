//! Options that `%timeit` and `%compare` have in common.
//!
//! It owns the specifications of these options and their translation to Rust. The options that only one of
//! the two has are in that magic's file.

use crate::magic::{MagicError, OptionSpec, OptionValue};
use crate::options::Parsed;

/// `-n N`
pub(crate) const fn loops(summary: &'static str) -> OptionSpec {
    OptionSpec::new("-n", OptionValue::Required("N"), summary)
}

/// `-r R`
pub(crate) const fn runs(summary: &'static str) -> OptionSpec {
    OptionSpec::new("-r", OptionValue::Required("R"), summary)
}

/// `-p P`
pub(crate) const DIGITS: OptionSpec =
    OptionSpec::new("-p", OptionValue::Required("P"), "significant digits; 3");

/// `-q`
pub(crate) const QUIET: OptionSpec = OptionSpec::new("-q", OptionValue::None, "print nothing");

/// `-o [NAME]`
pub(crate) const fn object(summary: &'static str) -> OptionSpec {
    OptionSpec::new("-o", OptionValue::Optional("NAME"), summary)
}

/// `-b`
pub(crate) const HIDE_LITERALS: OptionSpec =
    OptionSpec::new("-b", OptionValue::None, "hide literals from the optimiser");

/// The fields for `-n`, `-r` and `-p` in a struct expression of Rust, each with a comma and a blank after it.
///
/// # Errors
///
/// A value is not a whole number of at least 1.
pub(crate) fn count_fields(parsed: &Parsed) -> Result<String, MagicError> {
    let mut fields = String::new();
    for (flag, field) in [("-n", "loops"), ("-r", "repeat"), ("-p", "digits")] {
        if let Some(count) = parsed.count(flag)? {
            fields += &format!("{field}: {count}, ");
        }
    }
    Ok(fields)
}

/// The start of a statement that binds the result to the variable named by `-o`. Empty without a name.
///
/// # Errors
///
/// The value of `-o` can't name a variable.
pub(crate) fn binding(parsed: &Parsed, result_type: &str) -> Result<String, MagicError> {
    Ok(match parsed.variable("-o")? {
        Some(name) => format!("let {name}: ::corebook::timing::{result_type} = "),
        None => String::new(),
    })
}
