//! How a running cell is stopped. No test measures time: each stops code that would run for minutes.

use std::time::Duration;

use corebook_tests::client::Channel;
use corebook_tests::execution::Execute;
use corebook_tests::notebook::Notebook;
use nix::sys::signal::Signal;

/// Much shorter than the interrupted cells would run, much longer than stopping them takes on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Starts `code`, which prints before its long work, interrupts it, and returns what it showed.
fn interrupted(notebook: &Notebook, code: &str, interrupt: impl Fn(&Notebook)) -> Vec<String> {
    let execute = Execute::new(code);
    let (request, published) = notebook.send_and_await_output(&execute);
    interrupt(notebook);
    notebook
        .collect_within(&request, &execute, published, SOON)
        .log()
}

fn by_message(notebook: &Notebook) {
    notebook.interrupt();
}

fn by_signal(notebook: &Notebook) {
    notebook.process.send_signal(Signal::SIGINT);
}

#[test]
fn interrupting_a_map_keeps_variables_and_pool() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly("use std::time::Duration;\nlet kept = String::from(\"kept\");");
    let nap = "|x: u64| { std::thread::sleep(Duration::from_millis(50)); x }";
    let code = format!("println!(\"go\");\nlet all = pool.map({nap}, 0..1000u64);");
    for interrupt in [by_message, by_signal] {
        let log = interrupted(&notebook, &code, interrupt);
        assert_eq!(log.len(), 2, "{log:?}");
        assert_eq!(log[0], "stdout: go\n");
        assert!(
            log[1].starts_with("Interrupted: stopped pool.map"),
            "{log:?}"
        );
        assert!(log[1].ends_with("variables are kept"), "{log:?}");
        assert_eq!(
            notebook
                .run("(kept.as_str(), pool.map(|x| x + 1, 0..3))")
                .result(),
            "(\"kept\", [1, 2, 3])"
        );
    }
}

#[test]
fn interrupting_timing_pool_and_progress_keeps_variables() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly(
        "let kept = 7;\nfn nap() { std::thread::sleep(std::time::Duration::from_millis(20)) }",
    );
    for (code, what) in [
        ("println!(\"go\");\n%timeit -n 10000 nap()", "%timeit"),
        (
            "println!(\"go\");\n%compare nap() ;; { for _ in 0..9 { nap() } }",
            "%compare",
        ),
        (
            "println!(\"go\");\npool.for_each(|_| nap(), 0..100_000);",
            "pool.",
        ),
        (
            "println!(\"go\");\nfor _ in progress(0..100_000) { nap(); }",
            "a loop",
        ),
    ] {
        let log = interrupted(&notebook, code, by_message);
        assert_eq!(log[0], "stdout: go\n", "{log:?}");
        let last = log.last().expect("an error");
        let is_stopped = last.starts_with("Interrupted: stopped") && last.contains(what);
        assert!(
            is_stopped && last.ends_with("variables are kept"),
            "{code}: {log:?}"
        );
        assert_eq!(notebook.run("kept").result(), "7");
    }
}

#[test]
fn interrupting_a_compile_keeps_variables() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    // Each function makes the optimiser unroll the previous one: this compiles for minutes and runs in no time.
    let mut code =
        String::from("#[inline(always)] fn f0(x: u64) -> u64 { x.rotate_left(7) ^ (x % 11) }\n");
    for level in 1..14 {
        let call = format!("f{}", level - 1);
        code += &format!(
            "#[inline(always)] fn f{level}(x: u64) -> u64 {{ {call}(x ^ {level}) + {call}(x / 3) * {call}(x + 1) }}\n"
        );
    }
    code += "println!(\"{}\", f13(std::process::id() as u64));";
    let execute = Execute::new(&code);
    let request = notebook.send(&execute);
    let published = [(); 2]
        .map(|()| notebook.client.next(Channel::Iopub, &request))
        .to_vec();
    assert_eq!(published[1].message_type(), "execute_input");
    notebook.interrupt();
    let ran = notebook.collect_within(&request, &execute, published, SOON);
    assert_eq!(
        ran.log(),
        ["Interrupted: stopped while compiling; variables are kept"]
    );
    assert_eq!(notebook.run("kept").result(), "7");
    assert!(
        !notebook
            .process
            .descendants()
            .iter()
            .any(|process| process.name.contains("rustc"))
    );
}

#[test]
fn a_loop_that_cannot_be_stopped_is_killed() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }\nlet kept = 7;");
    let log = interrupted(&notebook, "println!(\"go\");\nloop {}", by_message);
    assert_eq!(log[0], "stdout: go\n");
    assert!(
        log.len() == 2 && log[1].starts_with("Interrupted: the code did not stop within 1 s"),
        "{log:?}"
    );
    assert!(log[1].contains("variables are kept"), "{log:?}");
    assert_eq!(notebook.run("(double(4), kept)").result(), "(8, 7)");

    // A second interrupt kills at once, so the message need not name the wait.
    let log = interrupted(&notebook, "println!(\"go\");\nloop {}", |notebook| {
        notebook.interrupt();
        notebook.interrupt();
    });
    assert_eq!(log[0], "stdout: go\n");
    assert!(
        log.len() == 2 && log[1].starts_with("Interrupted: "),
        "{log:?}"
    );
    assert_eq!(notebook.run("(double(5), kept)").result(), "(10, 7)");
    notebook.process.expect_no_zombies();
}

#[test]
fn interrupting_endless_output_stops_it() {
    let notebook = Notebook::start();
    let log = interrupted(
        &notebook,
        "loop { println!(\"and on and on and on\"); }",
        by_message,
    );
    assert!(log[0].starts_with("stdout: and on and on and on\nand on"));
    assert!(
        log.len() == 2 && log[1].starts_with("Interrupted: "),
        "{:?}",
        log.last()
    );
    assert_eq!(notebook.run("1 + 1").result(), "2");
}

#[test]
fn queued_cells_are_aborted_by_an_interrupt() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    let first = Execute::new(
        "println!(\"go\");\npool.for_each(|_| std::thread::sleep(std::time::Duration::from_millis(20)), 0..100_000);",
    );
    let second = Execute::new("println!(\"never\");");
    let (request, published) = notebook.send_and_await_output(&first);
    let queued = notebook.send(&second);
    // When the shell answers a later request, the cell has arrived.
    notebook.ask("kernel_info_request", serde_json::json!({}));
    notebook.interrupt();
    let log = notebook.collect_after(&request, &first, published).log();
    assert!(
        log.len() == 2 && log[1].starts_with("Interrupted: stopped pool.for_each"),
        "{log:?}"
    );
    let ran = notebook.collect(&queued, &second);
    assert_eq!(ran.reply.content["status"], "aborted");
    assert_eq!(ran.log(), [""; 0]);
    assert_eq!(notebook.run("1 + 1").result(), "2");
}

#[test]
fn an_interrupt_of_an_idle_kernel_does_nothing() {
    let notebook = Notebook::start();
    // The first ones arrive while it starts.
    notebook.process.send_signal(Signal::SIGINT);
    notebook.interrupt();
    assert_eq!(notebook.run("let kept = 7;\nkept").result(), "7");
    notebook.interrupt();
    notebook.interrupt();
    assert_eq!(notebook.run("kept").result(), "7");
}
