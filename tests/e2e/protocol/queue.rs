//! Cells that wait after one that fails.

use corebook_tests::client::Channel;
use corebook_tests::execution::{Execute, Ran};
use corebook_tests::notebook::Notebook;
use serde_json::json;

fn expect_aborted(ran: Ran) {
    assert_eq!(ran.reply.content["status"], "aborted");
    assert_eq!(ran.log(), [""; 0]);
}

#[test]
fn an_error_aborts_queued_cells_and_no_other_requests() {
    let notebook = Notebook::start();
    notebook.run_quietly("let mut runs = 0;");
    let failing = Execute::new("println!(\"before\"); panic!(\"stop here\")");
    let queued = [Execute::new("runs += 1;"), Execute::new("runs += 10;")];
    let failing_request = notebook.send(&failing);
    let first = notebook.send(&queued[0]);
    let question = notebook.client.send(
        Channel::Shell,
        "is_complete_request",
        json!({ "code": "{" }),
    );
    let second = notebook.send(&queued[1]);
    // The shell socket answers in order, so all four have arrived.
    assert_eq!(
        notebook.client.answer(Channel::Shell, &question).content["status"],
        "incomplete"
    );
    notebook.ask("kernel_info_request", json!({}));
    let ran = notebook.collect(&failing_request, &failing);
    assert_eq!(ran.log(), ["stdout: before\n", "Panic: stop here"]);
    expect_aborted(notebook.collect(&first, &queued[0]));
    expect_aborted(notebook.collect(&second, &queued[1]));
    // A new request runs. The aborted ones were not counted.
    let ran = notebook.run("runs");
    assert_eq!(ran.reply.content["execution_count"], 3);
    assert_eq!(ran.result(), "0");
}

#[test]
fn without_stop_on_error_queued_cells_run() {
    let notebook = Notebook::start();
    let failing = Execute {
        stop_on_error: false,
        ..Execute::new("panic!(\"go on\")")
    };
    let next = Execute::new("1 + 1");
    let failing_request = notebook.send(&failing);
    let next_request = notebook.send(&next);
    assert_eq!(
        notebook.collect(&failing_request, &failing).log(),
        ["Panic: go on"]
    );
    assert_eq!(notebook.collect(&next_request, &next).result(), "2");
}

#[test]
fn queued_cells_run_in_order_and_their_output_does_not_mix() {
    let notebook = Notebook::start();
    let cells: Vec<Execute> = (0..5)
        .map(|cell| Execute::new(&format!("println!(\"cell {cell}\");")))
        .collect();
    let requests: Vec<_> = cells.iter().map(|cell| notebook.send(cell)).collect();
    for (index, (request, cell)) in requests.iter().zip(&cells).enumerate() {
        let ran = notebook.collect(request, cell);
        assert_eq!(ran.reply.content["execution_count"], index + 1);
        ran.shows(&[&format!("stdout: cell {index}\n")]);
    }
}

// Whether the cell is stored makes no difference.
#[test]
fn every_kind_of_failure_aborts_the_queue() {
    let notebook = Notebook::start();
    let failures = [
        Execute::new("nowhere"),
        Execute::new("%timit 1"),
        Execute {
            silent: true,
            ..Execute::new("panic!(\"unheard\")")
        },
        Execute {
            store_history: false,
            ..Execute::new("Err::<(), _>(\"failed\")?")
        },
    ];
    // A malformed magic fails at once. While this cell is compiled, the cells after it arrive.
    let before = Execute {
        store_history: false,
        ..Execute::new("let _before = 1u8;")
    };
    for failing in failures {
        let next = Execute::new("unreachable!(\"an aborted cell ran\")");
        let before_request = notebook.send(&before);
        let failing_request = notebook.send(&failing);
        let next_request = notebook.send(&next);
        // The shell socket answers in order, so both have arrived.
        notebook.ask("kernel_info_request", json!({}));
        notebook.collect(&before_request, &before).shows_nothing();
        let ran = notebook.collect(&failing_request, &failing);
        assert_eq!(ran.reply.content["status"], "error", "{}", failing.code);
        let aborted = notebook.collect(&next_request, &next);
        assert_eq!(aborted.reply.metadata["status"], "aborted");
        expect_aborted(aborted);
    }
    let ran = notebook.run("1 + 1");
    // Two of the failed cells were stored, and none of the aborted ones.
    assert_eq!(ran.reply.content["execution_count"], 3);
}
