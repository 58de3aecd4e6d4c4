//! How a kernel ends when it is asked to: quickly, and with nothing left.

use std::path::Path;
use std::time::Duration;

use corebook_tests::client::Channel;
use corebook_tests::execution::Execute;
use corebook_tests::notebook::Notebook;
use corebook_tests::process::wait_until_gone;
use nix::sys::signal::Signal;
use serde_json::json;

/// The protocol's bound.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

fn expect_nothing_left(session: &Path) {
    assert!(!session.exists(), "{} is left", session.display());
    let lock = session.with_extension("lock");
    assert!(!lock.exists(), "{} is left", lock.display());
}

#[test]
fn shutdown_ends_everything_within_two_seconds() {
    let mut notebook = Notebook::start();
    let session = notebook.session_folder();
    notebook.run_quietly(
        "let child = std::process::Command::new(\"sleep\").arg(\"1000\").spawn().unwrap();",
    );
    notebook.shut_down(SHUTDOWN_PATIENCE);
    expect_nothing_left(&session);
}

#[test]
fn shutdown_does_not_wait_for_a_running_cell() {
    let mut notebook = Notebook::start();
    let session = notebook.session_folder();
    let endless = Execute::new("println!(\"go\"); loop {}");
    notebook.send_and_await_output(&endless);
    let descendants = notebook.process.descendants();
    let reply = notebook.client.ask(
        Channel::Control,
        "shutdown_request",
        json!({ "restart": true }),
    );
    assert_eq!(reply.content, json!({ "status": "ok", "restart": true }));
    assert!(notebook.process.wait(SHUTDOWN_PATIENCE).success());
    wait_until_gone(&descendants, Duration::from_secs(1));
    expect_nothing_left(&session);
}

/// evcxr alone would end the process before the reply, and hang in the destructors of its libraries.
#[test]
fn quit_replies_and_ends_everything() {
    let mut notebook = Notebook::start();
    let session = notebook.session_folder();
    notebook.run_quietly("let kept = 1u8;");
    let descendants = notebook.process.descendants();
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("ran");
    let quit = Execute::new(":quit\npanic!(\"this is not run\")");
    let request = notebook.send(&quit);
    notebook.send(&Execute::new(&format!(
        "std::fs::write({marker:?}, \"\").unwrap();"
    )));
    let ran = notebook.collect(&request, &quit);
    let content = &ran.reply.content;
    assert_eq!(content["status"], "ok");
    let exit = json!([{ "source": "ask_exit", "keepkernel": false }]);
    assert_eq!(content["payload"], exit);
    // The next cell gets no reply, as at a shutdown, and has not begun.
    assert!(notebook.process.wait(SHUTDOWN_PATIENCE).success());
    wait_until_gone(&descendants, Duration::from_secs(1));
    assert!(!marker.exists());
    expect_nothing_left(&session);
}

#[test]
fn shutdown_on_shell_while_the_evaluator_starts() {
    let mut notebook = Notebook::start();
    let descendants = notebook.process.descendants();
    let reply = notebook.client.ask(
        Channel::Shell,
        "shutdown_request",
        json!({ "restart": false }),
    );
    assert_eq!(reply.content, json!({ "status": "ok", "restart": false }));
    assert!(notebook.process.wait(SHUTDOWN_PATIENCE).success());
    wait_until_gone(&descendants, Duration::from_secs(1));
    let log = notebook.process.stderr();
    assert!(!log.contains("cells can't be run"), "{log}");
}

#[test]
fn sigterm_ends_everything_as_shutdown_does() {
    let mut notebook = Notebook::start();
    let session = notebook.session_folder();
    let descendants = notebook.process.descendants();
    notebook.client.finish();
    notebook.process.send_signal(Signal::SIGTERM);
    assert!(notebook.process.wait(SHUTDOWN_PATIENCE).success());
    wait_until_gone(&descendants, Duration::from_secs(1));
    expect_nothing_left(&session);
}
