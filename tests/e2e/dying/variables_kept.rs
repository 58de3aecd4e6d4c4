//! Which variables outlive a cell that dies: all kinds, after each kind of death.

use corebook_tests::execution::Execute;
use corebook_tests::notebook::Notebook;
use corebook_tests::process::wait_until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Ten variables of different kinds.
const VARIABLES: &str = "\
#[derive(Debug, Clone)] struct Point { x: f64, name: String }
%pool 2
use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::{Arc, Mutex}};
let numbers: Vec<u64> = (0..1_000_000).collect();
let map: HashMap<u32, String> = (0..100).map(|key| (key, format!(\"value {key}\"))).collect();
let text = String::from(\"grüße\");
let shared: Arc<Mutex<Vec<i32>>> = Arc::new(Mutex::new(vec![1, 2, 3]));
let boxed: Box<dyn Fn(i64) -> i64> = Box::new(move |x| x * 3);
let point = Point { x: 1.5, name: \"here\".to_string() };
let rc: Rc<RefCell<i32>> = Rc::new(RefCell::new(7));
let option: Option<Vec<char>> = Some(vec!['a', 'b']);
let mut counter = 41_i128;
counter += 1;
let squares = pool.map(|x| x * x, 0..10u64);
";

/// Prints what is in them. It uses the locks, the closure and the pool.
const CONTENTS: &str = "\
format!(\"{} {} {} {} {text} {:?} {} {point:?} {rc:?} {option:?} {counter} {squares:?} {} {:?}\",
    numbers.len(), numbers.iter().sum::<u64>(), map.len(), map[&42], shared.lock().unwrap(), boxed(14),
    pool.workers(), pool.map(|x| x + 1, 0..4))
";

/// Changes, moves and replaces variables, and declares one.
pub const SPOIL: &str = "\
drop(numbers); drop(map); shared.lock().unwrap().clear(); *rc.borrow_mut() = 0; counter = 0;
let text = 3; let declared = 1; pool.resize(3);
println!(\"spoilt\");
";

/// Starts a kernel with the variables. Returns it and what is in them.
pub fn start() -> (Notebook, String) {
    let notebook = Notebook::start();
    notebook
        .run(VARIABLES)
        .shows(&["stdout: pool: 2 workers\n"]);
    let before = notebook.run(CONTENTS).result();
    (notebook, before)
}

/// Everything is as before, for the worker and for evcxr.
pub fn expect_all_kept(notebook: &Notebook, before: &str, death: &str) {
    assert_eq!(notebook.run(CONTENTS).result(), before, "after {death}");
    let log = notebook.run("declared").log();
    assert!(
        log.len() == 1 && log[0].starts_with("CompileError: E0425"),
        "what the dead cell declared must be gone: {log:?}"
    );
    notebook.process.expect_no_zombies();
}

#[test]
fn variables_outlive_each_death() {
    let (notebook, before) = start();
    notebook.run_quietly("#[inline(never)]\nfn dive(depth: u64) -> u64 { let here = [depth; 999]; std::hint::black_box(&here); dive(depth + 1) + here[7] }");
    for (code, cause) in [
        (
            "unsafe { std::ptr::write_volatile(std::ptr::without_provenance_mut::<u8>(8), 1) }",
            "segmentation fault",
        ),
        ("std::process::abort();", "aborted"),
        ("std::process::exit(3);", "the code called exit(3)"),
        ("let bottom = dive(0);", "stack overflow"),
        (
            "let mut all = Vec::new(); loop { all.push(vec![1_u8; 1 << 48]); }",
            "out of memory",
        ),
    ] {
        let ran = notebook.run(&format!("{SPOIL}{code}"));
        let cell = ran.reply.content["execution_count"].clone();
        assert_eq!(
            ran.log().pop(),
            Some(format!(
                "WorkerDied: worker died: {cause} in cell [{cell}]; variables are as before the cell"
            ))
        );
        expect_all_kept(&notebook, &before, cause);
    }
}

#[test]
fn variables_outlive_an_interrupt_and_a_kill() {
    let (notebook, before) = start();
    let stuck = Execute::new(&format!("{SPOIL}loop {{}}"));
    let (request, published) = notebook.send_and_await_output(&stuck);
    notebook.interrupt();
    let log = notebook.collect_after(&request, &stuck, published).log();
    assert_eq!(
        log,
        [
            "stdout: spoilt\n",
            "Interrupted: the code did not stop within 1 s, so its process was ended; variables are kept as they were before the cell"
        ]
    );
    expect_all_kept(&notebook, &before, "an interrupt");

    let pid = notebook.run("std::process::id() as i32").result();
    let (request, published) = notebook.send_and_await_output(&stuck);
    kill(
        Pid::from_raw(pid.parse().expect("a process id")),
        Signal::SIGKILL,
    )
    .expect("the worker runs");
    let ran = notebook.collect_after(&request, &stuck, published);
    let error = ran.log().pop().unwrap_or_default();
    assert!(
        error.starts_with("WorkerDied: worker died: killed: out of memory? in cell ["),
        "{error}"
    );
    expect_all_kept(&notebook, &before, "a kill");
}

#[test]
fn rayon_outside_of_a_pool_works_after_each_death() {
    let notebook = Notebook::start();
    let sum =
        ":dep rayon = \"1\"\nuse rayon::prelude::*;\n(0..1000i64).into_par_iter().sum::<i64>()";
    assert_eq!(notebook.run(sum).result(), "499500");
    for _ in 0..3 {
        let log = notebook.run("std::process::abort()").log();
        assert!(
            log[0].ends_with("variables are as before the cell"),
            "{log:?}"
        );
        assert_eq!(notebook.run(sum).result(), "499500");
    }
}

#[test]
fn a_checkpoint_exists_only_while_its_cell_runs() {
    let mut notebook = Notebook::start();
    let worker = notebook.run("std::process::id()").result();
    let worker = Pid::from_raw(worker.parse().expect("a process id"));
    let expect_none = || {
        wait_until("there is no checkpoint", || {
            notebook.process.forks_of(worker).is_empty()
        });
    };
    expect_none();
    notebook.run("println!(\"go\");").shows(&["stdout: go\n"]);
    expect_none();
    let execute = Execute::new("println!(\"go\"); loop {}");
    let (_, _) = notebook.send_and_await_output(&execute);
    assert_eq!(notebook.process.forks_of(worker).len(), 1);
    let descendants = notebook.process.descendants();
    // The checkpoint must not outlive the kernel.
    notebook.process.send_signal(Signal::SIGKILL);
    notebook.process.wait(corebook_tests::PATIENCE);
    corebook_tests::process::wait_until_gone(&descendants, corebook_tests::PATIENCE);
}
