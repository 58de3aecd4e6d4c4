//! `kill -9` of the supervisor and of the kernel: nothing of either stays. Many more are in `tests/soak`.

use corebook_tests::PATIENCE;
use corebook_tests::execution::Execute;
use corebook_tests::message::Message;
use corebook_tests::notebook::Notebook;
use corebook_tests::process::{Descendant, wait_until_ended};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A cell that looks at nothing, whose worker has a child.
const BUSY: &str = "std::process::Command::new(\"sleep\").arg(\"1000\").spawn()?;\n\
    println!(\"{}\", std::os::unix::process::parent_id());\n\
    loop { std::hint::spin_loop(); }";

fn without(all: Vec<Descendant>, pid: Pid) -> Vec<Descendant> {
    all.into_iter()
        .filter(|process| process.pid != pid.as_raw())
        .collect()
}

#[test]
fn a_supervisor_that_is_killed_takes_the_worker_and_its_children_along() {
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

#[test]
fn a_kernel_that_is_killed_takes_all_its_processes_along() {
    for code in [BUSY, "fn slow() -> usize { 1 }\nprintln!(\"{}\", slow());"] {
        let mut notebook = Notebook::start();
        notebook.warm_up();
        match code {
            BUSY => drop(notebook.send_and_await_output(&Execute::new(code))),
            _ => drop(notebook.send(&Execute::new(code))),
        }
        let left = notebook.process.descendants();
        notebook.process.send_signal(Signal::SIGKILL);
        notebook.process.wait(PATIENCE);
        wait_until_ended(&left, PATIENCE);
    }
}
