//! Formats the texts of `%magics` and `%name?` as plain text and Markdown.
//!
//! The contents come from each [`Magic`]. Nothing is printed here.

use std::fmt::Write;

use crate::magic::{Magic, OptionSpec, OptionValue, Places};
use crate::table;

/// All magics, one line each, in aligned columns. No line break at the end.
pub fn list_text() -> String {
    let width = table::TABLE
        .iter()
        .map(|magic| forms(magic).len())
        .max()
        .unwrap_or(0);
    let lines = table::TABLE.iter().map(|magic| {
        let forms = forms(magic);
        format!("{forms:width$}  {}", magic.summary)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The help of the magic called `name`, for a terminal. `None` if there is no such magic.
pub fn help_text(name: &str) -> Option<String> {
    let magic = table::find(name)?;
    let mut text = format!(
        "{}: {}\n\nusage: {}\n",
        forms(magic),
        magic.summary,
        magic.usage
    );
    text.push('\n');
    text += &plain(magic.help);
    let options = option_lines(magic);
    if !options.is_empty() {
        text += "\noptions:\n";
        let width = options
            .iter()
            .map(|(option, _)| option.len())
            .max()
            .unwrap_or(0);
        for (option, summary) in options {
            let _ = writeln!(text, "    {option:width$}  {summary}");
        }
    }
    Some(text.trim_end().to_owned())
}

/// The help of the magic called `name`, as Markdown. `None` if there is no such magic.
pub fn help_markdown(name: &str) -> Option<String> {
    let magic = table::find(name)?;
    let help = unindented(magic.help);
    let mut text = format!("**{}**: {}\n\n", forms(magic), magic.summary);
    let _ = write!(text, "```text\n{}\n```\n\n{}\n", magic.usage, help.trim());
    let options = option_lines(magic);
    if !options.is_empty() {
        text.push('\n');
        for (option, summary) in options {
            let _ = writeln!(text, "* `{option}`: {summary}");
        }
    }
    Some(text.trim_end().to_owned())
}

/// `%name`, `%%name` or both.
pub fn forms(magic: &Magic) -> String {
    let name = magic.name;
    match magic.places {
        Places::Line => format!("%{name}"),
        Places::Cell => format!("%%{name}"),
        Places::LineAndCell => format!("%{name}, %%{name}"),
    }
}

fn option_lines(magic: &Magic) -> Vec<(String, &'static str)> {
    let lines = magic
        .options
        .iter()
        .map(|spec| (with_value(spec), spec.summary));
    lines.collect()
}

/// The option as in the usage line: `-n N`, `-o [NAME]`.
pub(crate) fn with_value(spec: &OptionSpec) -> String {
    match spec.value {
        OptionValue::None => spec.flag.to_owned(),
        OptionValue::Required(value) => format!("{} {value}", spec.flag),
        OptionValue::Optional(value) => format!("{} [{value}]", spec.flag),
    }
}

/// Removes the blank that follows the slashes of a doc comment from each line.
fn unindented(help: &str) -> String {
    let lines = help
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Markdown as plain text: indents examples, and removes the marks of code and emphasis.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut is_example = false;
    for line in unindented(markdown).lines() {
        if line.starts_with("```") {
            is_example = !is_example;
        } else if is_example {
            let _ = writeln!(text, "    {line}");
        } else {
            let _ = writeln!(text, "{}", line.replace(['`'], "").replace("**", ""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_one_line_per_magic() {
        let text = list_text();
        assert_eq!(text.lines().count(), table::TABLE.len());
        for (line, magic) in text.lines().zip(table::TABLE) {
            assert!(line.contains(&format!("%{}", magic.name)) && line.ends_with(magic.summary));
        }
    }

    #[test]
    fn every_help_has_an_example_and_all_options() {
        for magic in table::TABLE {
            let markdown = help_markdown(magic.name).expect("the name is from the table");
            assert!(
                markdown.matches("```").count() >= 4,
                "an example: {markdown}"
            );
            let text = help_text(magic.name).expect("the name is from the table");
            assert!(!text.contains("```"), "{text}");
            for spec in magic.options {
                assert!(
                    text.contains(&with_value(spec)) && markdown.contains(spec.summary),
                    "{}",
                    spec.flag
                );
                assert!(!spec.summary.is_empty() && spec.flag.starts_with('-'));
            }
        }
        assert_eq!(help_text("nonsense"), None);
    }

    #[test]
    fn help_is_formatted_as_text_and_as_markdown() {
        insta::assert_snapshot!(help_text("cpus").expect("the magic exists"), @r"
        %cpus: how many cores there are, and how many are usable here

        usage: %cpus [-v] [--json]

        How many physical cores the machine has, and how many of them this notebook may use.

            %cpus             cores, logical CPUs, and the cores a pool should have
            %cpus -v          also model, frequency, caches, memory, limits and the load of each core
            %cpus --json      one JSON object: physical, logical, usable, limits

        A hardware thread is not a core: two threads of one core share its arithmetic units, so a pool gets
        one worker per physical core. usable counts the physical cores that the CPU affinity and a cgroup
        quota leave to this process. In Rust: cpus::physical(), cpus::logical(), cpus::usable().

        options:
            -v      also model, caches, memory, limits and load
            --json  print one JSON object
        ");
        insta::assert_snapshot!(help_markdown("cpus").expect("the magic exists"), @r"
        **%cpus**: how many cores there are, and how many are usable here

        ```text
        %cpus [-v] [--json]
        ```

        How many physical cores the machine has, and how many of them this notebook may use.

        ```text
        %cpus             cores, logical CPUs, and the cores a pool should have
        %cpus -v          also model, frequency, caches, memory, limits and the load of each core
        %cpus --json      one JSON object: physical, logical, usable, limits
        ```

        A hardware thread is not a core: two threads of one core share its arithmetic units, so a pool gets
        one worker per physical core. `usable` counts the physical cores that the CPU affinity and a cgroup
        quota leave to this process. In Rust: `cpus::physical()`, `cpus::logical()`, `cpus::usable()`.

        * `-v`: also model, caches, memory, limits and load
        * `--json`: print one JSON object
        ");
    }
}
