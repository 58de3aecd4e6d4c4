//! The cells of earlier sessions, in a file that kernels share, and what happens if the file cannot be used.

use std::path::Path;

use corebook_tests::notebook::{Notebook, Start};
use serde_json::{Value, json};

const VARIABLE: &str = "COREBOOK_HISTORY";

fn start_with(place: &str) -> Notebook {
    Notebook::start_as(&Start {
        variables: &[(VARIABLE, place)],
    })
}

fn ask(notebook: &Notebook, request: Value) -> Value {
    let reply = notebook.ask("history_request", request);
    assert_eq!(reply["status"], "ok");
    reply["history"].clone()
}

/// The file of a test, in a folder that the kernel has to create.
fn file_in(folder: &Path) -> String {
    folder.join("data/history.sqlite").display().to_string()
}

// This test needs two kernels at once. No other test may keep one while it waits for a second one, or both hang.
#[test]
fn two_running_kernels_share_a_history() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = file_in(folder.path());
    let first = start_with(&place);
    assert_eq!(first.run("20 + 1").result(), "21");
    let second = start_with(&place);
    second
        .run("%pool 1\nlet second = 2;")
        .shows(&["stdout: pool: 1 worker\n"]);
    first.run_quietly("let third = 3;");

    let tail = json!({ "hist_access_type": "tail", "n": 9, "output": false, "raw": true });
    assert_eq!(
        ask(&second, tail),
        json!([
            [1, 1, "20 + 1"],
            [1, 2, "let third = 3;"],
            [2, 1, "%pool 1\nlet second = 2;"]
        ])
    );
    // The previous session, with results. A cell without a result has none.
    let range = json!({ "hist_access_type": "range", "session": -1, "start": 1, "output": true, "raw": true });
    assert_eq!(
        ask(&second, range),
        json!([[1, 1, ["20 + 1", "21"]], [1, 2, ["let third = 3;", null]]])
    );
    let search = |pattern: &str, raw: bool| json!({ "hist_access_type": "search", "pattern": pattern, "n": 1, "output": false, "raw": raw });
    assert_eq!(
        ask(&first, search("*second*", true)),
        json!([[2, 1, "%pool 1\nlet second = 2;"]])
    );
    let expanded = ask(&first, search("*second*", false));
    let code = expanded[0][2].as_str().expect("the code");
    assert!(
        code.contains("::corebook::") && code.ends_with("let second = 2;"),
        "{code}"
    );
}

#[test]
fn off_keeps_no_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().display().to_string();
    let notebook = Notebook::start_as(&Start {
        variables: &[(VARIABLE, "off"), ("XDG_DATA_HOME", &place)],
    });
    notebook.run_quietly("let a = 1;");
    assert_eq!(
        ask(&notebook, json!({ "hist_access_type": "tail" })),
        json!([[1, 1, "let a = 1;"]])
    );
    let files = std::fs::read_dir(folder.path()).expect("the folder is ours");
    assert_eq!(files.count(), 0);
}

#[test]
fn without_a_usable_file_history_is_kept_in_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let broken = folder.path().join("broken.sqlite");
    std::fs::write(&broken, "no database ".repeat(1000)).expect("the folder is ours");
    let locked = folder.path().join("locked.sqlite");
    let lock = rusqlite::Connection::open(&locked).expect("the folder is ours");
    lock.execute_batch("CREATE TABLE t (c); BEGIN EXCLUSIVE;")
        .expect("no other process has the file");
    // There even root, as which tests may run, cannot create files.
    let unwritable = Path::new("/proc/corebook/history.sqlite");
    for place in [broken.as_path(), &locked, unwritable] {
        let notebook = start_with(&place.display().to_string());
        notebook.run_quietly("let a = 1;");
        notebook.run_quietly("let b = 2;");
        assert_eq!(
            ask(&notebook, json!({ "hist_access_type": "tail" })),
            json!([[1, 1, "let a = 1;"], [1, 2, "let b = 2;"]]),
            "{}",
            place.display()
        );
        let log = notebook.process.stderr();
        assert_eq!(log.matches("history is kept in memory").count(), 1, "{log}");
        assert!(log.contains(&place.display().to_string()), "{log}");
    }
}
