//! Cells that read input: one question for each line, to the client that sent the cell.

use corebook_tests::client::{Channel, Client};
use corebook_tests::execution::{Execute, Ran};
use corebook_tests::message::{Message, Request, encode};
use corebook_tests::notebook::Notebook;
use serde_json::json;

/// A cell that may ask for input.
fn asking(code: &str) -> Execute {
    Execute {
        allow_stdin: true,
        ..Execute::new(code)
    }
}

/// The prompt of the cell's next question, and whether the input is hidden.
fn question(client: &Client, request: &Request) -> (String, bool) {
    let question = client.next(Channel::Stdin, request);
    assert_eq!(question.message_type(), "input_request");
    (
        question.text("prompt").to_owned(),
        question.content["password"]
            .as_bool()
            .expect("a question says whether the input is hidden"),
    )
}

fn answer(client: &Client, line: &str) {
    let (_, frames) = encode(
        client.signer(),
        client.session(),
        "input_reply",
        &json!({ "status": "ok", "value": line }),
    );
    client.send_frames(Channel::Stdin, frames);
}

/// Runs a cell that reads these lines, and answers its questions.
fn run_with_lines(notebook: &Notebook, code: &str, lines: &[&str]) -> Ran {
    let execute = asking(code);
    let request = notebook.send(&execute);
    for line in lines {
        assert_eq!(question(&notebook.client, &request), (String::new(), false));
        answer(&notebook.client, line);
    }
    notebook.collect(&request, &execute)
}

#[test]
fn lines_of_stdin_are_asked_for_one_by_one() {
    let notebook = Notebook::start();
    let read = "let mut line = String::new();\nlet length = std::io::stdin().read_line(&mut line)?;\n(length, line.as_str())";
    assert_eq!(
        run_with_lines(&notebook, read, &["hello"]).result(),
        "(6, \"hello\\n\")"
    );
    assert_eq!(
        run_with_lines(&notebook, read, &["é 😀"]).result(),
        "(8, \"é 😀\\n\")"
    );
    assert_eq!(
        run_with_lines(&notebook, read, &[""]).result(),
        "(1, \"\\n\")"
    );
    let two = "let lines: Vec<String> = std::io::stdin().lines().take(2).map(Result::unwrap).collect();\nlines.join(\"+\")";
    assert_eq!(
        run_with_lines(&notebook, two, &["one", "two"]).result(),
        "\"one+two\""
    );
    // Text that is printed before the question shows before the answer.
    let prompted = asking(
        "println!(\"your name?\");\nlet mut name = String::new();\nstd::io::stdin().read_line(&mut name)?;\nprintln!(\"hello {}\", name.trim());",
    );
    let (request, published) = notebook.send_and_await_output(&prompted);
    assert_eq!(
        published.last().map(Message::brief),
        Some(r#"stream {"name":"stdout","text":"your name?\n"}"#.to_owned())
    );
    question(&notebook.client, &request);
    answer(&notebook.client, "Ada");
    notebook
        .collect_after(&request, &prompted, published)
        .shows(&["stdout: your name?\nhello Ada\n"]);
}

#[test]
fn a_question_has_a_prompt_and_may_hide_what_is_typed() {
    let notebook = Notebook::start();
    // The crate evcxr_input prints and reads this.
    let ask = |command: &str| {
        asking(&format!(
            "println!(\"{command}:Your name? \");\nlet mut reply = String::new();\n\
             std::io::stdin().read_line(&mut reply)?;\nreply.trim().to_owned()"
        ))
    };
    for (command, hidden) in [
        ("EVCXR_INPUT_REQUEST", false),
        ("EVCXR_INPUT_REQUEST_PASSWORD", true),
    ] {
        let execute = ask(command);
        let request = notebook.send(&execute);
        assert_eq!(
            question(&notebook.client, &request),
            ("Your name? ".to_owned(), hidden)
        );
        answer(&notebook.client, "Grace");
        assert_eq!(notebook.collect(&request, &execute).result(), "\"Grace\"");
    }
}

#[test]
fn without_allow_stdin_reading_is_an_error_that_says_so() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    let code = "println!(\"before\");\nlet mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;";
    let log = notebook.run(code).log();
    assert!(log.len() == 2 && log[0] == "stdout: before\n", "{log:?}");
    assert!(
        log[1].starts_with("InputError: ") && log[1].contains("allow_stdin"),
        "{log:?}"
    );
    assert_eq!(notebook.run("kept").result(), "7");
    // A later cell may ask again.
    let read = "let mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;\nline";
    assert_eq!(
        run_with_lines(&notebook, read, &["now"]).result(),
        "\"now\\n\""
    );
}

#[test]
fn an_interrupt_cancels_the_question() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    let execute =
        asking("let mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;\nline");
    let request = notebook.send(&execute);
    question(&notebook.client, &request);
    notebook.interrupt();
    let log = notebook.collect(&request, &execute).log();
    assert_eq!(
        log,
        ["Interrupted: stopped waiting for input; variables are kept"]
    );
    // An answer that comes too late is ignored.
    answer(&notebook.client, "too late");
    assert_eq!(notebook.run("kept").result(), "7");
    let read = "let mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;\nline";
    assert_eq!(
        run_with_lines(&notebook, read, &["in time"]).result(),
        "\"in time\\n\""
    );
}

#[test]
fn the_client_that_sent_the_cell_is_asked() {
    let notebook = Notebook::start();
    let other = Client::connect(&notebook.connection, || true).expect("the kernel runs");
    let execute =
        asking("let mut line = String::new();\nstd::io::stdin().read_line(&mut line)?;\nline");
    let request = other.send(Channel::Shell, "execute_request", execute.to_json());
    assert_eq!(question(&other, &request), (String::new(), false));
    answer(&other, "mine");
    for client in [&other, &notebook.client] {
        let mut types = Vec::new();
        while types.last().is_none_or(|last| last != "idle") {
            let message = client.next(Channel::Iopub, &request);
            types.push(
                message.content["execution_state"]
                    .as_str()
                    .unwrap_or(message.message_type())
                    .to_owned(),
            );
        }
        assert_eq!(types, ["busy", "execute_input", "execute_result", "idle"]);
    }
    assert_eq!(other.next(Channel::Shell, &request).content["status"], "ok");
    other.expect_nothing_unread();
    notebook.client.take_welcomes();
}
