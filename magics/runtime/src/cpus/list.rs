//! Reads and writes lists of CPU numbers as Linux does: `0-3,8-11`, and the older hexadecimal masks.
//!
//! This module never opens a file.

/// Why a list of CPUs can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListError {
    /// The part of the list that is neither a number nor a range.
    pub part: String,
}

impl std::fmt::Display for ListError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` is not a CPU number or a range of them: write a list like 0-3,8-11",
            self.part
        )
    }
}

impl std::error::Error for ListError {}

/// Reads a list of CPU numbers, for example `0-3,8-11`.
///
/// Blanks, line breaks and the NUL byte that some kernels append are ignored. The result is sorted and has no
/// duplicates; an empty list has no CPUs.
///
/// # Errors
///
/// [`ListError`] with the first part that is neither a number nor an ascending range.
///
/// # Examples
///
/// ```
/// assert_eq!(corebook::cpus::parse_list("0-3,8-9\n"), Ok(vec![0, 1, 2, 3, 8, 9]));
/// assert!(corebook::cpus::parse_list("3-x").is_err());
/// ```
pub fn parse_list(text: &str) -> Result<Vec<usize>, ListError> {
    let mut cpus = Vec::new();
    for part in text.split(',').map(trim).filter(|part| !part.is_empty()) {
        let fault = || ListError {
            part: part.to_owned(),
        };
        let number = |digits: &str| digits.trim().parse::<usize>().map_err(|_| fault());
        match part.split_once('-') {
            None => cpus.push(number(part)?),
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                // No machine has that many CPUs: a typing error must not fill the memory.
                if first > last || last - first > MAX_CPUS {
                    return Err(fault());
                }
                cpus.extend(first..=last);
            }
        }
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// Writes CPU numbers, which must be sorted, as a list, for example `0-3,8-11`.
///
/// # Examples
///
/// ```
/// assert_eq!(corebook::cpus::format_list(&[0, 1, 2, 3, 8]), "0-3,8");
/// ```
pub fn format_list(cpus: &[usize]) -> String {
    let runs = cpus.chunk_by(|one, next| one + 1 == *next);
    let parts = runs.map(|run| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}-{last}"),
        [] => String::new(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// Reads a hexadecimal mask: comma-separated words of 32 bits, of which the last has CPU 0.
pub(super) fn parse_mask(text: &str) -> Option<Vec<usize>> {
    let mut cpus = Vec::new();
    for (word_index, word) in trim(text).rsplit(',').enumerate() {
        let bits = u32::from_str_radix(word.trim(), 16).ok()?;
        cpus.extend(
            (0..32)
                .filter(|bit| bits >> bit & 1 == 1)
                .map(|bit| word_index * 32 + bit),
        );
    }
    Some(cpus)
}

/// Removes the line break and NUL bytes around a value of sysfs.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0')
}

const MAX_CPUS: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_and_write_the_same() {
        for text in ["0", "0-1", "0-3,8-11", "1,3,5-7", ""] {
            assert_eq!(format_list(&parse_list(text).unwrap()), text);
        }
    }

    #[test]
    fn line_break_and_nul_byte_are_no_part_of_a_list() {
        assert_eq!(parse_list("0-1\n\0"), Ok(vec![0, 1]));
        assert_eq!(parse_list(" 4 , 2 \n"), Ok(vec![2, 4]));
    }

    #[test]
    fn ranges_may_be_short_overlap_or_be_too_long() {
        assert_eq!(parse_list("3-3"), Ok(vec![3]));
        assert_eq!(parse_list("2-4,0-2"), Ok(vec![0, 1, 2, 3, 4]));
        let longest = parse_list(&format!("0-{MAX_CPUS}"));
        assert_eq!(longest.map(|cpus| cpus.len()), Ok(MAX_CPUS + 1));
        assert!(parse_list(&format!("0-{}", MAX_CPUS + 1)).is_err());
        let message = parse_list("0,a").map_err(|error| error.to_string());
        let expected = "`a` is not a CPU number or a range of them: write a list like 0-3,8-11";
        assert_eq!(message, Err(expected.to_owned()));
    }

    #[test]
    fn a_list_that_is_none_names_the_part() {
        for (text, part) in [
            ("0,x", "x"),
            ("5-2", "5-2"),
            ("1--2", "1--2"),
            ("0-99999999999", "0-99999999999"),
        ] {
            assert_eq!(
                parse_list(text),
                Err(ListError {
                    part: part.to_owned()
                })
            );
        }
    }

    #[test]
    fn masks_count_from_the_last_word() {
        assert_eq!(parse_mask("00000000,00000101\n\0"), Some(vec![0, 8]));
        assert_eq!(parse_mask("80000000,00000001"), Some(vec![0, 63]));
        assert_eq!(parse_mask("zz"), None);
    }
}
