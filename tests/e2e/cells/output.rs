//! What cells print and display: at once, complete, in order, and in few messages.

use std::time::Duration;

use corebook_tests::execution::Execute;
use corebook_tests::message::Message;
use corebook_tests::notebook::Notebook;

fn streams(outputs: &[Message]) -> Vec<&Message> {
    outputs
        .iter()
        .filter(|output| output.message_type() == "stream")
        .collect()
}

#[test]
fn partial_lines_show_while_the_cell_runs() {
    let notebook = Notebook::start();
    let code = "use std::io::Write;\nfor i in 0..3 {\n    print!(\"{i}.. \");\n    std::io::stdout().flush().unwrap();\n    \
        std::thread::sleep(std::time::Duration::from_millis(300));\n}";
    let ran = notebook.run(code);
    let parts = streams(&ran.outputs);
    let texts: Vec<&str> = parts.iter().map(|part| part.text("text")).collect();
    assert_eq!(texts, ["0.. ", "1.. ", "2.. "]);
    // They arrive as they are printed, 300 ms apart.
    let arrived: Vec<_> = parts
        .iter()
        .map(|part| part.arrived)
        .chain([ran.reply.arrived])
        .collect();
    for pair in arrived.windows(2) {
        assert!(
            pair[1] - pair[0] >= Duration::from_millis(200),
            "{:?} apart",
            pair[1] - pair[0]
        );
    }
    ran.shows(&["stdout: 0.. 1.. 2.. "]);
}

#[test]
fn text_without_a_line_break_shows_without_a_flush() {
    let notebook = Notebook::start();
    // The cell ends only when the client has seen the text and interrupts.
    let execute = Execute::new("print!(\"unflushed\"); loop { std::thread::park(); }");
    let (request, published) = notebook.send_and_await_output(&execute);
    assert_eq!(
        published.last().map(|last| last.text("text")),
        Some("unflushed")
    );
    notebook.interrupt();
    let log = notebook.collect_after(&request, &execute, published).log();
    assert_eq!(log[0], "stdout: unflushed");
    assert!(
        log.len() == 2 && log[1].starts_with("Interrupted: "),
        "{log:?}"
    );
    // It also shows at the end of a cell, and not in the output of the next one.
    notebook
        .run("print!(\"no line break\")")
        .shows(&["stdout: no line break"]);
    notebook
        .run("eprint!(\"nor here\")")
        .shows(&["stderr: nor here"]);
    notebook
        .run("print!(\"a\"); 1")
        .shows(&["stdout: a", "result: 1"]);
}

#[test]
fn bursts_come_complete_in_few_messages() {
    let notebook = Notebook::start();
    let numbered = |lines: usize| {
        (0..lines)
            .map(|line| format!("line {line}\n"))
            .collect::<String>()
    };
    let ran = notebook.run("for i in 0..20_000 { println!(\"line {i}\"); }");
    let messages = streams(&ran.outputs).len();
    assert!(messages < 100, "{messages} messages");
    assert!(
        ran.printed() == numbered(20_000),
        "lines are missing or out of order"
    );

    let ran = notebook.run("for i in 0..1_000_000 { println!(\"line {i}\"); }");
    assert!(
        ran.printed() == numbered(1_000_000),
        "lines are missing or out of order"
    );
    // The kernel still works after that.
    assert_eq!(notebook.run("1 + 1").result(), "2");
}

#[test]
fn characters_stay_whole_and_invalid_bytes_are_replaced() {
    let notebook = Notebook::start();
    let ran = notebook.run("print!(\"{}\", \"é😀\".repeat(50_000));");
    assert!(
        ran.printed() == "é😀".repeat(50_000),
        "characters are damaged"
    );
    // A character is written in two halves, with time between them. They are put together.
    let code = "use std::io::Write;\nlet mut out = std::io::stdout();\nfor half in [&b\"a\\xf0\\x9f\"[..], &b\"\\x98\\x80b\\n\"[..]] {\n    \
        out.write_all(half).unwrap();\n    out.flush().unwrap();\n    std::thread::sleep(std::time::Duration::from_millis(150));\n}";
    notebook.run(code).shows(&["stdout: a😀b\n"]);
    let code = "use std::io::Write;\nstd::io::stdout().write_all(b\"a\\xff\\xfeb\\n\").unwrap();";
    notebook.run(code).shows(&["stdout: a\u{fffd}\u{fffd}b\n"]);
    notebook
        .run("print!(\"10%\\r20%\\r\");")
        .shows(&["stdout: 10%\r20%\r"]);
    notebook
        .run("println!(\"EVCXR_EXECUTION_COMPLETE\"); println!(\"EVCXR\")")
        .shows(&["stdout: EVCXR_EXECUTION_COMPLETE\nEVCXR\n"]);
}

/// The code of the cell with this number, and what it must show.
fn cell(number: usize) -> (String, Vec<String>) {
    let mut code = String::new();
    let mut expected = Vec::new();
    for step in 0..3 {
        let mark = format!("{number}.{step}");
        code += &format!("println!(\"out {mark}\");\neprintln!(\"err {mark}\");\n");
        expected.extend([
            format!("stdout: out {mark}\n"),
            format!("stderr: err {mark}\n"),
        ]);
    }
    if number.is_multiple_of(2) {
        code += &format!("markdown(\"*{number}*\");\nprint!(\"after {number}\");\n");
        expected.extend([
            format!("display: [text/markdown] *{number}* [text/plain] *{number}*"),
            format!("stdout: after {number}"),
        ]);
    }
    match number % 5 {
        3 => {
            code += &format!("panic!(\"stop {number}\");");
            expected.push(format!("Panic: stop {number}"));
        }
        4 => {
            code += &format!("Err::<(), String>(\"failed {number}\".to_owned())?;");
            expected.push(format!("Error: failed {number}"));
        }
        _ => {
            code += &number.to_string();
            expected.push(format!("result: {number}"));
        }
    }
    (code, expected)
}

/// Runs the cells with these numbers. All are sent before the first one ends.
fn expect_in_order(numbers: std::ops::Range<usize>) {
    let notebook = Notebook::start();
    let sent: Vec<_> = numbers
        .map(|number| {
            let (code, expected) = cell(number);
            let execute = Execute {
                stop_on_error: false,
                ..Execute::new(&code)
            };
            (notebook.send(&execute), execute, expected)
        })
        .collect();
    for (request, execute, expected) in sent {
        let log = notebook.collect(&request, &execute).log();
        assert_eq!(log, expected, "{}", execute.code);
    }
}

#[test]
fn two_hundred_cells_show_nothing_out_of_order() {
    // Two kernels run at once, so that they disturb each other.
    std::thread::scope(|scope| {
        for numbers in [0..100, 100..200] {
            scope.spawn(|| expect_in_order(numbers));
        }
    });
}

#[test]
fn output_of_an_older_thread_shows_in_the_present_cell() {
    let notebook = Notebook::start();
    let code = "use std::sync::mpsc::{channel, Sender};\nlet (tx, rx) = channel::<String>();\nlet (done, dones) = channel::<()>();\n\
        std::thread::spawn(move || for text in rx { println!(\"{text}\"); done.send(()).unwrap(); });";
    notebook.run_quietly(code);
    notebook
        .run("tx.send(String::from(\"from the thread\")).unwrap();\ndones.recv().unwrap();")
        .shows(&["stdout: from the thread\n"]);
}

#[test]
fn displays_come_in_place_and_can_be_updated_and_cleared() {
    let notebook = Notebook::start();
    let ran = notebook.run("let shown = markdown(\"one\");\nshown.update_markdown(\"two\");\nclear_output(true);\nlatex(\"$x$\");");
    let types: Vec<&str> = ran.outputs.iter().map(Message::message_type).collect();
    assert_eq!(
        types,
        [
            "display_data",
            "update_display_data",
            "clear_output",
            "display_data"
        ]
    );
    let id = |output: &Message| output.content["transient"]["display_id"].clone();
    assert!(id(&ran.outputs[0]).is_string());
    assert_eq!(id(&ran.outputs[0]), id(&ran.outputs[1]));
    assert_eq!(ran.outputs[0].content["data"]["text/markdown"], "one");
    assert_eq!(ran.outputs[1].content["data"]["text/markdown"], "two");
    assert_eq!(ran.outputs[2].content["wait"], true);
    assert_eq!(ran.outputs[3].content["data"]["text/latex"], "$x$");
    assert_eq!(ran.reply.text("status"), "ok");
    drop(ran);

    // A later cell updates the same display.
    let ran = notebook.run("shown.update_markdown(\"three\");");
    assert_eq!(ran.outputs[0].message_type(), "update_display_data");
    assert_eq!(ran.outputs.len(), 1);

    // Displays by evcxr's convention, which crates use: any number of them, each in its place.
    let code = "println!(\"before\");\nfor i in 0..2 { println!(\"EVCXR_BEGIN_CONTENT text/html\\n<i>{i}</i>\\nEVCXR_END_CONTENT\"); }\nprintln!(\"after\");";
    notebook.run(code).shows(&[
        "stdout: before\n",
        "display: [text/html] <i>0</i>",
        "display: [text/html] <i>1</i>",
        "stdout: after\n",
    ]);

    let code = "struct Own;\nimpl Own { fn evcxr_display(&self) { println!(\"EVCXR_BEGIN_CONTENT text/html\\n<b>own</b>\\nEVCXR_END_CONTENT\"); } }\nOwn";
    let log = notebook.run(code).log();
    assert!(
        log.len() == 1 && log[0].ends_with("[text/html] <b>own</b>"),
        "{log:?}"
    );
}

#[test]
fn the_beginning_of_a_display_without_its_end_is_text() {
    let notebook = Notebook::start();
    for begun in ["EVCXR_BEGIN_CONTENT text/html", "EVCXR_INPUT_REQUEST:name"] {
        notebook
            .run(&format!("print!(\"{begun}\");"))
            .shows(&[&format!("stdout: {begun}")]);
    }
    notebook
        .run("println!(\"EVCXR_BEGIN_CONTENT text/html\\n<b>\");")
        .shows(&["stdout: EVCXR_BEGIN_CONTENT text/html\n<b>\n"]);
    notebook.run("1 + 1").shows(&["result: 2"]);
}

// A client that allows input may be a terminal.
#[test]
fn a_progress_bar_is_text_for_a_terminal_client() {
    let notebook = Notebook::start();
    let ran = notebook.run_as(&Execute {
        allow_stdin: true,
        ..Execute::new("for i in progress(0..2) { if i == 1 { println!(\"between\"); } }")
    });
    let text: String = streams(&ran.outputs)
        .iter()
        .map(|part| part.text("text"))
        .collect();
    assert_eq!(ran.outputs.len(), streams(&ran.outputs).len(), "{text:?}");
    let lines: Vec<&str> = text.split('\n').collect();
    let is_bar = |line: &str| line.starts_with('\r');
    assert!(
        matches!(lines[..], [first, "between", last, ""] if is_bar(first) && is_bar(last)),
        "{text:?}"
    );
    assert!(lines[2].starts_with("\r2/2 ["), "{text:?}");
    drop(ran);
    // Other clients get a display.
    let ran = notebook.run("for _ in progress(0..2) {}");
    let types: Vec<&str> = ran.outputs.iter().map(Message::message_type).collect();
    assert_eq!(types, ["display_data", "update_display_data"]);
}

#[test]
fn the_last_expression_is_the_result() {
    let notebook = Notebook::start();
    assert_eq!(notebook.run("let x = 3;\nx * 2").result(), "6");
    assert_eq!(notebook.run("x").result(), "3");
    notebook.run_quietly("()");
    notebook.run_quietly("x * 2;");
    notebook.run_quietly("");
    notebook.run_quietly("// nothing");
    assert_eq!(notebook.run("\"text\"").result(), "\"text\"");
    let long = notebook.run("\"x\".repeat(20_000)").result();
    assert!(
        long.chars().count() < 10_200 && long.contains("10002 more characters"),
        "{}",
        &long[9_990..]
    );
    // Rectangular data is shown as a table too.
    let ran = notebook.run("vec![vec![1, 2], vec![3, 4]]");
    let data = ran.outputs[0].content["data"].clone();
    assert_eq!(ran.outputs.len(), 1);
    assert_eq!(data["text/plain"], "[[1, 2], [3, 4]]");
    let html = data["text/html"].as_str().unwrap_or_default();
    assert!(
        html.contains("<table") && html.matches("<tr").count() >= 2,
        "{data}"
    );
}
