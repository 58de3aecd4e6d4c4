//! Notebooks run by a real process, with a kernel in another one: `examples/scripted.rs` is both programs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a run may take before the test fails.
const WAIT: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(5);

/// The folder of one test, with its notebooks and what the runner has written.
struct Folder(TempDir);

/// What a run has left.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write_notebook(&self, name: &str, sources: &[&str]) {
        let cells: Vec<Value> = sources.iter().enumerate().map(code_cell).collect();
        let notebook =
            json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 });
        fs::write(self.path(name), notebook.to_string()).expect("the folder can be written");
    }

    fn notebook(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).expect("a notebook is JSON")
    }

    fn outputs(&self, name: &str, cell: usize) -> Value {
        self.notebook(name)["cells"][cell]["outputs"].clone()
    }

    /// `scripted run` in this folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(scripted());
        command
            .arg("run")
            .args(arguments)
            .current_dir(self.0.path())
            .env("SCRIPTED_SHUTDOWN_FILE", self.path("shut-down"))
            .stdin(Stdio::null())
            .stdout(self.create("stdout"))
            .stderr(self.create("stderr"));
        command
    }

    fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .spawn()
            .expect("the example was built")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.start(arguments))
    }

    fn finish(&self, mut process: Child) -> Ran {
        let deadline = Instant::now() + WAIT;
        let status = loop {
            if let Some(status) = process.try_wait().expect("it is a child") {
                break status;
            }
            if Instant::now() > deadline {
                process.kill().expect("it is a child");
                panic!("the run does not end; stderr: {}", self.text("stderr"));
            }
            thread::sleep(POLL);
        };
        Ran {
            code: status.code(),
            stdout: self.text("stdout"),
            stderr: self.text("stderr"),
        }
    }

    fn create(&self, name: &str) -> File {
        File::create(self.path(name)).expect("the folder can be written")
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("the file is there")
    }

    /// Waits until the run has written `text` on stderr.
    fn await_stderr(&self, text: &str) {
        let deadline = Instant::now() + WAIT;
        while !self.text("stderr").contains(text) {
            assert!(Instant::now() < deadline, "no {text:?} on stderr");
            thread::sleep(POLL);
        }
    }

    /// Whether the kernel was shut down by a message, and not killed.
    fn is_shut_down(&self) -> bool {
        self.path("shut-down").exists()
    }
}

/// `cargo test` builds examples first, into the folder beside that of the tests. With `--test run` alone it does not.
fn scripted() -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("it lies in deps");
    profile.join("examples/scripted")
}

fn code_cell((index, source): (usize, &&str)) -> Value {
    let is_to_fail = source.starts_with("# must fail");
    let tags = if is_to_fail {
        vec!["raises-exception"]
    } else {
        vec![]
    };
    json!({
        "cell_type": "code", "execution_count": 7, "id": format!("c{index}"), "metadata": { "tags": tags },
        "outputs": [{ "name": "stdout", "output_type": "stream", "text": ["old\n"] }], "source": source,
    })
}

fn send(process: &Child, signal: Signal) {
    let pid = i32::try_from(process.id()).expect("a process id");
    kill(Pid::from_raw(pid), signal).expect("it is a child");
}

fn stream(name: &str, lines: &[&str]) -> Value {
    json!({ "name": name, "output_type": "stream", "text": lines })
}

#[test]
fn cells_run_in_order_and_their_outputs_are_shown() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["print one", "  \n", "\nprint two\nvalue 3"]);
    let ran = folder.run(&["a.ipynb"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "[1] print one\none\n\n[3] \n    print two\n    value 3\ntwo\n3\n"
    );
    assert_eq!(ran.stderr, "");
    assert!(folder.is_shut_down());
    let unchanged = folder.outputs("a.ipynb", 0);
    assert_eq!(unchanged, json!([stream("stdout", &["old\n"])]));
}

#[test]
fn several_notebooks_have_headings_and_a_kernel_each() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["value a"]);
    folder.write_notebook("b.ipynb", &["value b"]);
    let ran = folder.run(&["--in-place", "a.ipynb", "b.ipynb"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "== a.ipynb\n\n[1] value a\na\n\n== b.ipynb\n\n[1] value b\nb\n"
    );
    assert_eq!(folder.notebook("b.ipynb")["cells"][0]["execution_count"], 1);
}

#[test]
fn every_kind_of_output_is_kept_in_the_notebook() {
    let folder = Folder::new();
    let cells = [
        "display bar 0%\nshow plain",
        "print a\nwarn b\nprint c\nanother foreign",
        "print gone\nclear\nvalue 3\nupdate bar 100%\nupdate none x",
        "# must fail\nfail Panic no",
        " ",
        "print before\nlate after",
    ];
    folder.write_notebook("a.ipynb", &cells);
    let ran = folder.run(&["--output", "out.ipynb", "a.ipynb"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let data = |text: &str| json!({ "text/plain": [text] });
    let display =
        |text: &str| json!({ "data": data(text), "metadata": {}, "output_type": "display_data" });
    let expected = [
        json!([display("100%"), display("plain")]),
        json!([
            stream("stdout", &["a\n"]),
            stream("stderr", &["b\n"]),
            stream("stdout", &["c\n"])
        ]),
        json!([{ "data": data("3"), "execution_count": 3, "metadata": {}, "output_type": "execute_result" }]),
        json!([{ "ename": "Panic", "evalue": "no", "output_type": "error", "traceback": ["Panic: no"] }]),
        json!([]),
        json!([stream("stdout", &["before\n", "after"])]),
    ];
    let notebook = folder.notebook("out.ipynb");
    for (index, expected) in expected.iter().enumerate() {
        assert_eq!(
            &notebook["cells"][index]["outputs"], expected,
            "cell {index}"
        );
    }
    let counts = notebook["cells"].as_array().unwrap().iter();
    let counts: Value = counts.map(|cell| cell["execution_count"].clone()).collect();
    assert_eq!(counts, json!([1, 2, 3, 4, null, 5]));
    assert_eq!(
        notebook["metadata"]["language_info"],
        json!({ "file_extension": ".rs", "name": "rust", "version": "1.2.3" })
    );
    assert_eq!(
        folder.outputs("a.ipynb", 0),
        json!([stream("stdout", &["old\n"])])
    );
}

#[test]
fn a_cell_can_not_ask_and_the_kernel_gets_its_variables() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["stdin", "variable SCRIPTED_VARIABLE"]);
    let ran = folder.run(&["a.ipynb"]);
    assert_eq!(
        ran.stdout,
        "[1] stdin\nfalse\n\n[2] variable SCRIPTED_VARIABLE\npassed on\n"
    );
}

#[test]
fn a_failed_cell_ends_the_run_and_what_was_put_out_is_written() {
    let folder = Folder::new();
    folder.write_notebook(
        "a.ipynb",
        &["print a", "\n  print b\nfail Panic no", "print c"],
    );
    folder.write_notebook("b.ipynb", &["print d"]);
    let ran = folder.run(&["--in-place", "a.ipynb", "b.ipynb"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "corebook: a.ipynb: cell 2 of 3 failed: `print b`: Panic: no\n"
    );
    assert_eq!(folder.outputs("a.ipynb", 1)[0], stream("stdout", &["b\n"]));
    assert_eq!(folder.outputs("a.ipynb", 2), json!([]));
    assert_eq!(
        folder.outputs("b.ipynb", 0),
        json!([stream("stdout", &["old\n"])])
    );
}

#[test]
fn a_run_that_allows_errors_goes_on_after_them() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["fail Panic no", "# must fail", "print c"]);
    let ran = folder.run(&["--allow-errors", "a.ipynb"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.ends_with("[3] print c\nc\n"), "{ran:?}");
}

#[test]
fn a_reply_without_an_error_is_named_after_its_status() {
    for (command, name) in [("fail_unnamed", "Error"), ("abort", "Aborted")] {
        let folder = Folder::new();
        folder.write_notebook("a.ipynb", &[command]);
        let ran = folder.run(&["a.ipynb"]);
        let expected = format!("corebook: a.ipynb: cell 1 of 1 failed: `{command}`: {name}\n");
        assert_eq!((ran.code, ran.stderr), (Some(1), expected));
    }
}

#[test]
fn a_cell_over_its_limit_is_interrupted_and_fails() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["print a\nhang"]);
    let ran = folder.run(&["--timeout", "0.2", "--in-place", "a.ipynb"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "corebook: a.ipynb: cell 1 of 1 failed: `print a`: it took longer than 0.2 s (--timeout)\n"
    );
    assert_eq!(folder.outputs("a.ipynb", 0)[1]["ename"], "Interrupted");
    assert!(folder.is_shut_down());
}

#[test]
fn the_death_of_a_kernel_is_reported_after_its_log() {
    for (command, how) in [
        ("exit 7", "ended with exit code 7"),
        ("kill", "was killed by signal 9 (SIGKILL)"),
    ] {
        let folder = Folder::new();
        folder.write_notebook(
            "a.ipynb",
            &[&format!("log something is wrong\n{command}"), "print b"],
        );
        let ran = folder.run(&["--allow-errors", "a.ipynb"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(
            ran.stderr,
            format!(
                "something is wrong\n\
                 corebook: a.ipynb: cell 1 of 2 failed: `log something is wrong`: the kernel {how}\n"
            )
        );
    }
}

#[test]
fn a_kernel_that_does_not_start_is_an_error_of_the_run() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["print a"]);
    let mut command = folder.command(&["--in-place", "a.ipynb"]);
    let process = command.env("SCRIPTED_BROKEN_START", "").spawn().unwrap();
    let ran = folder.finish(process);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "scripted: a broken start\nscripted: the kernel ended with exit code 2 before it was ready\n"
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn ctrl_c_interrupts_the_cell_and_ends_the_run() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["log it hangs\nhang", "print b"]);
    let process = folder.start(&["--in-place", "a.ipynb"]);
    folder.await_stderr("it hangs\n");
    send(&process, Signal::SIGINT);
    let ran = folder.finish(process);
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "it hangs\ncorebook: interrupting the cell; Ctrl-C again ends the run\n\
         corebook: a.ipynb: cell 1 of 2 interrupted: `log it hangs`\n"
    );
    assert_eq!(folder.outputs("a.ipynb", 0)[0]["ename"], "Interrupted");
    assert!(folder.is_shut_down());
}

#[test]
fn a_second_ctrl_c_ends_the_run_at_once() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["log it hangs\nignore_interrupts"]);
    let process = folder.start(&["a.ipynb"]);
    folder.await_stderr("it hangs\n");
    send(&process, Signal::SIGINT);
    folder.await_stderr("interrupting the cell");
    send(&process, Signal::SIGINT);
    let ran = folder.finish(process);
    assert_eq!(ran.code, Some(130), "{ran:?}");
    assert!(
        ran.stderr
            .ends_with("cell 1 of 1 interrupted: `log it hangs`\n"),
        "{ran:?}"
    );
    assert_eq!(ran.stderr.matches("interrupting").count(), 1, "{ran:?}");
}

#[test]
fn sigterm_and_sighup_end_the_run_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let folder = Folder::new();
        folder.write_notebook("a.ipynb", &["log it hangs\nhang"]);
        let process = folder.start(&["--in-place", "a.ipynb"]);
        folder.await_stderr("it hangs\n");
        send(&process, signal);
        let ran = folder.finish(process);
        assert_eq!(ran.code, Some(130), "{ran:?}");
        assert!(!ran.stderr.contains("interrupting"), "{ran:?}");
        assert_eq!(folder.outputs("a.ipynb", 0), json!([]));
    }
}

#[test]
fn a_closed_stdout_ends_the_run_without_a_message() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["print a", "print b"]);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = folder.command(&["a.ipynb"]);
    let process = command.stdout(writer).spawn().unwrap();
    drop((command, reader));
    let ran = folder.finish(process);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{ran:?}");
}

#[test]
fn a_pipe_shows_no_progress_even_with_colours() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["print a"]);
    let mut command = folder.command(&["a.ipynb"]);
    let process = command.env("CLICOLOR_FORCE", "1").spawn().unwrap();
    let ran = folder.finish(process);
    assert!(ran.stdout.contains("\u{1b}[1m"), "{ran:?}");
    assert!(!ran.stdout.contains("cell 1 of 1"), "{ran:?}");
}

#[test]
fn files_that_can_not_be_used_are_refused_before_anything_runs() {
    let folder = Folder::new();
    folder.write_notebook("a.ipynb", &["print a"]);
    let ran = folder.run(&["a.ipynb", "missing.ipynb"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(
        ran.stderr
            .starts_with("scripted: can't read the notebook missing.ipynb: "),
        "{ran:?}"
    );
    let ran = folder.run(&["--output", "none/out.ipynb", "a.ipynb"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(
        ran.stderr
            .starts_with("scripted: can't write the notebook none/out.ipynb: "),
        "{ran:?}"
    );
}

#[test]
fn notebooks_are_read_before_the_preparation() {
    let options = corebook_runner::Options {
        kernel: corebook_runner::KernelProgram {
            path: scripted(),
            variables: Vec::new(),
            end_with_parent: |_, _| {},
        },
        notebooks: vec!["missing.ipynb".into()],
        destination: corebook_runner::Destination::Nowhere,
        allow_errors: false,
        timeout: None,
    };
    let prepare = || panic!("it is not called");
    let error = corebook_runner::run(&options, prepare).unwrap_err();
    assert_eq!(error.to_string(), "can't read the notebook missing.ipynb");
}
