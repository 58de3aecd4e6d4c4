//! Subshells: queues of requests beside the main shell's.

use corebook_tests::client::Channel;
use corebook_tests::execution::Execute;
use corebook_tests::message::{Message, Request, encode_with, header};
use corebook_tests::notebook::Notebook;
use serde_json::{Value, json};

/// Sends a request on shell to the subshell `id`.
fn send(notebook: &Notebook, id: &Value, message_type: &str, content: &Value) -> Request {
    let client = &notebook.client;
    let mut header = header(client.session(), message_type);
    header["subshell_id"] = id.clone();
    let (request, frames) = encode_with(client.signer(), &header, content);
    client.send_frames(Channel::Shell, frames);
    request
}

fn ask(notebook: &Notebook, id: &Value, message_type: &str, content: Value) -> Message {
    let request = send(notebook, id, message_type, &content);
    notebook.client.answer(Channel::Shell, &request)
}

/// Sends a request about subshells, and returns its reply's content.
fn manage(notebook: &Notebook, verb: &str, content: Value) -> Value {
    let message_type = format!("{verb}_subshell_request");
    let reply = notebook
        .client
        .ask(Channel::Control, &message_type, content);
    reply.content
}

fn create(notebook: &Notebook) -> Value {
    let reply = manage(notebook, "create", json!({}));
    assert_eq!(reply["status"], "ok");
    assert!(reply["subshell_id"].is_string(), "{reply}");
    reply["subshell_id"].clone()
}

fn list(notebook: &Notebook) -> Value {
    let mut reply = manage(notebook, "list", json!({}));
    assert_eq!(reply["status"], "ok");
    reply["subshell_id"].take()
}

#[test]
fn subshells_are_made_listed_and_deleted() {
    let notebook = Notebook::start();
    let info = notebook.ask("kernel_info_request", json!({}));
    assert_eq!(info["supported_features"], json!(["kernel subshells"]));
    assert_eq!(list(&notebook), json!([]));
    let (first, second) = (create(&notebook), create(&notebook));
    assert_ne!(first, second);
    assert_eq!(list(&notebook), json!([first, second]));
    let delete = |content: Value| manage(&notebook, "delete", content);
    assert_eq!(
        delete(json!({ "subshell_id": first })),
        json!({ "status": "ok" })
    );
    assert_eq!(list(&notebook), json!([second]));
    for (wrong, named) in [
        (
            json!({ "subshell_id": first }),
            first.as_str().expect("an id"),
        ),
        (json!({ "subshell_id": 3 }), "subshell_id"),
        (json!({}), "subshell_id"),
    ] {
        let reply = delete(wrong);
        assert_eq!(reply["status"], "error");
        assert_eq!(reply["ename"], "UnknownSubshell");
        assert!(
            reply["evalue"]
                .as_str()
                .is_some_and(|value| value.contains(named)),
            "{reply}"
        );
        assert_eq!(reply["traceback"], json!([]));
    }
    // The main shell cannot be deleted, and the second subshell still exists.
    assert_eq!(delete(json!({ "subshell_id": null }))["status"], "error");
    assert_eq!(list(&notebook), json!([second]));
}

#[test]
fn a_subshell_answers_while_a_cell_runs() {
    let notebook = Notebook::start();
    let cell = Execute::new("println!(\"go\"); loop { std::thread::park(); }");
    let (running, published) = notebook.send_and_await_output(&cell);
    let id = create(&notebook);
    let ask =
        |message_type: &str, content: Value| ask(&notebook, &id, message_type, content).content;
    assert_eq!(ask("kernel_info_request", json!({}))["status"], "ok");
    let help = json!({ "code": "%timeit", "cursor_pos": 7 });
    let matches = ask("complete_request", help.clone())["matches"].clone();
    assert!(
        matches
            .as_array()
            .is_some_and(|all| all.contains(&json!("%timeit"))),
        "{matches}"
    );
    assert_eq!(ask("inspect_request", help)["found"], true);
    assert_eq!(
        ask("is_complete_request", json!({ "code": "{" }))["status"],
        "incomplete"
    );
    let tail = json!({ "hist_access_type": "tail", "n": 1 });
    assert_eq!(
        ask("history_request", tail)["history"],
        json!([[1, 1, cell.code]])
    );
    assert_eq!(ask("comm_info_request", json!({}))["comms"], json!({}));
    let open = json!({ "comm_id": "c", "target_name": "jupyter.widget.control", "data": {} });
    let request = send(&notebook, &id, "comm_open", &open);
    notebook.client.expect_status(&request, "busy");
    let close = notebook.client.next(Channel::Iopub, &request);
    assert_eq!(
        (close.message_type(), close.text("comm_id")),
        ("comm_close", "c")
    );
    notebook.client.expect_status(&request, "idle");
    // No id means the main shell.
    let request = send(&notebook, &Value::Null, "comm_info_request", &json!({}));
    notebook.client.answer(Channel::Shell, &request);
    notebook.interrupt();
    let ran = notebook.collect_after(&running, &cell, published);
    assert_eq!(ran.reply.content["ename"], "Interrupted");
}

// Cells of all shells run one after the other.
#[test]
fn an_error_in_a_subshell_aborts_its_own_queue_only() {
    let notebook = Notebook::start();
    notebook.run_quietly("let mut runs: Vec<i32> = Vec::new();");
    let (first, second) = (create(&notebook), create(&notebook));
    let failing = Execute::new("println!(\"first\"); panic!(\"in the first\")");
    let cells = [
        (&first, failing, "error"),
        (&first, Execute::new("runs.push(2);"), "aborted"),
        (&second, Execute::new("runs.push(3);"), "ok"),
        (&Value::Null, Execute::new("runs.push(4);"), "ok"),
        (&first, Execute::new("runs.push(5);"), "aborted"),
    ];
    let send = |(id, cell, _): &(&Value, Execute, &str)| {
        send(&notebook, id, "execute_request", &cell.to_json())
    };
    let requests: Vec<Request> = cells.iter().map(send).collect();
    // The shell socket answers in order, so all have arrived.
    notebook.ask("kernel_info_request", json!({}));
    let mut idle_since = String::new();
    for ((_, cell, status), request) in cells.iter().zip(&requests) {
        let busy = notebook.client.next_within(
            Channel::Iopub,
            request,
            corebook_tests::FIRST_CELL_PATIENCE,
        );
        assert!(*idle_since <= *busy.date(), "busy before its turn");
        let ran = notebook.collect_after(request, cell, vec![busy]);
        assert_eq!(ran.reply.content["status"], *status, "{}", cell.code);
        let shown = ran.log_lines();
        let expected: &[&str] = if *status == "error" {
            &["stdout: first\n", "Panic: in the first"]
        } else {
            &[]
        };
        assert_eq!(shown, expected);
        idle_since = ran.reply.date().to_owned();
    }
    // The abort is over: the next cell of that subshell runs.
    let cell = Execute::new("runs.push(6); runs.len()");
    let request = self::send(&notebook, &first, "execute_request", &cell.to_json());
    assert_eq!(notebook.collect(&request, &cell).result(), "3");
}

#[test]
fn cells_that_wait_on_a_deleted_subshell_are_aborted() {
    let notebook = Notebook::start();
    let id = create(&notebook);
    let cell = Execute::new("println!(\"go\"); loop { std::thread::park(); }");
    let (running, published) = notebook.send_and_await_output(&cell);
    let waiting = Execute::new("unreachable!()");
    let request = send(&notebook, &id, "execute_request", &waiting.to_json());
    ask(&notebook, &id, "kernel_info_request", json!({}));
    assert_eq!(
        manage(&notebook, "delete", json!({ "subshell_id": id }))["status"],
        "ok"
    );
    notebook.interrupt();
    let ran = notebook.collect_after(&running, &cell, published);
    assert_eq!(ran.reply.content["ename"], "Interrupted");
    let ran = notebook.collect(&request, &waiting);
    assert_eq!(ran.reply.content["status"], "aborted");
    assert_eq!(ran.log(), [""; 0]);
}

#[test]
fn an_unknown_subshell_gets_an_error_and_runs_nothing() {
    let notebook = Notebook::start();
    for id in [json!("nowhere"), json!(""), json!(7)] {
        let named = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        for message_type in ["execute_request", "kernel_info_request", "complete_request"] {
            let content = json!({ "code": "println!(\"must not run\")", "cursor_pos": 0 });
            let reply = ask(&notebook, &id, message_type, content);
            assert_eq!(
                (&reply.content["status"], reply.text("ename")),
                (&json!("error"), "UnknownSubshell")
            );
            assert!(
                reply.text("evalue").contains(&format!("{named:?}")),
                "{}",
                reply.brief()
            );
        }
        // A comm's message gets no reply, but busy and idle.
        let content = json!({ "comm_id": "c", "data": {} });
        let request = send(&notebook, &id, "comm_msg", &content);
        notebook.client.expect_status_around(&request);
    }
    assert_eq!(notebook.run("1 + 1").result(), "2");
}
