//! Starts where something is missing, broken, read-only, full, or being built by another kernel at the same time.
//!
//! These tests share one template, with the crates of a class, in a cache of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use corebook_tests::connection::Connection;
use corebook_tests::execution::{Execute, Ran};
use corebook_tests::message::Request;
use corebook_tests::notebook::{Notebook, Start};
use corebook_tests::process::{Process, wait_until_gone};
use corebook_tests::skip::skip_or_fail;
use corebook_tests::toolchain::IncompleteToolchain;
use corebook_tests::{FIRST_CELL_PATIENCE, PATIENCE, binary};
use nix::sys::signal::Signal;

/// The crates that a class needs.
const CRATES: &str = "rand,itertools,ndarray";
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A kernel whose cache is `cache`, started by `starter`.
fn command(cache: &Path, starter: &[&str]) -> Command {
    let mut command = binary::command_through(starter);
    command
        .env("COREBOOK_CACHE_DIR", cache)
        .env("COREBOOK_WITH", CRATES);
    command
}

/// What happened when the template was built.
struct Built {
    cache: PathBuf,
    /// What two kernels showed for `1 + 1`. They were started at once, after a third was killed while it built.
    shown: [Vec<String>; 2],
    /// The folder that the killed kernel had begun.
    begun_by_the_killed: PathBuf,
}

fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("startup é cache");
        let _ = fs::remove_dir_all(&cache);
        let begun_by_the_killed = kill_while_building(&cache);
        let start = || Notebook::spawn(Connection::tcp(), command(&cache, &[]));
        let (one, other) = (start(), start());
        let execute = Execute::new("1 + 1");
        let requests = [one.send(&execute), other.send(&execute)];
        let shown = [one, other]
            .into_iter()
            .zip(requests)
            .map(|(notebook, request)| collect(&notebook, &request, &execute).log_lines());
        let shown: Vec<Vec<String>> = shown.collect();
        Built {
            cache,
            shown: shown.try_into().expect("two were started"),
            begun_by_the_killed,
        }
    })
}

/// Starts a kernel without a template and kills it as soon as it compiles. Returns the folder that it had begun.
fn kill_while_building(cache: &Path) -> PathBuf {
    let connection = Connection::tcp();
    let mut kernel = Process::spawn(&connection, command(cache, &[]));
    let deadline = Instant::now() + FIRST_CELL_PATIENCE;
    let begun = loop {
        let entries = fs::read_dir(cache.join("templates")).into_iter().flatten();
        let compiling = entries
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.join("target/package/work/target").is_dir());
        match compiling {
            Some(path) => break path,
            None => {
                let log = kernel.stderr();
                let has_failed = log.contains("cells can't be run");
                assert!(
                    Instant::now() < deadline && !has_failed,
                    "no build begins: {log}"
                );
            }
        }
        std::thread::sleep(LOOK_AGAIN);
    };
    // A compiler that still writes would keep the next kernel from removing the folder.
    let compilers = kernel.descendants();
    kernel.send_signal(Signal::SIGKILL);
    kernel.wait(PATIENCE);
    wait_until_gone(&compilers, PATIENCE);
    begun
}

/// Everything about a cell that may have to wait for a build.
fn collect(notebook: &Notebook, request: &Request, execute: &Execute) -> Ran {
    notebook.collect_within(request, execute, Vec::new(), FIRST_CELL_PATIENCE)
}

/// Whether this machine lets a test do what `starter` does, which a container can forbid. If not, the test is skipped
/// or fails.
fn is_allowed(test: &str, starter: &[&str]) -> bool {
    let tried = Command::new(starter[0])
        .args(&starter[1..])
        .arg("true")
        .output();
    let is_allowed = tried.is_ok_and(|output| output.status.success());
    if !is_allowed {
        skip_or_fail(test, &format!("`{}` is forbidden here", starter.join(" ")));
    }
    is_allowed
}

const WITHOUT_NETWORK: [&str; 4] = ["unshare", "--map-root-user", "--net", "--"];

/// Runs `script` with its own mount table, then the program that follows.
fn after_mounting(script: &str) -> [String; 8] {
    let script = format!("{script} && exec \"$@\"");
    [
        "unshare",
        "--map-root-user",
        "--mount",
        "--",
        "sh",
        "-c",
        &script,
        "sh",
    ]
    .map(str::to_owned)
}

// The two are started after a third was killed while it built.
#[test]
fn two_kernels_at_once_build_one_template() {
    let built = built();
    let entries = fs::read_dir(built.cache.join("templates")).expect("it was built");
    assert_eq!(entries.count(), 1, "one template and nothing else");
    assert!(!built.begun_by_the_killed.exists());
    for shown in &built.shown {
        let [notice, result] = shown.as_slice() else {
            panic!("not only a notice and a result: {shown:#?}")
        };
        assert_eq!(result, "result: 2");
        assert!(notice.starts_with("stderr: "), "{notice}");
    }
    let notices = built.shown.concat().concat();
    assert!(
        notices.contains("building the runtime for rustc "),
        "{notices}"
    );
    assert!(
        notices.contains("waiting for another process that is building the runtime"),
        "{notices}"
    );
}

// With the crates of the class.
#[test]
fn a_later_start_needs_no_network() {
    if !is_allowed("a_later_start_needs_no_network", &WITHOUT_NETWORK) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Sockets in the file system need no network.
    let connection = Connection::ipc(folder.path());
    let notebook = Notebook::spawn(connection, command(&built().cache, &WITHOUT_NETWORK));
    assert_eq!(
        notebook
            .run("use itertools::Itertools;\n(1..4).tuple_combinations().map(|(a, b)| a * b).collect::<Vec<i32>>()")
            .result(),
        "[2, 3, 6]"
    );
    notebook.run_quietly(":dep ndarray");
    assert_eq!(
        notebook.run("ndarray::arr1(&[1, 2, 3]).sum()").result(),
        "6"
    );
    assert_eq!(
        notebook
            .run("(0..10).contains(&rand::random_range(0..10))")
            .result(),
        "true"
    );
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    assert_eq!(
        notebook.run("pool.map(|x| x * x, 0..4)").result(),
        "[0, 1, 4, 9]"
    );
}

#[test]
fn a_read_only_cache_with_a_template_starts_kernels() {
    let cache = &built().cache;
    let path = cache.display();
    let script = format!(
        "mount --bind '{path}' '{path}' && mount -o remount,bind,ro '{path}' && ! touch '{path}/x' 2> /dev/null"
    );
    let starter = after_mounting(&script);
    let starter = starter.each_ref().map(String::as_str);
    let name = "a_read_only_cache_with_a_template_starts_kernels";
    if !is_allowed(name, &starter) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(cache, &starter);
    // The session goes there, because the cache cannot be written.
    command.env("XDG_RUNTIME_DIR", folder.path());
    let notebook = Notebook::spawn(Connection::ipc(folder.path()), command);
    assert_eq!(notebook.run("1 + 1").result(), "2");
    assert!(folder.path().join("corebook/sessions").is_dir());
}

#[test]
fn a_read_only_cache_without_a_template_is_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display();
    let error = first_error(
        "a_read_only_cache_without_a_template_is_reported",
        folder.path(),
        &format!("mount -t tmpfs -o ro none '{path}'"),
    );
    if let Some(error) = error {
        assert_eq!(
            error,
            "StartError: CACHE/templates can't be written (Read-only file system (os error 30)): set \
             COREBOOK_CACHE_DIR to a folder of your own"
        );
    }
}

#[test]
fn a_full_disk_is_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display();
    let error = first_error(
        "a_full_disk_is_reported",
        folder.path(),
        &format!("mount -t tmpfs -o size=4m none '{path}'"),
    );
    if let Some(error) = error {
        assert_eq!(
            error,
            "StartError: the disk is full at CACHE: free some space, or set COREBOOK_CACHE_DIR to another disk"
        );
    }
}

/// The error of the first cell after `script` has made `cache` unusable. `None` if that is forbidden here.
fn first_error(test: &str, cache: &Path, script: &str) -> Option<String> {
    let starter = after_mounting(script);
    let starter = starter.each_ref().map(String::as_str);
    if !is_allowed(test, &starter) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(cache, &starter);
    // On a full disk rustc can crash. Its crash handler starts llvm-symbolizer, which leaves temporary files if the
    // kernel is shut down before it has finished.
    command.env("LLVM_DISABLE_SYMBOLIZATION", "1");
    let notebook = Notebook::spawn(Connection::ipc(folder.path()), command);
    let execute = Execute::new("1 + 1");
    let request = notebook.send(&execute);
    let ran = collect(&notebook, &request, &execute);
    assert!(
        ran.traceback()
            .ends_with("Fix this, then restart the kernel."),
        "{}",
        ran.traceback()
    );
    // Requests that need no compiler are still answered.
    assert_eq!(notebook.run("%time?").reply.text("status"), "ok");
    let last = ran.log().pop().expect("an error");
    Some(last.replace(&cache.display().to_string(), "CACHE"))
}

#[test]
fn a_missing_rust_src_is_reported_once_in_the_first_cell() {
    let toolchain = IncompleteToolchain::new();
    let notebook = Notebook::start_as(&Start {
        variables: &[("PATH", &toolchain.path())],
    });
    let notice = format!(
        "stderr: the standard library's source is not in {}, so types of variables cannot be inferred: run `rustup \
         component add rust-src`, then restart the kernel\n",
        toolchain.root().display()
    );
    notebook.run("1 + 1").shows(&[&notice, "result: 2"]);
    assert_eq!(notebook.run("1 + 2").result(), "3");
    notebook.run_quietly("let written: i64 = 5;");
    assert_eq!(notebook.run("written + 1").result(), "6");
}

#[test]
fn a_missing_linker_is_reported_by_the_first_cell() {
    let toolchain = IncompleteToolchain::new().with_source();
    let notebook = Notebook::start_as(&Start {
        variables: &[("PATH", &toolchain.path_without_linker())],
    });
    let log = notebook.run("1 + 1").log();
    assert_eq!(
        log,
        [
            "StartError: there is no linker (linker `cc` not found): install a C compiler, for example with `apt \
          install gcc`, `dnf install gcc` or `xcode-select --install`"
        ]
    );
}

#[test]
fn an_upgrade_does_not_end_a_running_kernel() {
    binary::prebuild();
    let folder = tempfile::Builder::new()
        .prefix("é ")
        .tempdir()
        .expect("a temporary folder");
    let program = folder.path().join("corebook");
    fs::copy(binary::path(), &program).expect("the folder is ours");
    let notebook = Notebook::spawn(Connection::tcp(), binary::command_of(&program));
    notebook.run_quietly("let kept = 5;");
    let newer = folder.path().join("newer");
    fs::copy(binary::path(), &newer).expect("the folder is ours");
    fs::rename(&newer, &program).expect("the folder is ours");
    assert_eq!(notebook.run("kept").result(), "5");
    // The next worker is started from the new file.
    let died = notebook.run("std::process::exit(3)");
    assert_eq!(died.reply.text("status"), "error");
    assert_eq!(notebook.run("1 + 1").result(), "2");
}
