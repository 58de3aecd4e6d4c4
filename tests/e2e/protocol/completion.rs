//! What Tab offers at each position of `completion.txt`.

use corebook_tests::execution::Execute;
use corebook_tests::notebook::{Notebook, Start};
use serde_json::{Value, json};

const CORPUS: &str = include_str!("completion.txt");

/// Beginnings of names that are only for evcxr, the magics and macros.
const INTERNAL: [&str; 5] = ["evcxr", "Evcxr", "run_user_code", "corebook_", "__"];

struct Position {
    /// The code, with `│` at the cursor.
    marked: &'static str,
    first: Vec<&'static str>,
}

/// Returns the cells to run first, and the positions.
fn corpus() -> (Vec<&'static str>, Vec<Position>) {
    let (mut setup, mut positions) = (Vec::new(), Vec::new());
    let mut section = "";
    for line in CORPUS.lines() {
        match line {
            "" => {}
            _ if line.starts_with("# ") => {}
            _ if line.starts_with('[') => section = line,
            _ if section == "[setup]" => setup.push(line),
            _ => {
                let (marked, first) = line.split_once('→').expect("a position and what it offers");
                let first = first.split_whitespace().filter(|&name| name != "∅");
                positions.push(Position {
                    marked: marked.trim_end(),
                    first: first.collect(),
                });
            }
        }
    }
    (setup, positions)
}

/// The matches that are offered at the mark. Checks the rules of the message too.
fn offered(notebook: &Notebook, marked: &str) -> Vec<String> {
    let marked = marked.replace('↵', "\n");
    let cursor = marked.chars().position(|c| c == '│').expect("a cursor");
    let code = marked.replace('│', "");
    let request = json!({ "code": code, "cursor_pos": cursor });
    let reply = notebook.ask("complete_request", request);
    assert_eq!(reply["status"], "ok");
    let matches: Vec<String> = serde_json::from_value(reply["matches"].clone()).expect("texts");
    let (start, end) = (&reply["cursor_start"], &reply["cursor_end"]);
    let types = reply["metadata"]["_jupyter_types_experimental"]
        .as_array()
        .expect("types of the matches");
    assert_eq!(types.len(), matches.len());
    for (typed, text) in types.iter().zip(&matches) {
        assert_eq!(typed["text"], *text);
        assert!(
            typed["type"].as_str().is_some_and(|kind| !kind.is_empty()),
            "{typed}"
        );
        assert_eq!((&typed["start"], &typed["end"]), (start, end));
    }
    let position = |value: &Value| value.as_u64().expect("a position") as usize;
    let typed: String = code.chars().take(cursor).skip(position(start)).collect();
    let is_cell_magic = |text: &str| {
        text.strip_prefix('%')
            .is_some_and(|text| text.starts_with(&typed))
    };
    for text in &matches {
        assert!(
            text.starts_with(&typed) || is_cell_magic(text),
            "{text} for {typed:?} in {marked:?}"
        );
    }
    matches
}

#[test]
fn every_position_offers_what_it_says() {
    let notebook = Notebook::start();
    notebook.await_analysis();
    let (setup, positions) = corpus();
    assert!(positions.len() >= 40, "{} positions", positions.len());
    for cell in setup {
        let ran = notebook.run(&cell.replace('↵', "\n"));
        assert_eq!(ran.reply.text("status"), "ok", "{cell}");
    }
    let mut wrong = Vec::new();
    for position in &positions {
        let matches = offered(&notebook, position.marked);
        let first: Vec<&str> = matches
            .iter()
            .take(position.first.len().max(1))
            .map(String::as_str)
            .collect();
        if first != position.first {
            wrong.push(format!(
                "{}: {:?}, not {:?}",
                position.marked,
                matches.iter().take(12).collect::<Vec<_>>(),
                position.first
            ));
        }
        let internal = matches
            .iter()
            .filter(|text| INTERNAL.iter().any(|start| text.starts_with(start)));
        assert_eq!(internal.count(), 0, "{}: {matches:?}", position.marked);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn private_members_of_other_crates_are_not_offered() {
    let notebook = Notebook::start();
    notebook.await_analysis();
    notebook.run("%pool\nlet numbers = vec![1];").printed();
    notebook.run_quietly("mod inner { pub struct Own { pub(super) number: u8 } impl Own { pub fn new() -> Own { Own { number: 1 } } pub fn run(&self) {} } }\nlet own = inner::Own::new();");
    for (marked, private) in [
        (
            "pool.│",
            vec!["number", "chunk", "label", "run", "lease", "fail"],
        ),
        (
            "numbers.│",
            vec!["buf", "append_elements", "extend_desugared"],
        ),
        (
            "numbers.iter().│",
            vec!["ptr", "end_or_len", "_marker", "make_slice"],
        ),
    ] {
        let matches = offered(&notebook, marked);
        assert!(matches.len() > 10, "{matches:?}");
        let offered: Vec<_> = private
            .iter()
            .filter(|name| matches.iter().any(|text| text == *name))
            .collect();
        assert!(offered.is_empty(), "{marked} offers {offered:?}");
    }
    let matches = offered(&notebook, "own.│");
    assert_eq!(matches[..2], ["number", "run"]);
}

#[test]
fn functions_come_with_what_they_take() {
    let notebook = Notebook::start();
    notebook.await_analysis();
    notebook.run_quietly("fn scale(value: f64, factor: f64) -> f64 { value * factor }");
    let request = json!({ "code": "sca", "cursor_pos": 3 });
    let reply = notebook.ask("complete_request", request);
    let typed = &reply["metadata"]["_jupyter_types_experimental"][0];
    assert_eq!(
        (&typed["text"], &typed["type"], &typed["signature"]),
        (
            &json!("scale"),
            &json!("function"),
            &json!("(value, factor)")
        )
    );
}

#[test]
fn while_a_cell_runs_completion_and_inspection_answer_in_full() {
    let notebook = Notebook::start();
    notebook.run_quietly("let numbers = vec![1];");
    notebook.await_analysis();
    let endless = Execute::new(
        "println!(\"runs\"); loop { std::thread::sleep(std::time::Duration::from_millis(5)); }",
    );
    let (running, published) = notebook.send_and_await_output(&endless);
    assert_eq!(offered(&notebook, "numbers.le│")[..2], ["leak", "len"]);
    assert_eq!(offered(&notebook, "%pool st│"), ["status"]);
    for (code, expected) in [("numbers.len", "number of elements"), ("%pool", "workers")] {
        let question = json!({ "code": code, "cursor_pos": code.len(), "detail_level": 0 });
        let reply = notebook.ask("inspect_request", question);
        let text = reply["data"]["text/plain"].as_str().unwrap_or_default();
        assert!(text.contains(expected), "{code}: {reply}");
    }
    notebook.interrupt();
    let ran = notebook.collect_after(&running, &endless, published);
    assert_eq!(ran.reply.text("ename"), "Interrupted");
}

#[test]
fn known_names_are_offered_without_rust_analyzer() {
    let variables = &[("COREBOOK_ANALYSIS", "off")];
    let notebook = Notebook::start_as(&Start { variables });
    notebook.run_quietly("let numbers = vec![1];\nfn number_of() -> usize { 1 }");
    assert_eq!(offered(&notebook, "let x = num│"), ["numbers", "number_of"]);
    assert_eq!(offered(&notebook, "whi│"), ["while"]);
    assert_eq!(offered(&notebook, "numbers.│"), [""; 0]);
    assert_eq!(offered(&notebook, ":de│"), [":dep"]);
    assert_eq!(notebook.process.analysis(), None);
}
