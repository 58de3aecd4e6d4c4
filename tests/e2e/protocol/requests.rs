//! All requests except execute. Each has its reply, even one that the kernel does not know.

use corebook_tests::client::Channel;
use corebook_tests::notebook::Notebook;
use serde_json::{Value, json};

#[test]
fn is_complete_goes_by_tokens() {
    let notebook = Notebook::start();
    let status = |code: &str| {
        let reply = notebook.ask("is_complete_request", json!({ "code": code }));
        let indent = reply["indent"].as_str().map(str::to_owned);
        (
            reply["status"].as_str().expect("a status").to_owned(),
            indent,
        )
    };
    for complete in ["1 + 1", "fn f() {}", "%cpus", "let s = \"{\";", "// {", ""] {
        assert_eq!(
            status(complete),
            ("complete".to_owned(), None),
            "{complete:?}"
        );
    }
    assert_eq!(status("fn f() {").0, "incomplete");
    assert!(
        status("fn f() {").1.is_some(),
        "incomplete comes with an indent"
    );
    for incomplete in ["foo(1,", "let s = \"open", "/* open", "%timeit pool.map("] {
        assert_eq!(status(incomplete).0, "incomplete", "{incomplete:?}");
    }
    assert_eq!(status("fn f() }").0, "invalid");
    assert_eq!(status("1 +"), ("unknown".to_owned(), None));
}

#[test]
fn history_answers_tail_range_and_search() {
    let notebook = Notebook::start();
    for code in ["let a = 1;", "let b = 2;", "let a = 3;", "let b = 2;"] {
        notebook.run_quietly(code);
    }
    let codes = |request: Value| -> Vec<String> {
        let reply = notebook.ask("history_request", request);
        assert_eq!(reply["status"], "ok");
        let entries = reply["history"].as_array().expect("a list");
        entries
            .iter()
            .map(|entry| entry[2].as_str().expect("the code").to_owned())
            .collect()
    };
    let request = |kind: &str, more: Value| {
        let mut request = json!({ "hist_access_type": kind, "output": false, "raw": true });
        for (name, value) in more.as_object().expect("an object") {
            request[name] = value.clone();
        }
        request
    };
    assert_eq!(
        codes(request("tail", json!({ "n": 2 }))),
        ["let a = 3;", "let b = 2;"]
    );
    assert_eq!(
        codes(request(
            "range",
            json!({ "session": 0, "start": 2, "stop": 4 })
        )),
        ["let b = 2;", "let a = 3;"]
    );
    assert_eq!(
        codes(request("search", json!({ "pattern": "let a*", "n": 9 }))),
        ["let a = 1;", "let a = 3;"]
    );
    assert_eq!(
        codes(request(
            "search",
            json!({ "pattern": "*b*", "unique": true, "n": 9 })
        )),
        ["let b = 2;"]
    );
}

#[test]
fn comms_of_unknown_targets_are_closed() {
    let notebook = Notebook::start();
    assert_eq!(
        notebook.ask("comm_info_request", json!({})),
        json!({ "status": "ok", "comms": {} })
    );
    let open = json!({ "comm_id": "c1", "target_name": "unknown", "data": {} });
    let request = notebook.client.send(Channel::Shell, "comm_open", open);
    notebook.client.expect_status(&request, "busy");
    let close = notebook.client.next(Channel::Iopub, &request);
    assert_eq!(
        (close.message_type(), &close.content["comm_id"]),
        ("comm_close", &json!("c1"))
    );
    notebook.client.expect_status(&request, "idle");
    for message_type in ["comm_msg", "comm_close"] {
        let request = notebook.client.send(
            Channel::Shell,
            message_type,
            json!({ "comm_id": "c1", "data": {} }),
        );
        notebook.client.expect_status_around(&request);
    }
}

#[test]
fn completion_counts_code_points_and_knows_magics_and_rust() {
    let notebook = Notebook::start();
    notebook.run_quietly("let numbers = vec![1, 2, 3];");
    notebook.await_analysis();
    let complete = |code: &str| {
        let cursor = code.chars().count();
        let reply = notebook.ask(
            "complete_request",
            json!({ "code": code, "cursor_pos": cursor }),
        );
        assert_eq!(reply["status"], "ok");
        let types = reply["metadata"]["_jupyter_types_experimental"]
            .as_array()
            .expect("types of the matches");
        let matches = reply["matches"].as_array().expect("matches");
        assert_eq!(types.len(), matches.len());
        let texts: Vec<&Value> = types.iter().map(|typed| &typed["text"]).collect();
        assert_eq!(texts, matches.iter().collect::<Vec<_>>());
        let is_typed = |typed: &Value| typed["type"].as_str().is_some_and(|kind| !kind.is_empty());
        assert!(types.iter().all(is_typed), "{types:?}");
        let position = |name: &str| reply[name].as_u64().expect("a position");
        (
            reply["matches"].clone(),
            position("cursor_start"),
            position("cursor_end"),
        )
    };
    let has = |matches: &Value, wanted: &str| {
        matches
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == wanted))
    };

    let (matches, start, end) = complete("%time");
    assert!(
        has(&matches, "%timeit") || has(&matches, "timeit"),
        "{matches}"
    );
    assert!(start <= 1 && end == 5, "{start}..{end}");
    let (matches, start, end) = complete("let é = \"😀\"; numb");
    assert!(has(&matches, "numbers"), "{matches}");
    assert_eq!((start, end), (13, 17));
    let (matches, start, end) = complete("/* 😀😀 */ numbers.le");
    assert!(has(&matches, "len()") || has(&matches, "len"), "{matches}");
    assert_eq!((start, end), (17, 19));
    let (matches, ..) = complete("%timeit numbers.le");
    assert!(has(&matches, "len()") || has(&matches, "len"), "{matches}");
    let (matches, start, end) = complete("\"nothing to complete in a text");
    assert_eq!((matches, start <= end), (json!([]), true));
}

#[test]
fn inspection_finds_documentation_in_three_forms() {
    let notebook = Notebook::start();
    notebook.run_quietly("/// Twice as much.\nfn double(x: u64) -> u64 { 2 * x }");
    notebook.await_analysis();
    let inspect = |code: &str, cursor: usize| {
        let reply = notebook.ask(
            "inspect_request",
            json!({ "code": code, "cursor_pos": cursor, "detail_level": 0 }),
        );
        assert_eq!(reply["status"], "ok");
        reply
    };
    for (code, cursor, expected) in [
        ("double(3)", 3, "double"),
        ("%timeit double(3)", 4, "best of"),
        ("%timeit double(3)", 10, "double"),
    ] {
        let reply = inspect(code, cursor);
        assert_eq!(reply["found"], true, "{code:?} at {cursor}");
        for mime in ["text/plain", "text/markdown", "text/html"] {
            assert!(
                reply["data"][mime]
                    .as_str()
                    .is_some_and(|text| text.contains(expected)),
                "{mime} of {reply}"
            );
        }
    }
    let reply = inspect("no_such_thing", 4);
    assert_eq!(
        (&reply["found"], &reply["data"]),
        (&json!(false), &json!({}))
    );
}

#[test]
fn unknown_requests_get_an_error_reply() {
    let notebook = Notebook::start();
    for channel in [Channel::Shell, Channel::Control] {
        // A known type on the wrong channel counts as unknown.
        let misplaced = match channel {
            Channel::Shell => "create_subshell_request",
            _ => "is_complete_request",
        };
        for message_type in ["frobnicate_request", misplaced] {
            let reply = notebook
                .client
                .ask(channel, message_type, json!({ "code": "3" }));
            assert_eq!(reply.content["status"], "error", "{}", reply.brief());
            assert!(
                reply.text("evalue").contains(message_type),
                "{}",
                reply.brief()
            );
            assert!(reply.content["ename"].is_string() && reply.content["traceback"].is_array());
        }
        // A message that is no request gets no reply, and a line in the log.
        notebook.client.send(channel, "frobnication", json!({}));
    }
    // There is no debugger, and the kernel does not announce one.
    let info = notebook.ask("kernel_info_request", json!({}));
    assert_ne!(info["debugger"], true);
    let debug = json!({ "type": "request", "seq": 7, "command": "initialize", "arguments": {} });
    let reply = notebook
        .client
        .ask(Channel::Control, "debug_request", debug);
    assert_eq!(
        (&reply.content["success"], &reply.content["request_seq"]),
        (&json!(false), &json!(7))
    );
    assert_eq!(
        (&reply.content["type"], &reply.content["command"]),
        (&json!("response"), &json!("initialize"))
    );
    notebook.client.finish();
    notebook.process.wait_for_stderr("frobnication", 2);
    assert_eq!(
        notebook.process.stderr().matches("frobnication").count(),
        2,
        "{}",
        notebook.process.stderr()
    );
}
