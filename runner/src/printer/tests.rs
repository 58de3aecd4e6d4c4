use anstream::StripStream;
use serde_json::{Map, Value, json};

use super::*;
use crate::output::{Bundle, StreamName};

fn stream(text: &str) -> Output {
    Output::Stream {
        name: StreamName::Stdout,
        text: text.to_owned(),
    }
}

fn bundle(text: &str) -> Bundle {
    let Value::Object(data) = json!({ "text/html": "<b>", "text/plain": text }) else {
        unreachable!()
    };
    Bundle {
        data,
        metadata: Map::new(),
    }
}

fn display(text: &str, id: Option<&str>) -> Output {
    Output::Display {
        bundle: bundle(text),
        display_id: id.map(str::to_owned),
    }
}

fn update(text: &str, id: &str) -> Output {
    Output::Update {
        bundle: bundle(text),
        display_id: id.to_owned(),
    }
}

fn run<W: Write>(printer: &mut Printer<W>, outputs: &[Output]) {
    printer.begin_cell(1, 2, "work();\n").unwrap();
    outputs
        .iter()
        .for_each(|output| printer.show(output).unwrap());
    printer.end_cell().unwrap();
}

/// What a cell's outputs look like in a pipe, below the cell.
fn plain(outputs: &[Output]) -> String {
    let mut bytes = Vec::new();
    run(
        &mut Printer::new(StripStream::new(&mut bytes), false),
        outputs,
    );
    String::from_utf8(bytes)
        .unwrap()
        .strip_prefix("[1] work();\n")
        .unwrap()
        .to_owned()
}

/// What a cell's outputs look like on a screen: all rows, after everything was written.
fn screen(outputs: &[Output]) -> Vec<String> {
    let mut bytes = Vec::new();
    run(&mut Printer::new(&mut bytes, true), outputs);
    rows(&String::from_utf8(bytes).unwrap())[1..].to_vec()
}

/// The rows of a terminal after `written`. Knows only the sequences that this module writes.
fn rows(written: &str) -> Vec<String> {
    let (mut rows, mut row, mut column) = (vec![Vec::new()], 0, 0);
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => {
                (row, column) = (row + 1, 0);
                if rows.len() == row {
                    rows.push(Vec::new());
                }
            }
            '\r' => column = 0,
            '\u{1b}' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                match &rest[1..=end] {
                    "K" => rows[row].truncate(column),
                    "J" => {
                        rows[row].truncate(column);
                        rows.truncate(row + 1);
                    }
                    up if up.ends_with('A') => row -= up[..up.len() - 1].parse::<usize>().unwrap(),
                    "?7l" | "?7h" => {}
                    style => assert!(style.ends_with('m'), "unknown sequence {style:?}"),
                }
                rest = &rest[end + 1..];
            }
            other => {
                match rows[row].get_mut(column) {
                    Some(place) => *place = other,
                    None => rows[row].push(other),
                }
                column += 1;
            }
        }
    }
    rows.iter().map(|row| row.iter().collect()).collect()
}

#[test]
fn control_characters_in_sources_and_names_are_escaped() {
    let mut bytes = Vec::new();
    let mut printer = Printer::new(&mut bytes, true);
    printer.heading("a\u{1b}[2J.ipynb").unwrap();
    printer
        .begin_cell(1, 1, "evil(); // \u{1b}[2K\r\r\nf()")
        .unwrap();
    let written = String::from_utf8(bytes).unwrap();
    assert!(written.contains("== a\\u{1b}[2J.ipynb"), "{written:?}");
    assert!(
        written.contains(" evil(); // \\u{1b}[2K\\r\n    f()\n"),
        "{written:?}"
    );
}

#[test]
fn a_pipe_gets_cells_and_outputs_without_colours() {
    let mut bytes = Vec::new();
    let mut printer = Printer::new(StripStream::new(&mut bytes), false);
    printer.begin_cell(1, 2, "fn f() {\n\n    1\n}\n").unwrap();
    printer.end_cell().unwrap();
    printer.begin_cell(2, 2, "f()").unwrap();
    printer.show(&stream("\u{1b}[31mred")).unwrap();
    printer.show(&stream("\u{1b}[0m!")).unwrap();
    printer.show(&display("7", None)).unwrap();
    printer.end_cell().unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        text,
        "[1] fn f() {\n\n        1\n    }\n\n[2] f()\nred!\n7\n"
    );
}

#[test]
fn text_without_a_newline_at_the_end_gets_one() {
    assert_eq!(plain(&[stream("a"), stream("b")]), "ab\n");
    assert_eq!(plain(&[stream("a\n")]), "a\n");
}

#[test]
fn a_traceback_is_printed_and_without_one_the_error() {
    let error = |traceback: &[&str]| Output::Error {
        name: "Panic".into(),
        value: "x".into(),
        traceback: traceback.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(
        plain(&[stream("a"), error(&["panicked: x", "at 1:2"])]),
        "a\npanicked: x\nat 1:2\n"
    );
    assert_eq!(plain(&[error(&[])]), "Panic: x\n");
}

#[test]
fn a_pipe_gets_a_display_before_the_next_output_and_at_the_end() {
    let mut outputs = vec![
        display("0%", Some("bar")),
        update("50%", "bar"),
        stream("x\n"),
        update("99%", "bar"),
    ];
    assert_eq!(plain(&outputs), "50%\nx\n99%\n");
    outputs.swap(2, 3);
    assert_eq!(plain(&outputs), "99%\nx\n");
    assert_eq!(
        plain(&[
            display("0%", Some("bar")),
            update("0%", "bar"),
            update("9", "other")
        ]),
        "0%\n"
    );
}

#[test]
fn a_pipe_keeps_what_was_cleared() {
    assert_eq!(
        plain(&[
            stream("a"),
            Output::Clear { is_delayed: false },
            stream("b")
        ]),
        "a\nb\n"
    );
}

#[test]
fn a_screen_replaces_what_was_displayed_last() {
    assert_eq!(
        screen(&[
            display("0%", Some("bar")),
            update("50%\nmore", "bar"),
            update("100%", "bar")
        ]),
        ["100%", ""]
    );
}

#[test]
fn a_screen_shows_a_late_update_at_the_end() {
    let outputs = [
        display("0%", Some("bar")),
        stream("x\n"),
        update("50%", "bar"),
        update("100%", "bar"),
    ];
    assert_eq!(screen(&outputs), ["0%", "x", "100%", ""]);
}

#[test]
fn progress_is_below_finished_lines_and_erased_at_the_end() {
    let mut bytes = Vec::new();
    let mut printer = Printer::new(&mut bytes, true);
    printer.begin_cell(3, 17, "work()").unwrap();
    printer.show(&stream("a\nb")).unwrap();
    let mid_line = rows(&String::from_utf8(printer.out.clone()).unwrap());
    printer.show(&stream("c\n")).unwrap();
    let below = rows(&String::from_utf8(printer.out.clone()).unwrap());
    printer.end_cell().unwrap();
    assert_eq!(mid_line, ["[3] work()", "a", "b"]);
    assert_eq!(below, ["[3] work()", "a", "bc", "cell 3 of 17"]);
    assert_eq!(
        rows(&String::from_utf8(bytes).unwrap()),
        ["[3] work()", "a", "bc", ""]
    );
}

#[test]
fn a_bar_made_of_carriage_returns_is_left_alone() {
    assert_eq!(
        screen(&[stream("10%\r"), stream("20%\r"), stream("done\n")]),
        ["done", ""]
    );
}

#[test]
fn a_clear_erases_the_line_or_the_last_display() {
    let clear = |is_delayed| Output::Clear { is_delayed };
    assert_eq!(
        screen(&[stream("a\nb"), clear(false), stream("c\n")]),
        ["a", "c", ""]
    );
    assert_eq!(
        screen(&[
            display("1", Some("d")),
            clear(true),
            display("2", Some("d"))
        ]),
        ["2", ""]
    );
    assert_eq!(screen(&[stream("a"), clear(true)]), ["a", ""]);
}

#[test]
fn stderr_on_the_same_screen_leaves_the_output_intact() {
    let mut bytes = Vec::new();
    let mut printer = Printer::new(&mut bytes, true);
    printer.begin_cell(1, 1, "x").unwrap();
    printer.show(&stream("half")).unwrap();
    printer.aside(|| {}).unwrap();
    printer.end_cell().unwrap();
    assert_eq!(
        rows(&String::from_utf8(bytes).unwrap()),
        ["[1] x", "half", ""]
    );
}

#[test]
fn a_remark_is_for_screens_only() {
    let remark = |is_live| {
        let mut bytes = Vec::new();
        let mut printer = Printer::new(StripStream::new(&mut bytes), is_live);
        printer.remark("3 cells in 1.0 s").unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(remark(true), "3 cells in 1.0 s\n");
    assert_eq!(remark(false), "");
}

#[test]
fn stderr_does_not_end_a_line_in_a_pipe() {
    let mut bytes = Vec::new();
    let mut printer = Printer::new(StripStream::new(&mut bytes), false);
    let mut calls = 0;
    printer.begin_cell(1, 1, "x").unwrap();
    printer.show(&stream("half ")).unwrap();
    printer.aside(|| calls += 1).unwrap();
    printer.show(&stream("whole")).unwrap();
    printer.end_cell().unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "[1] x\nhalf whole\n");
    assert_eq!(calls, 1);
}

#[test]
fn a_display_of_many_lines_is_not_replaced_in_place() {
    let lines = |count: usize, text: &str| vec![text; count].join("\n");
    let replaced = screen(&[
        display(&lines(MOST_REPLACED_LINES, "old"), Some("d")),
        update("new", "d"),
    ]);
    assert_eq!(replaced, ["new", ""]);
    let long = screen(&[
        display(&lines(MOST_REPLACED_LINES + 1, "old"), Some("d")),
        update("new", "d"),
    ]);
    assert_eq!(long.len(), MOST_REPLACED_LINES + 3);
    assert_eq!(long[MOST_REPLACED_LINES + 1], "new");
}

#[test]
fn only_the_display_that_was_shown_last_is_replaced_in_place() {
    let outputs = [
        display("a 0%", Some("a")),
        display("b 0%", Some("b")),
        update("a 50%", "a"),
        update("b 50%", "b"),
    ];
    assert_eq!(screen(&outputs), ["a 0%", "b 50%", "a 50%", ""]);
}

#[test]
fn an_id_that_is_displayed_again_is_updated_in_its_new_place() {
    let outputs = [
        display("first", Some("d")),
        display("second", Some("d")),
        update("third", "d"),
    ];
    assert_eq!(screen(&outputs), ["first", "third", ""]);
    assert_eq!(plain(&outputs), "first\nthird\n");
}

#[test]
fn an_empty_display_takes_no_line_back_when_it_is_replaced() {
    assert_eq!(
        screen(&[stream("x\n"), display("", Some("d")), update("1", "d")]),
        ["x", "1", ""]
    );
}
