//! How a worker can die: one error that says it in words, and the next cell works.

use corebook_tests::execution::Execute;
use corebook_tests::notebook::Notebook;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What every death's error says after its cause.
fn expect_death(log: &[String], output: &str, cause: &str) {
    let [shown, error] = log else {
        panic!("not one output and one error: {log:#?}")
    };
    assert_eq!(shown, output);
    assert!(
        error.starts_with(&format!("WorkerDied: {cause}; ")),
        "{error}"
    );
    assert!(
        error.contains("variables are "),
        "it says what became of the variables: {error}"
    );
}

#[test]
fn each_death_is_told_in_words_and_the_next_cell_works() {
    let notebook = Notebook::start();
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
        let mut log = notebook.run(&format!("println!(\"shown\");\n{code}")).log();
        if cause == "stack overflow" {
            // Rust itself says so too, before the worker dies.
            let said = log.remove(1);
            assert!(
                said.starts_with("stderr: ") && said.contains("has overflowed its stack"),
                "{said}"
            );
        }
        expect_death(&log, "stdout: shown\n", cause);
        assert_eq!(notebook.run("double(4)").result(), "8");
        assert!(
            !notebook
                .process
                .descendants()
                .iter()
                .any(|process| process.is_zombie()),
            "after {code}"
        );
    }
}

#[test]
fn a_worker_killed_in_a_cell_is_told_and_the_kernels_state_stays() {
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
    let log = notebook.collect_after(&request, &execute, published).log();
    expect_death(
        &log,
        &format!("stdout: {printed}"),
        "killed: out of memory?",
    );
    // Functions, dependencies and history are the kernel's.
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
    let log = notebook.run("std::process::Command::new(\"sleep\").arg(\"1000\").spawn()?;\nprintln!(\"started\");\nstd::process::abort()").log();
    expect_death(&log, "stdout: started\n", "aborted");
    assert_eq!(notebook.run("1 + 1").result(), "2");
    let descendants = notebook.process.descendants();
    assert!(
        !descendants
            .iter()
            .any(|process| process.name.contains("sleep")),
        "{descendants:?}"
    );
}
