//! The types of variables: each let of a corpus is used in a later cell, its type is shown, and can be written down.
//!
//! The corpus is the text files in `variable_types`. A line in brackets begins a section, which has a kernel of its own.
//! A blank line ends an entry. An entry is a cell, then any number of questions: a later cell after `> ` and its result
//! after `= `. An entry that begins with `> ` has no cell, only a question.
//!
//! Most crates take minutes to compile, so their sections are left out. To run them:
//! `cargo test --release -p corebook-tests --test end_to_end -- --ignored variable_types::`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use corebook_tests::execution::{Execute, Ran};
use corebook_tests::message::Message;
use corebook_tests::notebook::Notebook;

const LIBRARY: &str = include_str!("variable_types/library.txt");
const FUNCTIONS: &str = include_str!("variable_types/functions.txt");
const PATTERNS: &str = include_str!("variable_types/patterns.txt");
const ITEMS: &str = include_str!("variable_types/items.txt");
const CELLS: &str = include_str!("variable_types/cells.txt");
const CRATES: &str = include_str!("variable_types/crates.txt");

/// How many lets the corpus has at least, without those of crates.
const FEWEST_LETS: usize = 120;

/// How long a cell may compile crates.
const CRATE_PATIENCE: Duration = Duration::from_secs(1800);

/// Parts of a type that nobody can write down. A lifetime `'_` is none of them.
const PLACEHOLDERS: [&str; 6] = [
    "{closure",
    "{unknown}",
    "{error}",
    "type error",
    "impl ",
    "evcxr",
];

#[test]
fn collections_and_numbers_keep_their_types() {
    check(LIBRARY, "collections");
}

#[test]
fn texts_keep_their_types() {
    check(LIBRARY, "text");
}

#[test]
fn pointers_cells_and_channels_keep_their_types() {
    check(LIBRARY, "pointers");
}

#[test]
fn files_and_processes_keep_their_types() {
    check(LIBRARY, "system");
}

#[test]
fn iterators_keep_their_types() {
    check(FUNCTIONS, "iterators");
}

#[test]
fn function_pointers_and_boxed_closures_keep_their_types() {
    check(FUNCTIONS, "functions");
}

#[test]
fn trait_objects_keep_their_types() {
    check(FUNCTIONS, "trait objects");
}

#[test]
fn all_variables_of_a_pattern_are_kept() {
    check(PATTERNS, "patterns");
}

#[test]
fn values_of_all_expressions_are_kept() {
    check(PATTERNS, "values");
}

#[test]
fn variables_may_have_all_names() {
    check(PATTERNS, "names");
}

#[test]
fn values_of_the_notebooks_types_are_kept() {
    check(ITEMS, "own types");
}

#[test]
fn values_of_the_notebooks_generic_types_are_kept() {
    check(ITEMS, "generic types");
}

#[test]
fn values_of_the_notebooks_traits_are_kept() {
    check(ITEMS, "traits");
}

#[test]
fn references_to_statics_are_kept() {
    check(ITEMS, "statics");
}

#[test]
fn cells_keep_their_variables_beside_other_code() {
    check(CELLS, "cells");
}

#[test]
fn what_magics_bind_is_kept() {
    check(CELLS, "magics");
}

#[test]
fn values_of_libraries_that_are_there_are_kept() {
    check(CRATES, "libraries that are there");
}

#[test]
#[ignore = "compiles crates for many minutes"]
fn values_of_popular_crates_are_kept() {
    // `COREBOOK_TEST_CRATES=rand,regex` chooses some of them.
    let chosen = std::env::var("COREBOOK_TEST_CRATES").unwrap_or_default();
    let is_chosen = |name: &&str| chosen.is_empty() || chosen.split(',').any(|one| one == *name);
    let wrong: Vec<String> = sections(CRATES)
        .into_keys()
        .filter(is_chosen)
        .flat_map(|section| {
            println!("{section}");
            wrong_in(CRATES, section)
        })
        .inspect(|text| println!("{text}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Variables that later cells can hardly have: their types have no name, or they borrow from the cell.
const HARD_TO_KEEP: [(&str, &str); 12] = [
    ("closure", "let closure = |x: i32| x + 1;"),
    ("inside", "let inside = Some(|x: i32| x + 1);"),
    ("mapped", "let mapped = (0..3).map(|x| x + 1);"),
    ("future", "let future = async { 1 };"),
    (
        "evens",
        "fn even() -> impl Iterator<Item = u32> { (0..).step_by(2) }\nlet evens = even();",
    ),
    (
        "hidden",
        "fn hide() -> impl Sized { struct Hidden; Hidden }\nlet hidden = hide();",
    ),
    (
        "local",
        "let local = { #[derive(Debug)] struct Local; Local };",
    ),
    ("words", "let words = \"a b\".split(char::is_whitespace);"),
    ("items", "let list = vec![1]; let items = list.iter();"),
    (
        "part",
        "let whole = String::from(\"a\"); let part = whole.as_str();",
    ),
    (
        "guard",
        "let lock = std::sync::Mutex::new(1); let guard = lock.lock().unwrap();",
    ),
    ("borrowed", "let borrowed = &kept;"),
];

#[test]
fn a_variable_is_kept_or_the_cell_says_that_it_is_not() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = vec![1]; let offset = 1;");
    let mut wrong = Vec::new();
    for (name, code) in HARD_TO_KEEP {
        let ran = notebook.run(code);
        let shown = format!("{}\n{}", ran.log_lines().join("\n"), ran.traceback());
        let use_it = notebook.run(&format!("{{ let _ = &{name}; }}"));
        if variables(&notebook).contains_key(name) {
            wrong.extend(failure(&use_it, code));
        } else if !(shown.contains(name) && shown.contains("kept")) {
            wrong.push(format!("{code}\n  does not name {name}: {shown}"));
        } else if use_it.reply.text("status") == "ok" {
            wrong.push(format!("{code}\n  {name} is there, but not listed"));
        }
        // It works in one cell.
        let alone = format!("{{ {code} }}");
        wrong.extend(failure(&notebook.run(&alone), &alone));
    }
    assert_eq!(notebook.run("(kept, offset)").result(), "([1], 1)");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_corpus_has_enough_lets() {
    let texts = [LIBRARY, FUNCTIONS, PATTERNS, ITEMS, CELLS];
    let lets = texts
        .iter()
        .flat_map(|text| sections(text).into_values().flatten())
        .filter(|entry| entry.cell.contains("let "));
    assert!(lets.count() >= FEWEST_LETS);
}

/// A cell, and later cells with their results.
struct Entry {
    cell: String,
    questions: Vec<(String, String)>,
}

/// The entries of each section of a corpus.
fn sections(corpus: &'static str) -> BTreeMap<&'static str, Vec<Entry>> {
    let mut sections: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
    let mut section = "";
    for block in corpus.split("\n\n").map(str::trim) {
        let name = block
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        match name {
            Some(name) => section = name,
            None if block.starts_with("# ") || block.is_empty() => {}
            None => sections.entry(section).or_default().push(read_entry(block)),
        }
    }
    sections
}

fn read_entry(block: &str) -> Entry {
    let mut lines: Vec<&str> = Vec::new();
    let mut questions: Vec<(String, String)> = Vec::new();
    for line in block.lines() {
        if let Some(question) = line.strip_prefix("> ") {
            questions.push((question.to_owned(), String::new()));
        } else if let Some(result) = line.strip_prefix("= ") {
            let question = questions.last_mut().expect("a question before its result");
            question.1 = result.to_owned();
        } else {
            lines.push(line);
        }
    }
    let cell = lines.join("\n");
    Entry { cell, questions }
}

/// Runs a section. All that is wrong in it is in one message.
fn check(corpus: &'static str, section: &str) {
    let wrong = wrong_in(corpus, section);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs a section in a kernel of its own, and returns a text for each difference.
fn wrong_in(corpus: &'static str, section: &str) -> Vec<String> {
    let entries = sections(corpus)
        .remove(section)
        .expect("a section of the corpus");
    let notebook = Notebook::start();
    let mut wrong = Vec::new();
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    for entry in &entries {
        wrong.extend(wrong_in_entry(&notebook, entry, &mut types));
    }
    let alive = variables(&notebook);
    for (name, type_name) in &types {
        if alive.get(name) != Some(type_name) {
            let unused = format!("{{ fn again(_: {type_name}) {{}} }}");
            wrong.extend(failure(&run(&notebook, &unused), &unused));
        }
    }
    wrong.extend(wrong_when_written_down(&notebook, &alive));
    wrong
        .into_iter()
        .map(|text| format!("[{section}] {text}"))
        .collect()
}

/// Runs the cell and its questions, and notes the types that its variables have in between.
fn wrong_in_entry(
    notebook: &Notebook,
    entry: &Entry,
    types: &mut BTreeMap<String, String>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if !entry.cell.is_empty() {
        let failed = failure(&run(notebook, &entry.cell), &entry.cell);
        if failed.is_some() {
            wrong.extend(failed);
            return wrong;
        }
        let now = variables(notebook);
        for (name, type_name) in &now {
            if has_placeholder(type_name) {
                wrong.push(format!("{name} is shown with the type {type_name}"));
            }
        }
        types.extend(now);
    }
    for (question, expected) in &entry.questions {
        let ran = run(notebook, question);
        if plain_result(&ran) != Some(expected.as_str()) {
            let log = ran.log_lines();
            wrong.push(format!("{question}\n  {log:#?}, not {expected}"));
        }
    }
    wrong
}

/// Writes the type of each variable in a cell: no coercion may help it.
fn wrong_when_written_down(
    notebook: &Notebook,
    variables: &BTreeMap<String, String>,
) -> Vec<String> {
    let written = |(name, type_name): (&String, &String)| {
        format!("{{ let own = [&{name}]; let again: [&{type_name}; 1] = own; }}\n")
    };
    let mut all = String::new();
    for line in variables.iter().map(written) {
        let _ = write!(all, "{line}");
    }
    if failure(&run(notebook, &all), &all).is_none() {
        return Vec::new();
    }
    // One by one, to find out which.
    let cells = variables.iter().map(written);
    cells
        .filter_map(|cell| failure(&run(notebook, &cell), &cell))
        .collect()
}

/// What `:vars` shows.
fn variables(notebook: &Notebook) -> BTreeMap<String, String> {
    let ran = notebook.run(":vars");
    let text: String = ran
        .outputs
        .iter()
        .filter_map(|output| output.content["data"]["text/plain"].as_str())
        .collect();
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, type_name)| (name.trim().to_owned(), type_name.trim().to_owned()))
        .collect()
}

/// Whether a part of the type has no name in a notebook: `_`, or a name that only generated code has.
fn has_placeholder(type_name: &str) -> bool {
    let is_of_a_name = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
    let mut words = type_name.split(|c: char| !is_of_a_name(c));
    let is_generated = |word: &str| word == "_" || word.starts_with("corebook_");
    words.any(is_generated) || PLACEHOLDERS.iter().any(|part| type_name.contains(part))
}

/// The text of the cell's result, which may have other forms too.
fn plain_result(ran: &Ran) -> Option<&str> {
    let is_result = |output: &&Message| output.message_type() == "execute_result";
    let result = ran.outputs.iter().find(is_result)?;
    result.content["data"]["text/plain"].as_str()
}

/// Runs a cell, which may compile crates.
fn run(notebook: &Notebook, code: &str) -> Ran {
    let execute = Execute::new(code);
    let request = notebook.send(&execute);
    notebook.collect_within(&request, &execute, Vec::new(), CRATE_PATIENCE)
}

/// A text about the error of a cell, if it failed.
fn failure(ran: &Ran, code: &str) -> Option<String> {
    let is_error = ran.reply.text("status") != "ok";
    is_error.then(|| format!("{code}\n  {}", ran.traceback()))
}
