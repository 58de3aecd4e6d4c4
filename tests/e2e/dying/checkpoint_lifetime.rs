//! When a checkpoint exists: from the moment a cell is first compiled to the end of its code, whatever happens to it
//! and to the processes around it.

use std::path::PathBuf;

use corebook_tests::client::Channel;
use corebook_tests::execution::Execute;
use corebook_tests::message::Message;
use corebook_tests::notebook::Notebook;
use corebook_tests::process::{wait_until, wait_until_ended};
use corebook_tests::{FIRST_CELL_PATIENCE, PATIENCE};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const KEPT: &str = "variables are as before the cell";
const LOST: &str = "variables are lost, functions and :dep are kept";

/// A file that a cell waits for.
struct Gate(PathBuf);

impl Gate {
    fn of(notebook: &Notebook, name: &str) -> Self {
        Self(notebook.process.folder().join(name))
    }

    fn open(&self) {
        std::fs::write(&self.0, "").expect("the folder is ours");
    }

    /// A line at which evcxr waits before it compiles the rest of the cell.
    fn before_compiling(&self) -> String {
        format!(
            "!until [ -e '{}' ]; do sleep 0.01; done\n",
            self.0.display()
        )
    }

    /// A line at which the cell's code waits.
    fn in_code(&self) -> String {
        format!(
            "while !std::path::Path::new({:?}).exists() {{ std::thread::sleep(std::time::Duration::from_millis(5)); }}\n",
            self.0
        )
    }
}

fn pid(text: &str) -> Pid {
    Pid::from_raw(text.trim().parse().expect("a process id"))
}

fn worker(notebook: &Notebook) -> Pid {
    pid(&notebook.run("std::process::id()").result())
}

/// The worker's only checkpoint. Waits until it exists.
fn checkpoint(notebook: &Notebook, worker: Pid) -> Pid {
    wait_until("there is one checkpoint", || {
        notebook.process.forks_of(worker).len() == 1
    });
    notebook.process.forks_of(worker)[0]
}

/// The next cell that dies keeps the variables, so it has a checkpoint.
fn expect_next_death_keeps_variables(notebook: &Notebook) {
    let last = notebook.run("std::process::abort()").log().pop();
    assert!(
        last.as_ref().is_some_and(|last| last.ends_with(KEPT)),
        "{last:?}"
    );
}

#[test]
fn a_worker_killed_during_a_compile_keeps_variables() {
    let notebook = Notebook::start();
    notebook.run_quietly("let mut kept = vec![1, 2];");
    let gate = Gate::of(&notebook, "gate");
    let old = worker(&notebook);
    let execute = Execute::new(&format!("{}kept.push(3); kept", gate.before_compiling()));
    let request = notebook.send(&execute);
    checkpoint(&notebook, old);
    kill(old, Signal::SIGKILL).expect("the worker runs");
    // The message that reports the death. The cell goes on after it.
    let mut published: Vec<Message> = Vec::new();
    while published
        .last()
        .is_none_or(|last| last.message_type() != "stream")
    {
        let next = notebook
            .client
            .next_within(Channel::Iopub, &request, FIRST_CELL_PATIENCE);
        published.push(next);
    }
    gate.open();
    let ran = notebook.collect_after(&request, &execute, published);
    assert_eq!(
        ran.log(),
        [
            "stderr: worker died: killed: out of memory? while the cell was compiled; variables are kept, threads of earlier cells are gone\n",
            // The output of the line that waits, which is empty.
            "display: ",
            "result: [1, 2, 3]"
        ]
    );
    expect_next_death_keeps_variables(&notebook);
    notebook.process.expect_no_zombies();
}

#[test]
fn a_cell_that_does_not_run_leaves_no_checkpoint() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    let worker = worker(&notebook);
    for (number, code) in ["let wrong: u32 = \"text\";", "let = 1;", ":vars", ""]
        .iter()
        .enumerate()
    {
        let gate = Gate::of(&notebook, &format!("gate-{number}"));
        let execute = Execute::new(&format!("{}{code}", gate.before_compiling()));
        let request = notebook.send(&execute);
        checkpoint(&notebook, worker);
        gate.open();
        drop(notebook.collect(&request, &execute));
        wait_until("the checkpoint is gone", || {
            notebook.process.forks_of(worker).is_empty()
        });
    }
    expect_next_death_keeps_variables(&notebook);
    assert_eq!(notebook.run("kept").result(), "7");
}

// evcxr runs a cell twice when the type of a variable has changed.
#[test]
fn a_cell_that_dies_changes_no_type() {
    let notebook = Notebook::start();
    notebook.run_quietly("struct Point { x: u8 }\nlet point = Point { x: 1 };\nlet kept = 7;");
    // The definitions of a cell that dies do not count, and neither do its losses.
    let log = notebook
        .run("struct Point { x: u64, y: u64 }\nstd::process::abort()")
        .log();
    assert!(log.len() == 1 && log[0].ends_with(KEPT), "{log:?}");
    assert_eq!(notebook.run("(point.x, kept)").result(), "(1, 7)");
}

#[test]
fn code_after_a_dependency_is_protected_too() {
    let notebook = Notebook::start();
    let dependency = notebook.package("empty", "1.0.0", "", "");
    notebook.run_quietly("let kept = 7;");
    // A library is loaded for the dependency, and another one for the code.
    let log = notebook
        .run(&format!("{dependency}\nstd::process::abort()"))
        .log();
    assert!(log.len() == 1 && log[0].ends_with(KEPT), "{log:?}");
    assert_eq!(notebook.run("kept").result(), "7");
}

#[test]
fn a_killed_checkpoint_does_not_disturb_its_cell() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }\nlet mut kept = vec![1, 2];");
    let worker = worker(&notebook);
    let gate = Gate::of(&notebook, "gate");
    let execute = Execute::new(&format!(
        "println!(\"go\");\n{}kept.push(3);",
        gate.in_code()
    ));
    let (request, published) = notebook.send_and_await_output(&execute);
    kill(checkpoint(&notebook, worker), Signal::SIGKILL).expect("the checkpoint exists");
    gate.open();
    notebook
        .collect_after(&request, &execute, published)
        .shows(&["stdout: go\n"]);
    expect_next_death_keeps_variables(&notebook);
    assert_eq!(notebook.run("kept").result(), "[1, 2, 3]");
}

#[test]
fn a_death_without_its_checkpoint_reports_lost_variables() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }\nlet lost = 7;");
    let worker = worker(&notebook);
    let execute = Execute::new("println!(\"go\");\nloop { std::thread::park(); }");
    let (request, published) = notebook.send_and_await_output(&execute);
    for process in [checkpoint(&notebook, worker), worker] {
        kill(process, Signal::SIGKILL).expect("it runs");
    }
    let ran = notebook.collect_after(&request, &execute, published);
    let cell = ran.reply.content["execution_count"].clone();
    let error = format!("WorkerDied: worker died: killed: out of memory? in cell [{cell}]; {LOST}");
    assert_eq!(ran.log(), ["stdout: go\n".to_owned(), error]);
    assert_eq!(notebook.run("double(4)").result(), "8");
    notebook.run_quietly("let kept = 8;");
    expect_next_death_keeps_variables(&notebook);
    assert_eq!(notebook.run("kept").result(), "8");
    notebook.process.expect_no_zombies();
}

// The successor is the checkpoint that became the worker after a death.
#[test]
fn a_killed_supervisor_ends_a_successor_and_its_children() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }");
    expect_next_death_keeps_variables(&notebook);
    let execute = Execute::new(
        "std::process::Command::new(\"sleep\").arg(\"1000\").spawn()?;\n\
         println!(\"{}\", std::os::unix::process::parent_id());\n\
         loop { std::hint::spin_loop(); }",
    );
    let (request, published) = notebook.send_and_await_output(&execute);
    let supervisor = pid(published.last().expect("it printed").text("text"));
    let mut left = notebook.process.descendants();
    left.retain(|process| process.pid != supervisor.as_raw());
    kill(supervisor, Signal::SIGKILL).expect("the supervisor runs");
    let log = notebook.collect_after(&request, &execute, published).log();
    assert!(
        log.len() == 2 && log[1].starts_with("WorkerDied: ") && log[1].ends_with(LOST),
        "{log:?}"
    );
    wait_until_ended(&left, PATIENCE);
    assert_eq!(notebook.run("double(4)").result(), "8");
}

/// The part of tokio that evcxr uses. It needs a thread of its own to work, as the real tokio does.
const TOKIO: &str = "\
pub mod runtime {
    use std::sync::mpsc::{Sender, channel};
    use std::task::{Context, Poll, Waker};
    pub struct Runtime(Sender<Sender<()>>);
    impl Runtime {
        pub fn new() -> std::io::Result<Self> {
            let (tasks, received) = channel::<Sender<()>>();
            std::thread::spawn(move || for task in received { let _ = task.send(()); });
            Ok(Self(tasks))
        }
        pub fn enter(&self) {}
        pub fn block_on<F: Future>(&self, future: F) -> F::Output {
            let (task, done) = channel();
            self.0.send(task).unwrap();
            done.recv().unwrap();
            let mut future = std::pin::pin!(future);
            loop {
                if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    return value;
                }
            }
        }
    }
}
";

#[test]
fn awaiting_works_after_each_death() {
    let notebook = Notebook::start();
    let features = "[features]\nrt = []\nrt-multi-thread = []\n";
    notebook.run_quietly(&notebook.package("tokio", "1.34.0", features, TOKIO));
    notebook.run_quietly("async fn double(x: i32) -> i32 { 2 * x }");
    for _ in 0..3 {
        let code = "println!(\"{}\", double(4).await);";
        notebook.run(code).shows(&["stdout: 8\n"]);
        expect_next_death_keeps_variables(&notebook);
    }
}
