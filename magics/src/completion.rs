//! Completion (Tab) and inspection (Shift-Tab) inside the names and options of magics.
//!
//! It never completes Rust, not even a magic's expression: the evaluator does that.

use std::ops::Range;

use crate::help::{help_markdown, help_text, with_value};
use crate::magic::{Arguments, Magic, Places};
use crate::options::{Next, parse_leniently};
use crate::scan::{FoundMagic, scan};
use crate::table;

/// The completions at a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completions {
    /// The bytes of the cell that a completion replaces.
    pub replace: Range<usize>,
    /// Best first.
    pub items: Vec<Completion>,
}

/// One completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text to insert.
    pub text: String,
    /// One line about its meaning.
    pub summary: String,
    pub kind: CompletionKind,
}

/// What a completion inserts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// `%name`
    Magic,
    /// `--name`
    Option,
    /// A keyword of a magic, such as `status`.
    Word,
}

/// The help of a magic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Help {
    pub text: String,
    pub markdown: String,
}

/// The completions at byte `cursor` of `source`. `None` if the cursor is in Rust. A cursor inside a character or
/// after the end is moved back to the nearest character boundary.
///
/// ```
/// use corebook_magics::completion::complete;
///
/// let completions = complete("%po", 3).expect("the cursor is in a magic's name");
/// assert_eq!(completions.items[0].text, "%pool");
/// assert_eq!(complete("let x = pool.", 13), None);
/// ```
pub fn complete(source: &str, cursor: usize) -> Option<Completions> {
    let typed = &source[..source.floor_char_boundary(cursor)];
    complete_name(typed).or_else(|| complete_arguments(typed))
}

/// The help of the magic whose name or options are at byte `cursor` of `source`.
///
/// ```
/// use corebook_magics::completion::inspect;
///
/// let help = inspect("%pool 4 --pin", 2).expect("the cursor is in a magic's name");
/// assert!(help.text.starts_with("%pool: "));
/// ```
pub fn inspect(source: &str, cursor: usize) -> Option<Help> {
    let magics = scan(source).magics;
    let found = magics
        .iter()
        .find(|found| (found.call.span.start..=command_end(found)).contains(&cursor))?;
    let help = (help_text(found.name)?, help_markdown(found.name)?);
    Some(Help {
        text: help.0,
        markdown: help.1,
    })
}

/// The end of a magic's name and options. Its Rust comes after it.
fn command_end(found: &FoundMagic<'_>) -> usize {
    let options_end = table::find(found.name).map(|magic| {
        let rest = parse_leniently(magic, &found.call).0.rest;
        // Right before the expression the cursor belongs to the expression, so the options end a byte earlier.
        if rest.is_empty() {
            rest.end
        } else {
            rest.start - 1
        }
    });
    options_end.unwrap_or(found.head.end).max(found.head.end)
}

/// Names of magics, if `typed` ends in one or in the percent sign before one.
fn complete_name(typed: &str) -> Option<Completions> {
    // With a letter after it, a bare `%` is a magic too, if it is in a place for one.
    let probe = format!("{typed}x");
    let magics = scan(&probe).magics;
    let found = magics
        .last()
        .filter(|found| found.head.end == probe.len())?;
    let sigil_start = found.head.start;
    let word = &typed[sigil_start..];
    let is_first = typed[..found.call.span.start].trim().is_empty();
    let lines = table::TABLE
        .iter()
        .filter(|magic| magic.places != Places::Cell);
    let lines = lines.map(|magic| ("%", magic));
    let cells = table::TABLE
        .iter()
        .filter(|magic| is_first && magic.places != Places::Line);
    let cells = cells.map(|magic| ("%%", magic));
    let items = lines.chain(cells).map(|(sigil, magic)| Completion {
        text: format!("{sigil}{}", magic.name),
        summary: magic.summary.to_owned(),
        kind: CompletionKind::Magic,
    });
    // On the first line, `%ti` can be completed to `%%timeit` as well.
    let is_match = |text: &str| {
        text.starts_with(word)
            || text
                .strip_prefix('%')
                .is_some_and(|text| text.starts_with(word))
    };
    let items = items.filter(|item| is_match(&item.text)).collect();
    Some(Completions {
        replace: sigil_start..typed.len(),
        items,
    })
}

/// Options and keywords, if `typed` ends in a magic's command line.
fn complete_arguments(typed: &str) -> Option<Completions> {
    let magics = scan(typed).magics;
    let found = magics.last().filter(|found| !found.is_question)?;
    let arguments = found.head.end..typed.len();
    let after = &typed[found.call.arguments.end.max(arguments.start)..];
    if !after.trim().is_empty()
        || after.contains('\n')
        || found
            .call
            .body
            .as_ref()
            .is_some_and(|body| !body.is_empty())
    {
        return None;
    }
    let magic = table::find(found.name)?;
    let word_len = typed[arguments.clone()]
        .chars()
        .rev()
        .take_while(|c| !c.is_whitespace());
    let word_start = typed.len() - word_len.map(char::len_utf8).sum::<usize>();
    let word = &typed[word_start..];

    let mut call = found.call.clone();
    call.arguments = arguments.start..word_start;
    let (parsed, next) = parse_leniently(magic, &call);
    let items = match next {
        Next::Value => Vec::new(),
        Next::NoOption if magic.arguments == Arguments::Expression => return None,
        _ if magic.arguments == Arguments::Expression
            && !word.is_empty()
            && !word.starts_with('-') =>
        {
            return None;
        }
        _ => {
            let has_options = next == Next::Anything;
            let words = magic.words.iter().filter(|_| parsed.words.is_empty());
            let words =
                words.map(|&(text, summary)| item(text, summary.to_owned(), CompletionKind::Word));
            let options = option_items(magic, |flag| has_options && !parsed.has(flag));
            let near = words
                .chain(options)
                .filter(|item| item.text.starts_with(word));
            near.collect()
        }
    };
    Some(Completions {
        replace: word_start..typed.len(),
        items,
    })
}

/// The options of `magic` for which `is_allowed` holds, with `--help` last.
fn option_items(magic: &Magic, is_allowed: impl Fn(&str) -> bool) -> Vec<Completion> {
    let own = magic.options.iter().map(|spec| {
        let summary = match spec.value.is_required() {
            true => format!("{}: {}", with_value(spec), spec.summary),
            false => spec.summary.to_owned(),
        };
        item(spec.flag, summary, CompletionKind::Option)
    });
    let help = item(
        "--help",
        format!("what %{} does, with examples", magic.name),
        CompletionKind::Option,
    );
    own.chain([help])
        .filter(|item| is_allowed(&item.text))
        .collect()
}

fn item(text: &str, summary: String, kind: CompletionKind) -> Completion {
    Completion {
        text: text.to_owned(),
        summary,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a cell with `|` at the cursor; gives the replaced text and the completions.
    fn completed(marked: &str) -> String {
        let cursor = marked.find('|').expect("a bar marks the cursor");
        let source = marked.replacen('|', "", 1);
        match complete(&source, cursor) {
            None => "Rust".to_owned(),
            Some(found) => {
                let texts: Vec<&str> = found.items.iter().map(|item| item.text.as_str()).collect();
                format!("{:?} -> {}", &source[found.replace], texts.join(" "))
            }
        }
    }

    #[test]
    fn names_complete_where_a_magic_may_stand() {
        assert_eq!(completed("%po|"), "\"%po\" -> %pool");
        assert_eq!(completed("let x = 1;\n  %cp|us"), "\"%cp\" -> %cpus");
        assert!(completed("%|").contains("%cpus %pool"));
        assert!(completed(":dep rand\n%|").contains("%magics"));
        assert_eq!(completed("let x = 1\n  %po|"), "Rust");
        assert_eq!(completed("f(\n%po|"), "Rust");
        assert_eq!(completed("\"\n%po|"), "Rust");
        assert_eq!(completed("// %po|"), "Rust");
        assert_eq!(completed("é = \"😀\";\n%po|"), "\"%po\" -> %pool");
    }

    #[test]
    fn options_and_words_complete_after_the_name() {
        assert_eq!(
            completed("%pool |"),
            "\"\" -> status close --logical --name --pin --help"
        );
        assert_eq!(completed("%pool st|"), "\"st\" -> status");
        assert_eq!(
            completed("%pool 4 --|"),
            "\"--\" -> --logical --name --pin --help"
        );
        assert_eq!(completed("%pool --pin --n|"), "\"--n\" -> --name");
        assert_eq!(completed("%pool --name |"), "\"\" -> ");
        assert_eq!(completed("%pool -- |"), "\"\" -> status close");
        assert_eq!(
            completed("%pool --pin --|"),
            "\"--\" -> --logical --name --help"
        );
        assert_eq!(completed("%cpus -| "), "\"-\" -> -v --json --help");
        assert_eq!(completed("%cpus // -|"), "Rust");
        assert_eq!(completed("%cpus\n|"), "Rust");
        assert_eq!(completed("%unknown -|"), "Rust");
    }

    #[test]
    fn summaries_show_the_value_of_an_option() {
        let summary = |source: &str, text: &str| {
            let items = complete(source, source.len()).map(|found| found.items);
            let item = items.into_iter().flatten().find(|item| item.text == text);
            item.map(|item| item.summary)
        };
        assert_eq!(
            summary("%timeit -", "-p").as_deref(),
            Some("-p P: significant digits; 3")
        );
        assert_eq!(summary("%timeit -", "-q").as_deref(), Some("print nothing"));
        assert_eq!(
            summary("%pool -", "--help").as_deref(),
            Some("what %pool does, with examples")
        );
    }

    #[test]
    fn expressions_are_left_to_the_evaluator() {
        assert_eq!(completed("%timeit pool.ma|"), "Rust");
        assert_eq!(completed("%timeit -n 3 pool.|"), "Rust");
        assert_eq!(completed("%timeit -- -|"), "Rust");
        assert_eq!(completed("%timeit f(\n  pool.|)"), "Rust");
        assert_eq!(completed("%%timeit\nv.|"), "Rust");
        assert_eq!(completed("%%timeit\n|"), "Rust");
        assert!(completed("%timeit -n 3 -|").ends_with("-r -p -c -q -d -o -b --help"));
        assert!(completed("%%timeit -|").contains("-n -r"));
        assert_eq!(
            completed("%tim|"),
            "\"%tim\" -> %timeit %time %%timeit %%time"
        );
        assert_eq!(completed("%%timei|"), "\"%%timei\" -> %%timeit");
        assert_eq!(completed("x;\n%timei|"), "\"%timei\" -> %timeit");
        assert_eq!(completed("?%po|"), "\"%po\" -> %pool");
    }

    #[test]
    fn inspection_shows_help_on_magics_only() {
        let title = |source, cursor| {
            inspect(source, cursor).and_then(|help| help.text.lines().next().map(str::to_owned))
        };
        assert!(title("%pool 4", 0).is_some_and(|line| line.starts_with("%pool: ")));
        assert!(title("%pool 4", 7).is_some());
        assert!(title("%timeit f(x)", 7).is_some());
        assert_eq!(title("%timeit f(x)", 8), None, "the expression begins");
        assert_eq!(title("%pool 4\nlet x = 1;", 12), None);
        assert_eq!(title("%nonsense", 3), None);
    }
}
