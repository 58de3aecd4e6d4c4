//! Execute requests: counts, options, order, and which requests are answered while a cell runs.

use corebook_tests::client::Channel;
use corebook_tests::execution::Execute;
use corebook_tests::notebook::Notebook;
use serde_json::{Value, json};

/// Checks what every `kernel_info_reply` must hold.
fn check_kernel_info(content: &Value) {
    assert_eq!(content["status"], "ok");
    assert_eq!(content["implementation"], "corebook");
    assert!(
        content["protocol_version"]
            .as_str()
            .is_some_and(|version| version.starts_with("5."))
    );
    let language = &content["language_info"];
    assert_eq!(
        (&language["name"], &language["file_extension"]),
        (&json!("rust"), &json!(".rs"))
    );
    assert_eq!(
        (&language["pygments_lexer"], &language["mimetype"]),
        (&json!("rust"), &json!("text/x-rust"))
    );
    assert_eq!(language["codemirror_mode"], "rust");
    let version = language["version"].as_str().unwrap_or_default();
    assert!(
        version.split('.').count() >= 3 && version.starts_with("1."),
        "rustc's version, not {version:?}"
    );
    assert!(
        content["banner"]
            .as_str()
            .is_some_and(|banner| banner.contains("%magics"))
    );
    let links = content["help_links"].as_array().expect("a list of links");
    assert!(
        !links.is_empty()
            && links
                .iter()
                .all(|link| link["text"].is_string() && link["url"].is_string())
    );
    assert!(content["supported_features"].is_array());
}

fn ask_kernel_info(notebook: &Notebook) {
    for channel in [Channel::Shell, Channel::Control] {
        let reply = notebook
            .client
            .ask(channel, "kernel_info_request", json!({}));
        check_kernel_info(&reply.content);
    }
}

// Also while the evaluator starts.
#[test]
fn other_requests_are_answered_while_a_cell_runs() {
    let notebook = Notebook::start();
    let first = Execute::new("println!(\"go\"); loop { std::thread::park(); }");
    let request = notebook.send(&first);
    // The first cell waits for the evaluator. The answers must not wait for the cell.
    ask_kernel_info(&notebook);
    let mut published = Vec::new();
    while published.len() < 3 {
        published.push(notebook.client.next_within(
            Channel::Iopub,
            &request,
            corebook_tests::FIRST_CELL_PATIENCE,
        ));
    }
    assert_eq!(
        published[2].brief(),
        r#"stream {"name":"stdout","text":"go\n"}"#
    );
    ask_kernel_info(&notebook);
    assert_eq!(
        notebook.ask("is_complete_request", json!({ "code": "1 + 1" }))["status"],
        "complete"
    );
    assert_eq!(
        notebook.ask("comm_info_request", json!({}))["comms"],
        json!({})
    );
    assert_eq!(
        notebook.ask(
            "history_request",
            json!({ "hist_access_type": "tail", "n": 1 })
        )["status"],
        "ok"
    );
    notebook.interrupt();
    let ran = notebook.collect_after(&request, &first, published);
    assert_eq!(ran.reply.content["ename"], "Interrupted");
}

#[test]
fn counts_grow_with_stored_cells_only() {
    let notebook = Notebook::start();
    let count = |execute: &Execute| {
        let ran = notebook.run_as(execute);
        assert_eq!(ran.reply.text("status"), "ok");
        ran.reply.content["execution_count"]
            .as_u64()
            .expect("a count")
    };
    let unstored = |code: &str| Execute {
        store_history: false,
        ..Execute::new(code)
    };
    let silent = |code: &str| Execute {
        silent: true,
        ..Execute::new(code)
    };
    assert_eq!(count(&Execute::new("let a = 1;")), 1);
    assert_eq!(count(&Execute::new("a + 1")), 2);
    assert_eq!(count(&unstored("a + 2")), 2);
    assert_eq!(count(&silent("let b = a + 3; println!(\"unheard\"); b")), 2);
    assert_eq!(count(&Execute::new("")), 3);
    assert_eq!(notebook.run("b").result(), "4");
    let tail = notebook.ask(
        "history_request",
        json!({ "hist_access_type": "tail", "n": 3, "output": false, "raw": true }),
    );
    let codes: Vec<&Value> = tail["history"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| &entry[2])
        .collect();
    assert_eq!(codes, ["a + 1", "", "b"]);
}

#[test]
fn a_silent_cell_that_fails_says_so_in_the_reply_only() {
    let notebook = Notebook::start();
    let ran = notebook.run_as(&Execute {
        silent: true,
        ..Execute::new("eprintln!(\"no\"); panic!(\"quiet\")")
    });
    assert_eq!(ran.reply.content["status"], "error");
    assert_eq!(
        (ran.reply.text("ename"), ran.reply.text("evalue")),
        ("Panic", "quiet")
    );
    assert_eq!(ran.log(), [""; 0]);
}

#[test]
fn user_expressions_are_values_or_errors_one_by_one() {
    let notebook = Notebook::start();
    notebook.run_quietly("let x = 20;");
    let expressions =
        json!({ "sum": "x + 1", "text": "format!(\"{x}!\")", "wrong": "nowhere", "unit": "()" });
    let ran = notebook.run_as(&Execute {
        user_expressions: expressions,
        ..Execute::new("let y = 1;")
    });
    let values = ran.reply.content["user_expressions"].clone();
    ran.shows_nothing();
    assert_eq!(values["sum"]["status"], "ok");
    assert_eq!(values["sum"]["data"], json!({ "text/plain": "21" }));
    assert_eq!(values["sum"]["metadata"], json!({}));
    assert_eq!(values["text"]["data"]["text/plain"], "\"20!\"");
    assert_eq!(values["unit"]["status"], "ok");
    assert_eq!(
        (&values["wrong"]["status"], &values["wrong"]["ename"]),
        (&json!("error"), &json!("CompileError"))
    );
    assert!(
        values["wrong"]["evalue"]
            .as_str()
            .is_some_and(|text| text.starts_with("E0425")),
        "{values}"
    );
    assert!(values["wrong"]["traceback"].is_array());
    // Also if the cell is silent.
    let ran = notebook.run_as(&Execute {
        silent: true,
        user_expressions: json!({ "next": "x + 2" }),
        ..Execute::new("let z = 2;")
    });
    let values = ran.reply.content["user_expressions"].clone();
    ran.shows_nothing();
    assert_eq!(values["next"]["data"]["text/plain"], "22");
    // They are not evaluated after a cell that failed.
    let ran = notebook.run_as(&Execute {
        user_expressions: json!({ "a": "1" }),
        ..Execute::new("panic!(\"p\")")
    });
    assert_eq!(ran.log(), ["Panic: p"]);
    assert_eq!(notebook.run("x").result(), "20");
}

#[test]
fn output_order_is_the_cells_own() {
    let notebook = Notebook::start();
    let code =
        "println!(\"one\");\neprintln!(\"two\");\nhtml(\"<b>three</b>\");\nprint!(\"four\");\n5";
    notebook.run(code).shows(&[
        "stdout: one\n",
        "stderr: two\n",
        "display: [text/html] <b>three</b> [text/plain] an HTML output",
        "stdout: four",
        "result: 5",
    ]);
}

#[test]
fn missing_fields_have_the_protocols_defaults() {
    let notebook = Notebook::start();
    let execute = Execute {
        allow_stdin: true,
        ..Execute::new("1 + 1")
    };
    let request = notebook.client.send(
        Channel::Shell,
        "execute_request",
        json!({ "code": "1 + 1" }),
    );
    assert_eq!(notebook.collect(&request, &execute).result(), "2");
    // A silent cell is never stored.
    let silent = Execute {
        silent: true,
        ..Execute::new("2")
    };
    let request = notebook.client.send(
        Channel::Shell,
        "execute_request",
        json!({ "code": "2", "silent": true }),
    );
    assert_eq!(
        notebook.collect(&request, &silent).reply.content["execution_count"],
        1
    );
}

// A client that does not allow input has no pager: the help is shown as output.
#[test]
fn help_goes_to_the_pager_of_a_client_that_allows_input() {
    let notebook = Notebook::start();
    let ask = |code: &str, allow_stdin: bool| {
        notebook.run_as(&Execute {
            allow_stdin,
            ..Execute::new(code)
        })
    };
    let ran = ask("%timeit?", true);
    let pages = ran.reply.content["payload"].clone();
    ran.shows_nothing();
    assert_eq!(
        (&pages[0]["source"], &pages[0]["start"]),
        (&json!("page"), &json!(0))
    );
    assert_eq!(pages.as_array().map(Vec::len), Some(1));
    for mime in ["text/plain", "text/html"] {
        let text = pages[0]["data"][mime].as_str().unwrap_or_default();
        assert!(text.contains("best of"), "{mime} of {pages}");
    }
    // Two pages would hide each other.
    for (code, allow_stdin) in [("%timeit?", false), ("%timeit?\n%time?", true)] {
        let ran = ask(code, allow_stdin);
        assert_eq!(ran.reply.content["payload"], json!([]));
        assert!(ran.log()[0].contains("best of"));
    }
}
