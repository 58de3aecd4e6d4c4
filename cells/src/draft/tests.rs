use super::*;
use crate::messages::{Message, Span};
use crate::notebook::Report;
use crate::source::Place;

pub(super) fn notebook(cells: &[&str]) -> Notebook {
    let mut notebook = Notebook::default();
    for (cell, code) in cells.iter().enumerate() {
        let draft = notebook.draft(cell, 1, code);
        notebook.define(&draft);
    }
    notebook
}

/// Adds a variable, as if a cell had kept it.
pub(super) fn keep(notebook: &mut Notebook, name: &str, type_name: &str) {
    let mut names: Vec<String> = notebook
        .variables
        .iter()
        .map(|it| it.name.clone())
        .collect();
    names.push(name.to_owned());
    let report = Report {
        kept: names,
        new: vec![name.to_owned()],
        ..Report::default()
    };
    let variable = Variable {
        name: name.to_owned(),
        is_mutable: false,
        type_name: type_name.to_owned(),
    };
    let kept = Kept {
        variable,
        is_nameable: true,
    };
    notebook.settle(&report, &[kept]);
}

pub(super) fn error(code: &str, text: &str, ranges: &[Range<usize>]) -> Message {
    let spans = ranges.iter().enumerate().map(|(number, range)| Span {
        range: range.clone(),
        is_primary: number == 0,
        label: String::new(),
        replacement: None,
    });
    Message {
        level: "error".to_owned(),
        code: Some(code.to_owned()),
        text: text.to_owned(),
        spans: spans.collect(),
        children: Vec::new(),
        explanation: None,
    }
}

pub(super) fn find(source: &Source, text: &str) -> Range<usize> {
    let start = source.text.find(text).unwrap();
    start..start + text.len()
}

#[test]
fn a_value_has_its_place_in_the_cell() {
    let notebook = Notebook::default();
    let mut draft = notebook.draft(4, 1, "\nf(3) // of f");
    let source = draft.source();
    let place = |text| source.place(&find(&source, text));
    let expected = |range| Some(Place { cell: 4, range });
    assert_eq!(place("f(3)"), expected(1..5));
    assert_eq!(place("3"), expected(3..4));
    let errors = vec![error(
        "E0425",
        "cannot find function",
        &[find(&source, "f(3)")],
    )];
    assert_eq!(
        draft.revise(&source, errors.clone()),
        Verdict::Errors(errors)
    );
}

#[test]
fn only_variables_that_are_named_are_loaded() {
    let mut notebook = notebook(&["struct P;", "fn unused() {}"]);
    for (name, type_name) in [("p", "P"), ("n", "i32"), ("v", "std::vec::Vec<P>")] {
        keep(&mut notebook, name, type_name);
    }
    let loads = |code: &str| {
        let draft = notebook.draft(9, 1, code);
        draft.loaded().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(loads("println!(\"{n}\")"), ["n"]);
    assert_eq!(loads("let n = 2;"), Vec::<String>::new());
    assert_eq!(loads("let n = n + 1;"), ["n"]);
    assert_eq!(loads("f(|| v.len(), p)"), ["p", "v"]);
    let source = notebook.draft(9, 1, "v.len()").source().text;
    assert!(
        source.contains("struct P;") && !source.contains("fn unused"),
        "{source}"
    );
    assert!(
        source.contains("corebook_store.take::<::std::vec::Vec<P>>(\"v\")"),
        "{source}"
    );
}

#[test]
fn a_trivial_cell_needs_nothing() {
    let mut notebook = notebook(&["fn f() {}"]);
    keep(&mut notebook, "n", "i32");
    let draft = notebook.draft(1, 1, "1 + 1");
    let source = draft.source().text;
    assert!(
        !source.contains("store::open") && !source.contains("fn f"),
        "{source}"
    );
    assert!(!draft.wants_types());
}

#[test]
fn a_changed_type_loses_its_variables() {
    let mut notebook = notebook(&["struct P { x: u8 }", "struct Q(Vec<P>); struct R;"]);
    for (name, type_name) in [("p", "P"), ("q", "std::option::Option<Q>"), ("r", "R")] {
        keep(&mut notebook, name, type_name);
    }
    let lost = |code: &str| {
        let draft = notebook.draft(9, 1, code);
        draft
            .lost()
            .iter()
            .map(|it| it.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(lost("struct P { x: u16 }"), ["p", "q"]);
    assert_eq!(lost("struct P { x: u8 }\n\n"), Vec::<String>::new());
    assert_eq!(lost("fn P() {}"), Vec::<String>::new());
    assert_eq!(lost("impl Clone for R {}"), Vec::<String>::new());
}

#[test]
fn an_error_at_the_end_of_the_cell_is_there() {
    let draft = Notebook::default().draft(1, 1, "1 +");
    let source = draft.source();
    let end = source.text.rfind("}\n").unwrap();
    let expected = Some(Place {
        cell: 1,
        range: 3..3,
    });
    assert_eq!(source.place(&(end..end + 1)), expected);
    let draft = Notebook::default().draft(1, 1, "\n\"open");
    let source = draft.source();
    let start = source.text.rfind('"').unwrap();
    let expected = Some(Place {
        cell: 1,
        range: 1..6,
    });
    assert_eq!(source.place(&(start..source.text.len())), expected);
}

#[test]
fn variables_end_as_the_runtime_reports() {
    let mut notebook = Notebook::default();
    keep(&mut notebook, "old", "u8");
    keep(&mut notebook, "again", "u8");
    let mut draft = notebook.draft(
        1,
        7,
        "let again = \"a\"; let f = |x: u8| x; let unreached = 1;",
    );
    let mir = "fn run() {\n let mut _1: corebook::store::Slot<&str>;\n debug corebook_slot_0 => _1;\n\
               let mut _2: corebook::store::Slot<{closure@src/lib.rs:1:1: 1:2}>;\n debug corebook_slot_1 => _2;\n";
    draft.learn_types(mir);
    let kept = draft.kept();
    assert_eq!(draft.unkept().len(), 1);
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let mut after = notebook.clone();
    after.settle(
        &Report {
            run: 7,
            kept: names(&["old", "again", "f"]),
            new: names(&["again", "f"]),
            ..Report::default()
        },
        &kept,
    );
    let listed = |notebook: &Notebook| {
        let variables = notebook.variables().iter();
        variables
            .map(|it| format!("{}: {}", it.name, it.type_name))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&after), ["old: u8", "again: &str"]);
    // A panic before the end: the old variable stays.
    notebook.settle(
        &Report {
            run: 7,
            kept: names(&["old", "again"]),
            ..Report::default()
        },
        &kept,
    );
    assert_eq!(listed(&notebook), ["old: u8", "again: u8"]);
}

#[test]
fn a_static_stays_where_it_was_defined() {
    let code = "static HITS: AtomicU64 = AtomicU64::new(0);";
    let mut notebook = Notebook::default();
    let first = notebook.draft(0, 1, code);
    assert!(
        first
            .source()
            .text
            .contains("export_name = \"corebook_static_1_0_0\"")
    );
    assert!(first.source().text.contains("close_with_library(1, "));
    notebook.define(&first);
    let report = |run, library: &str| Report {
        run,
        library: library.to_owned(),
        ..Report::default()
    };
    notebook.settle(&report(1, "/code_1.so"), &[]);
    let uses = notebook.draft(1, 2, "HITS.load(Relaxed)");
    let text = uses.source().text;
    assert!(
        text.contains("link_name = \"corebook_static_1_0_0\"") && !text.contains("close"),
        "{text}"
    );
    assert_eq!(uses.libraries(), ["/code_1.so"]);
    assert!(notebook.draft(1, 2, "1").libraries().is_empty());
    // It can't be declared in another library: this one gets its own.
    let mut revised = uses.clone();
    let source = revised.source();
    let errors = vec![error(
        "E0106",
        "missing lifetime",
        &[find(&source, "safe static")],
    )];
    assert_eq!(revised.revise(&source, errors), Verdict::Again);
    assert!(
        revised
            .source()
            .text
            .contains("export_name = \"corebook_static_2_0_0\"")
    );
    // Defined again, it starts anew.
    assert!(
        notebook
            .draft(1, 3, code)
            .source()
            .text
            .contains("export_name = \"corebook_static_3_0_0\"")
    );
    // A new process has no libraries.
    notebook.forget_variables();
    assert!(
        notebook
            .draft(1, 4, "HITS.load(Relaxed)")
            .source()
            .text
            .contains("export_name")
    );
}

#[test]
fn a_static_of_a_changed_type_starts_anew() {
    let mut notebook = notebook(&[
        "struct P(u8);",
        "static KEPT: P = P(1); fn f() { static N: u8 = 1; }",
    ]);
    notebook.items.set_library(1, "/code_1.so");
    let draft = notebook.draft(5, 2, "struct P(u16);");
    assert_eq!(draft.restarted(), ["KEPT"]);
    assert_eq!(notebook.draft(5, 2, "struct Q;").restarted(), [""; 0]);
}
