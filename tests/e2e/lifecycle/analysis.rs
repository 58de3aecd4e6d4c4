//! The process in which rust-analyzer runs: when it starts, and that it never outlives its kernel.

#![cfg(target_os = "linux")]

use corebook_tests::notebook::{Notebook, Start};
use corebook_tests::process::{wait_until, wait_until_ended};
use corebook_tests::{PATIENCE, execution::Execute};
use nix::sys::signal::{Signal, kill};

#[test]
fn a_killed_analysis_process_is_started_again_and_cells_go_on() {
    let notebook = Notebook::start();
    assert_eq!(
        notebook.process.analysis(),
        None,
        "before the first question"
    );
    notebook.await_analysis();
    for _ in 0..2 {
        let killed = notebook.process.analysis().expect("it has answered");
        kill(killed, Signal::SIGKILL).expect("it runs");
        assert_eq!(notebook.run("1 + 1").result(), "2");
        notebook.await_analysis();
        assert_ne!(notebook.process.analysis(), Some(killed));
    }
    let log = notebook.process.stderr();
    assert_eq!(log.matches("has ended").count(), 1, "{log}");
}

#[test]
fn the_analysis_process_ends_with_its_kernel() {
    let mut notebook = Notebook::start();
    notebook.await_analysis();
    assert_ne!(notebook.process.analysis(), None);
    // Checks that no process is left.
    notebook.shut_down(PATIENCE);

    for is_asked_while_loading in [true, false] {
        let notebook = Notebook::start();
        let question = serde_json::json!({ "code": "String::n", "cursor_pos": 9 });
        notebook.warm_up();
        notebook.ask("complete_request", question);
        if !is_asked_while_loading {
            notebook.await_analysis();
        }
        assert_ne!(notebook.process.analysis(), None);
        let descendants = notebook.process.descendants();
        notebook.process.send_signal(Signal::SIGKILL);
        wait_until_ended(&descendants, PATIENCE);
    }
}

#[test]
fn a_kernel_at_rest_starts_it_if_the_user_wants_that() {
    let variables = &[("COREBOOK_ANALYSIS", "eager")];
    let notebook = Notebook::start_as(&Start { variables });
    wait_until("rust-analyzer is started", || {
        notebook.process.analysis().is_some()
    });
    // An interrupt kills compilers only.
    let endless = Execute::new("println!(\"runs\"); loop { std::thread::park(); }");
    let (running, published) = notebook.send_and_await_output(&endless);
    let analysis = notebook.process.analysis();
    notebook.interrupt();
    let ran = notebook.collect_after(&running, &endless, published);
    assert_eq!(ran.reply.text("ename"), "Interrupted");
    assert_eq!(notebook.process.analysis(), analysis);
}
