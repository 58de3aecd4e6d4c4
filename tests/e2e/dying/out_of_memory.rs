//! Memory that runs out: which process ends, and what is kept. Limits are set for single processes, so that the
//! machine's memory does not matter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use corebook_tests::execution::Execute;
use corebook_tests::notebook::Notebook;
use corebook_tests::skip::skip_or_fail;
use nix::unistd::Pid;

use crate::dying::variables_kept::{SPOIL, expect_all_kept, start};

/// Allocates more than any limit here, in steps, and does not write to it.
const TAKE_ALL: &str =
    "let mut all = Vec::new(); loop { all.push(Vec::<u8>::with_capacity(64 << 20)); }";

/// The last output of a cell that dies.
fn last_output(notebook: &Notebook, code: &str) -> String {
    let log = notebook.run(code).log();
    log.last().cloned().unwrap_or_default()
}

fn worker(notebook: &Notebook) -> Pid {
    let pid = notebook.run("std::process::id()").result();
    Pid::from_raw(pid.parse().expect("a process id"))
}

#[test]
fn variables_outlive_a_limit_set_by_the_cell() {
    let (notebook, before) = start();
    let code = format!(
        "unsafe extern \"C\" {{ fn setrlimit(resource: i32, limit: *const [u64; 2]) -> i32; }}\n\
         const RLIMIT_AS: i32 = 9;\n{SPOIL}\
         assert_eq!(unsafe {{ setrlimit(RLIMIT_AS, &[1 << 33, 1 << 33]) }}, 0);\n{TAKE_ALL}"
    );
    let last = last_output(&notebook, &code);
    assert!(
        last.starts_with("WorkerDied: worker died: out of memory in cell ["),
        "{last}"
    );
    expect_all_kept(&notebook, &before, "a limit set by the cell");
}

#[test]
fn variables_outlive_a_limit_of_worker_and_checkpoint() {
    let (notebook, before) = start();
    for _ in 0..2 {
        let limited = Command::new("prlimit")
            .arg("--as=8589934592")
            .args(["--pid", &worker(&notebook).to_string()])
            .status()
            .expect("there is prlimit");
        assert!(limited.success(), "prlimit ended with {limited}");
        let last = last_output(&notebook, &format!("{SPOIL}{TAKE_ALL}"));
        assert!(
            last.starts_with("WorkerDied: worker died: out of memory in cell ["),
            "{last}"
        );
        expect_all_kept(&notebook, &before, "a limit of worker and checkpoint");
    }
}

/// A control group with limited memory. It is removed at the end.
struct Group(PathBuf);

impl Group {
    /// `None` if it cannot be made, or does not limit anything.
    fn with_limit(name: &str, bytes: u64) -> Option<Self> {
        let root = Path::new("/sys/fs/cgroup");
        let (dir, limits) = match root.join("memory").is_dir() {
            true => (
                root.join("memory"),
                ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"],
            ),
            false => (root.to_owned(), ["memory.max", "memory.swap.max"]),
        };
        let path = dir.join(name);
        fs::create_dir(&path).ok()?;
        let group = Self(path);
        let [memory, swap] = limits.map(|limit| group.0.join(limit));
        fs::write(memory, bytes.to_string()).ok()?;
        // Without swap this file does not exist.
        let _ = fs::write(swap, bytes.to_string());
        group.is_limiting(bytes).then_some(group)
    }

    /// Whether a program that takes more memory is killed.
    fn is_limiting(&self, bytes: u64) -> bool {
        let script = "echo $$ > \"$0/cgroup.procs\" && head -c \"$1\" /dev/zero | tail > /dev/null";
        let status = Command::new("sh")
            .args(["-c", script])
            .arg(&self.0)
            .arg((2 * bytes).to_string())
            .status();
        !status.expect("there is a shell").success()
    }

    fn take(&self, process: Pid) {
        fs::write(self.0.join("cgroup.procs"), process.to_string()).expect("the group is ours");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn variables_outlive_the_oom_killer() {
    let name = format!("corebook-test-{}", std::process::id());
    let Some(group) = Group::with_limit(&name, 256 << 20) else {
        let reason = "no control group with limited memory can be made here";
        skip_or_fail("variables_outlive_the_oom_killer", reason);
        return;
    };
    let (notebook, before) = start();
    group.take(worker(&notebook));
    for _ in 0..2 {
        let code = format!("{SPOIL}let all = vec![1_u8; 1 << 30];");
        let last = last_output(&notebook, &code);
        assert!(
            last.starts_with("WorkerDied: worker died: killed: out of memory? in cell ["),
            "{last}"
        );
        expect_all_kept(&notebook, &before, "the OOM killer");
    }
    // A group can be removed only after its last process.
    drop(notebook);
    drop(group);
}

/// How readily the system kills this process when memory runs out.
fn score(process: &str) -> String {
    let file = Path::new("/proc").join(process).join("oom_score_adj");
    let score = fs::read_to_string(file).expect("the process runs");
    score.trim().to_owned()
}

/// A cell that prints the score of its process.
const OWN_SCORE: &str =
    "print!(\"{}\", std::fs::read_to_string(\"/proc/self/oom_score_adj\").unwrap().trim());";

#[test]
fn the_oom_killer_prefers_a_cell_to_its_checkpoint() {
    let notebook = Notebook::start();
    let usual = score("self");
    // In a cell that measures, no checkpoint can take over.
    let unprotected = format!("%time {{ {OWN_SCORE} }}");
    let expect_usual = || {
        let log = notebook.run(&unprotected).log();
        let text = log.first().map_or("", String::as_str);
        assert!(text.starts_with(&format!("stdout: {usual}")), "{log:?}");
    };
    expect_usual();
    let worker = worker(&notebook);
    let gate = notebook.process.folder().join("gate");
    let code = format!(
        "let child = std::process::Command::new(\"sleep\").arg(\"1000\").spawn().unwrap().id();\n\
         println!(\"{{child}}\");\n\
         while !std::path::Path::new({gate:?}).exists() {{ std::thread::sleep(std::time::Duration::from_millis(5)); }}"
    );
    let execute = Execute::new(&code);
    let (request, published) = notebook.send_and_await_output(&execute);
    let checkpoints = notebook.process.forks_of(worker);
    assert_eq!(checkpoints.len(), 1, "{checkpoints:?}");
    assert_eq!(score(&worker.to_string()), "1000");
    assert_eq!(score(&checkpoints[0].to_string()), usual);
    fs::write(gate, "").expect("the folder is ours");
    let child = notebook
        .collect_after(&request, &execute, published)
        .printed();
    expect_usual();
    assert_eq!(
        score(child.trim()),
        usual,
        "a program that outlives its cell"
    );
}

#[test]
fn a_process_over_the_limit_is_reported_once() {
    let notebook = Notebook::start();
    notebook
        .run("%checkpoint limit 64MiB")
        .shows(&["stdout: checkpoints: on, limit 64 MiB\n"]);
    notebook.run_quietly("let large = vec![1_u8; 96 << 20];");
    let log = notebook.run("let more = 1;").log();
    assert!(
        log.len() == 1
            && log[0].starts_with("stderr: no checkpoint from here on: the process has ")
            && log[0].contains(" of memory, more than the limit of 64 MiB. ")
            && log[0].ends_with("raises the limit.\n"),
        "{log:?}"
    );
    notebook.run_quietly("let more = 2;");
    let status = notebook.run("%checkpoint status").printed();
    assert!(
        status.starts_with("checkpoints: on, limit 64 MiB\nlast checkpoint: none, because "),
        "{status}"
    );
    notebook
        .run("%checkpoint limit 256MiB")
        .shows(&["stdout: checkpoints: on, limit 256 MiB\n"]);
    let last = last_output(&notebook, "std::process::abort()");
    assert!(last.ends_with("variables are as before the cell"), "{last}");
    assert_eq!(
        notebook.run("(large.len(), more)").result(),
        "(100663296, 2)"
    );
    let status = notebook.run("%checkpoint status").printed();
    assert!(
        status.contains(" of memory, made in ") && status.contains("\nprotected: all variables"),
        "{status}"
    );
    // After a lower limit there is a new note, and it is right.
    notebook
        .run("%checkpoint limit 64MiB")
        .shows(&["stdout: checkpoints: on, limit 64 MiB\n"]);
    let log = notebook
        .run("println!(\"shown\");\nstd::process::abort()")
        .log();
    assert!(
        log[0].starts_with("stderr: no checkpoint from here on: ")
            && log.last().is_some_and(
                |last| last.ends_with("variables are lost, functions and :dep are kept")
            ),
        "{log:?}"
    );
    assert_eq!(notebook.run("1 + 1").result(), "2");
}
