//! Each way a worker can die: one error names the cause, the next cell works, and variables are as before the cell.

use std::time::Duration;

use corebook_tests::execution::{Execute, Ran};
use corebook_tests::notebook::Notebook;
use corebook_tests::process::wait_until_gone;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const KEPT: &str = "variables are as before the cell";
const LOST: &str = "variables are lost, functions and :dep are kept";

/// The cell has shown `output` and died of `cause`.
fn expect_death(ran: &Ran, output: &str, cause: &str, loss: &str) {
    let cell = &ran.reply.content["execution_count"];
    let error = format!("WorkerDied: worker died: {cause} in cell [{cell}]; {loss}");
    assert_eq!(ran.log_lines(), [output.to_owned(), error]);
}

#[test]
fn each_death_names_its_cause_and_the_next_cell_works() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = vec![7; 3];");
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }");
    notebook.run_quietly("#[inline(never)]\nfn dive(depth: u64) -> u64 { let here = [depth; 999]; std::hint::black_box(&here); dive(depth + 1) + here[7] }");
    for (code, cause) in [
        (
            "unsafe { std::ptr::write_volatile(std::ptr::without_provenance_mut::<u8>(8), 1) }",
            "segmentation fault",
        ),
        ("std::process::abort()", "aborted"),
        ("std::process::exit(3)", "the code called exit(3)"),
        ("let bottom = dive(0);", "stack overflow"),
    ] {
        let mut ran = notebook.run(&format!("println!(\"shown\");\n{code}"));
        if cause == "stack overflow" {
            // Rust prints it too, before the worker dies.
            let printed = ran.outputs.remove(1);
            assert_eq!(printed.text("name"), "stderr");
            assert!(printed.text("text").contains("has overflowed its stack"));
        }
        expect_death(&ran, "stdout: shown\n", cause, KEPT);
        assert_eq!(
            notebook.run("(double(4), &kept)").result(),
            "(8, [7, 7, 7])"
        );
        notebook.process.expect_no_zombies();
    }
}

#[test]
fn half_an_event_is_not_shown_and_no_later_output_is_lost() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    let ran = notebook.run(
        "use std::io::Write;\n\
        let word = std::env::var(\"COREBOOK_NONCE\")?;\n\
        println!(\"shown\");\n\
        print!(\"\\x1e{word}00001000half of it\");\n\
        std::io::stdout().flush()?;\n\
        std::process::abort();",
    );
    expect_death(&ran, "stdout: shown\n", "aborted", KEPT);
    let ran = notebook.run("println!(\"after\"); kept");
    assert_eq!(ran.log(), ["stdout: after\n", "result: 7"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_failed_allocation_is_reported_as_out_of_memory() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }");
    // The cell limits itself, so that the machine's memory does not matter.
    let code = "unsafe extern \"C\" { fn setrlimit(resource: i32, limit: *const [u64; 2]) -> i32; }\n\
        const RLIMIT_AS: i32 = 9;\n\
        assert_eq!(unsafe { setrlimit(RLIMIT_AS, &[1 << 33, 1 << 33]) }, 0);\n\
        println!(\"shown\");\n\
        let more = vec![1u8; 1 << 34];";
    let mut ran = notebook.run(code);
    // Rust prints it too, before the worker dies.
    let printed = ran.outputs.remove(1);
    assert!(
        printed
            .text("text")
            .contains("memory allocation of 17179869184 bytes failed")
    );
    expect_death(&ran, "stdout: shown\n", "out of memory", KEPT);
    drop(ran);
    assert_eq!(notebook.run("double(4)").result(), "8");
}

#[test]
fn without_a_checkpoint_a_death_keeps_only_functions() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }\nlet lost = 7;");
    notebook
        .run("%checkpoint off")
        .shows(&["stdout: checkpoints: off, so a cell that dies takes all variables with it\n"]);
    let dying = "println!(\"shown\");\nstd::process::abort()";
    let ran = notebook.run(dying);
    expect_death(&ran, "stdout: shown\n", "aborted", LOST);
    assert_eq!(notebook.run("double(4)").result(), "8");
    assert_eq!(notebook.run("lost").log().len(), 1);
    notebook
        .run("%checkpoint on")
        .shows(&["stdout: checkpoints: on, limit 256 MiB\n"]);
    notebook.run_quietly("let kept = 7;");
    let ran = notebook.run(dying);
    expect_death(&ran, "stdout: shown\n", "aborted", KEPT);
    assert_eq!(notebook.run("kept").result(), "7");
}

#[test]
fn a_worker_killed_in_a_cell_keeps_the_kernels_state() {
    let notebook = Notebook::start();
    notebook.run_quietly(":dep rayon = \"1\"\nfn double(x: i32) -> i32 { 2 * x }");
    let execute =
        Execute::new("println!(\"{}\", std::process::id());\nloop { std::thread::park(); }");
    let (request, published) = notebook.send_and_await_output(&execute);
    let printed = published
        .last()
        .map(|last| last.text("text").to_owned())
        .unwrap_or_default();
    kill(
        Pid::from_raw(printed.trim().parse().expect("a process id")),
        Signal::SIGKILL,
    )
    .expect("the worker runs");
    expect_death(
        &notebook.collect_after(&request, &execute, published),
        &format!("stdout: {printed}"),
        "killed: out of memory?",
        KEPT,
    );
    // The kernel, not the worker, keeps functions, dependencies and history.
    let count =
        notebook.run("use rayon::prelude::*;\n(0..10).into_par_iter().map(double).sum::<i32>()");
    assert_eq!(count.reply.content["execution_count"], 3);
    assert_eq!(count.result(), "90");
    let tail = notebook.ask(
        "history_request",
        serde_json::json!({ "hist_access_type": "tail", "n": 9 }),
    );
    assert_eq!(tail["history"].as_array().map(Vec::len), Some(3));
}

#[test]
fn children_of_a_dead_worker_end_with_it() {
    let notebook = Notebook::start();
    let ran = notebook.run("std::process::Command::new(\"sleep\").arg(\"1000\").spawn()?;\nprintln!(\"started\");\nstd::process::abort()");
    expect_death(&ran, "stdout: started\n", "aborted", KEPT);
    assert_eq!(notebook.run("1 + 1").result(), "2");
    let descendants = notebook.process.descendants();
    assert!(
        !descendants
            .iter()
            .any(|process| process.name.contains("sleep")),
        "{descendants:?}"
    );
}

/// A command needs no worker.
#[test]
fn a_command_after_a_death_between_cells_shows_its_output() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 1u8;");
    let pid = notebook.run("std::process::id() as i32").result();
    let pid = Pid::from_raw(pid.parse().expect("a process id"));
    let mut worker = notebook.process.descendants();
    worker.retain(|process| process.pid == pid.as_raw());
    kill(pid, Signal::SIGKILL).expect("the worker runs");
    wait_until_gone(&worker, Duration::from_secs(10));
    let ran = notebook.run(":version");
    assert_eq!(ran.reply.text("status"), "ok");
    assert_eq!(ran.outputs.len(), 1, "{:?}", ran.outputs);
}

#[test]
fn a_worker_killed_between_cells_is_replaced() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }");
    let pid = notebook.run("std::process::id() as i32").result();
    kill(
        Pid::from_raw(pid.parse().expect("a process id")),
        Signal::SIGKILL,
    )
    .expect("the worker runs");
    // The cell in which the death is noticed either runs or reports it. The cell after it must work.
    let ran = notebook.run("double(4)");
    if ran.reply.text("status") == "ok" {
        assert_eq!(ran.result(), "8");
    } else {
        let log = ran.log();
        assert!(
            log.len() == 1
                && log[0].starts_with(
                    "WorkerDied: worker died: killed: out of memory? between two cells; "
                ),
            "{log:?}"
        );
    }
    assert_eq!(notebook.run("double(5)").result(), "10");
    notebook.process.expect_no_zombies();
}
