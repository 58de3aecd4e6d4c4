//! `kill -9` of the supervisor and of the kernel: no process and no file stays. `tests/soak` kills many more.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corebook_tests::connection::Connection;
use corebook_tests::execution::Execute;
use corebook_tests::message::Message;
use corebook_tests::notebook::Notebook;
use corebook_tests::process::{Descendant, wait_until_ended};
use corebook_tests::{PATIENCE, binary};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// How often to look for files that another process removes.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A cell that never checks for an interrupt, and whose worker has a child.
const BUSY: &str = "std::process::Command::new(\"sleep\").arg(\"1000\").spawn()?;\n\
    println!(\"{}\", std::os::unix::process::parent_id());\n\
    loop { std::hint::spin_loop(); }";

fn without(all: Vec<Descendant>, pid: Pid) -> Vec<Descendant> {
    all.into_iter()
        .filter(|process| process.pid != pid.as_raw())
        .collect()
}

#[test]
fn a_killed_supervisor_ends_the_worker_and_its_children() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }");
    let execute = Execute::new(BUSY);
    let (request, published) = notebook.send_and_await_output(&execute);
    let printed = published.last().map(|last: &Message| last.text("text"));
    let supervisor = printed
        .and_then(|text| text.trim().parse().ok())
        .map(Pid::from_raw)
        .expect("the cell prints the process id of its parent");
    let left = without(notebook.process.descendants(), supervisor);
    kill(supervisor, Signal::SIGKILL).expect("the supervisor runs");
    let ran = notebook.collect_after(&request, &execute, published);
    assert!(ran.log()[1].starts_with("WorkerDied: "));
    wait_until_ended(&left, PATIENCE);
    assert_eq!(notebook.run("double(4)").result(), "8");
}

/// The cells that run or compile when the kernel is killed.
const MOMENTS: [&str; 2] = [BUSY, "fn slow() -> usize { 1 }\nprintln!(\"{}\", slow());"];

/// Starts a kernel and a cell in it. Returns the kernel, the folder of its session, and all its processes.
fn start_and_send(code: &str) -> (Notebook, PathBuf, Vec<Descendant>) {
    let notebook = Notebook::start();
    let session = notebook.session_folder();
    match code {
        BUSY => drop(notebook.send_and_await_output(&Execute::new(code))),
        _ => drop(notebook.send(&Execute::new(code))),
    }
    let descendants = notebook.process.descendants();
    (notebook, session, descendants)
}

/// Waits until the process that survived has removed everything.
fn expect_no_file(notebook: &Notebook, session: &Path) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut left = notebook.process.temporary_files();
        let lock = session.with_extension("lock");
        left.extend(
            [session.to_owned(), lock]
                .into_iter()
                .filter(|it| it.exists()),
        );
        if left.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "files that a kill left: {left:?}"
        );
        std::thread::sleep(LOOK_AGAIN);
    }
}

#[test]
fn a_killed_kernel_leaves_no_process_and_no_file() {
    for code in MOMENTS {
        let (mut notebook, session, left) = start_and_send(code);
        notebook.process.send_signal(Signal::SIGKILL);
        notebook.process.wait(PATIENCE);
        wait_until_ended(&left, PATIENCE);
        expect_no_file(&notebook, &session);
    }
}

#[test]
fn a_kernel_killed_with_its_group_leaves_neither() {
    for code in MOMENTS {
        let (mut notebook, session, left) = start_and_send(code);
        killpg(notebook.process.pid(), Signal::SIGKILL).expect("it leads a group");
        notebook.process.wait(PATIENCE);
        wait_until_ended(&left, PATIENCE);
        expect_no_file(&notebook, &session);
    }
}

#[test]
fn rust_analyzers_folders_are_removed_after_a_kill() {
    let (mut notebook, session, left) = start_and_send(BUSY);
    let folder = |pid: i32| {
        let name = format!("rust-analyzer{pid:x}-ffff");
        let folder = notebook.process.folder().join("tmp").join(name);
        std::fs::create_dir(&folder).expect("the folder is ours");
        std::fs::write(folder.join("Cargo.lock"), "").expect("the folder is ours");
        folder
    };
    let pid = notebook.process.pid().as_raw();
    let (own, other) = (folder(pid), folder(pid + (1 << 24)));
    notebook.process.send_signal(Signal::SIGKILL);
    notebook.process.wait(PATIENCE);
    wait_until_ended(&left, PATIENCE);
    assert!(!own.exists() && other.exists());
    std::fs::remove_dir_all(other).expect("the folder is ours");
    expect_no_file(&notebook, &session);
}

// Kernel and supervisor die together, so neither can clean up after the other.
#[test]
fn the_next_start_removes_a_dead_kernels_session() {
    let mut notebook = Notebook::start();
    let session = notebook.session_folder();
    let supervisor = notebook.run("std::os::unix::process::parent_id()").result();
    let supervisor = Pid::from_raw(supervisor.parse().expect("a process id"));
    let left = notebook.process.descendants();
    kill(supervisor, Signal::SIGSTOP).expect("the supervisor runs");
    notebook.process.send_signal(Signal::SIGKILL);
    notebook.process.wait(PATIENCE);
    kill(supervisor, Signal::SIGKILL).expect("the supervisor is stopped");
    wait_until_ended(&left, PATIENCE);
    Notebook::start().warm_up();
    assert!(!session.exists() && !session.with_extension("lock").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_kernel_whose_jupyter_is_killed_ends() {
    let through = ["sh", "-c", "JPY_PARENT_PID=$$ \"$@\" & wait", "sh"];
    binary::prebuild();
    let sockets = tempfile::tempdir().expect("a temporary folder");
    let connection = Connection::ipc(sockets.path());
    let mut notebook = Notebook::spawn(connection, binary::command_through(&through));
    let session = notebook.session_folder();
    let left = notebook.process.descendants();
    notebook.process.send_signal(Signal::SIGKILL);
    notebook.process.wait(PATIENCE);
    wait_until_ended(&left, PATIENCE);
    expect_no_file(&notebook, &session);
}
