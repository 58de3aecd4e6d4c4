//! Starting where something is missing, broken, or being built by another kernel at the same moment.
//!
//! One template is built for all of these tests, with crates for a class, in a cache of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use corebook_tests::connection::Connection;
use corebook_tests::execution::{Execute, Ran};
use corebook_tests::message::Request;
use corebook_tests::notebook::{Notebook, Start};
use corebook_tests::process::Process;
use corebook_tests::toolchain::IncompleteToolchain;
use corebook_tests::{FIRST_CELL_PATIENCE, PATIENCE, binary};
use nix::sys::signal::Signal;

/// What a class wants to have at once.
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
    /// What two kernels showed for `1 + 1` that were started at once, after a third was killed while it built.
    shown: [Vec<String>; 2],
    /// What the killed one had begun.
    rest_of_the_killed: PathBuf,
}

fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("startup é cache");
        let _ = fs::remove_dir_all(&cache);
        let rest_of_the_killed = kill_while_building(&cache);
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
            rest_of_the_killed,
        }
    })
}

/// Starts a kernel without a template and kills it as soon as it compiles.
fn kill_while_building(cache: &Path) -> PathBuf {
    let connection = Connection::tcp();
    let mut kernel = Process::spawn(&connection, command(cache, &[]));
    let deadline = Instant::now() + FIRST_CELL_PATIENCE;
    let rest = loop {
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
    kernel.send_signal(Signal::SIGKILL);
    kernel.wait(PATIENCE);
    rest
}

/// All of a cell that may have to wait for a build.
fn collect(notebook: &Notebook, request: &Request, execute: &Execute) -> Ran {
    notebook.collect_within(request, execute, Vec::new(), FIRST_CELL_PATIENCE)
}

/// Whether this process may do what `starter` does, which a container can forbid.
fn is_allowed(starter: &[&str]) -> bool {
    let tried = Command::new(starter[0])
        .args(&starter[1..])
        .arg("true")
        .output();
    let is_allowed = tried.is_ok_and(|output| output.status.success());
    if !is_allowed {
        eprintln!(
            "not tested, because it is forbidden here: {}",
            starter.join(" ")
        );
    }
    is_allowed
}

const WITHOUT_NETWORK: [&str; 4] = ["unshare", "--map-root-user", "--net", "--"];

/// Runs `script` with a mount table of its own, then what follows.
fn after_mounting(script: &str) -> [String; 7] {
    let script = format!("{script} && exec \"$@\"");
    [
        "unshare",
        "--map-root-user",
        "--mount",
        "--",
        "sh",
        "-c",
        &script,
    ]
    .map(str::to_owned)
}

/// A kernel that is reached through the file system, so that it needs no network of any kind.
fn spawn_in(folder: &Path, cache: &Path, starter: &[&str]) -> Notebook {
    Notebook::spawn(Connection::ipc(folder), command(cache, starter))
}

#[test]
fn after_a_killed_build_two_kernels_at_once_build_one_template_and_tell_who_waits() {
    let built = built();
    let entries = fs::read_dir(built.cache.join("templates")).expect("it was built");
    assert_eq!(entries.count(), 1, "one template and no rest");
    assert!(!built.rest_of_the_killed.exists());
    for shown in &built.shown {
        let [told, result] = shown.as_slice() else {
            panic!("not only a notice and a result: {shown:#?}")
        };
        assert_eq!(result, "result: 2");
        assert!(told.starts_with("stderr: "), "{told}");
    }
    let told = built.shown.concat().concat();
    assert!(told.contains("building the runtime for rustc "), "{told}");
    assert!(
        told.contains("waiting for another process that is building the runtime"),
        "{told}"
    );
}

#[test]
fn a_later_start_has_the_classs_crates_and_needs_no_network_where_namespaces_are_allowed() {
    if !is_allowed(&WITHOUT_NETWORK) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let notebook = spawn_in(folder.path(), &built().cache, &WITHOUT_NETWORK);
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
fn a_read_only_cache_with_a_template_starts_kernels_where_namespaces_are_allowed() {
    let cache = &built().cache;
    let path = cache.display();
    let script = format!(
        "mount --bind '{path}' '{path}' && mount -o remount,bind,ro '{path}' && ! touch '{path}/x' 2> /dev/null"
    );
    let starter = after_mounting(&script);
    let starter = starter.each_ref().map(String::as_str);
    let starter = [starter.as_slice(), &["sh"]].concat();
    if !is_allowed(&starter) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command(cache, &starter);
    // Where its session goes instead.
    command.env("XDG_RUNTIME_DIR", folder.path());
    let notebook = Notebook::spawn(Connection::ipc(folder.path()), command);
    assert_eq!(notebook.run("1 + 1").result(), "2");
    assert!(folder.path().join("corebook/sessions").is_dir());
}

#[test]
fn a_read_only_cache_without_a_template_is_told_where_namespaces_are_allowed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display();
    let told = refusal(
        folder.path(),
        &format!("mount -t tmpfs -o ro none '{path}'"),
    );
    if let Some(told) = told {
        assert_eq!(
            told,
            "StartError: CACHE/templates may not be written (Read-only file system (os error 30)): set \
             COREBOOK_CACHE_DIR to a folder of your own"
        );
    }
}

#[test]
fn a_full_disk_is_told_where_namespaces_are_allowed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().display();
    let told = refusal(
        folder.path(),
        &format!("mount -t tmpfs -o size=4m none '{path}'"),
    );
    if let Some(told) = told {
        assert_eq!(
            told,
            "StartError: the disk is full at CACHE: free some space, or set COREBOOK_CACHE_DIR to another disk"
        );
    }
}

/// The error of the first cell where `script` has made `cache` unusable; nothing if that is forbidden here.
fn refusal(cache: &Path, script: &str) -> Option<String> {
    let starter = after_mounting(script);
    let starter = starter.each_ref().map(String::as_str);
    let starter = [starter.as_slice(), &["sh"]].concat();
    if !is_allowed(&starter) {
        return None;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let notebook = spawn_in(folder.path(), cache, &starter);
    let execute = Execute::new("1 + 1");
    let request = notebook.send(&execute);
    let ran = collect(&notebook, &request, &execute);
    assert!(
        ran.traceback()
            .ends_with("Mend this, then restart the kernel."),
        "{}",
        ran.traceback()
    );
    // What needs no compiler is still answered.
    assert_eq!(notebook.run("%time?").reply.text("status"), "ok");
    let last = ran.log().pop().expect("an error");
    Some(last.replace(&cache.display().to_string(), "CACHE"))
}

#[test]
fn a_missing_rust_src_is_told_once_in_the_first_cell() {
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
fn a_missing_linker_is_told_by_the_first_cell() {
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
fn an_upgrade_under_a_running_kernel_is_survived() {
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
    // The worker ends; the next one is started from the new file.
    let died = notebook.run("std::process::exit(3)");
    assert_eq!(died.reply.text("status"), "error");
    assert_eq!(notebook.run("1 + 1").result(), "2");
}
