//! Where the program under test is. Never builds it: a test that compiles evcxr would seem to hang for minutes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// Names the program to test, if it is not the one that cargo built beside the tests.
pub const BINARY_VARIABLE: &str = "COREBOOK_TEST_BINARY";

/// Variables that cargo sets for the tests. Jupyter does not set them for a kernel.
const SET_BY_CARGO: [&str; 5] = [
    "CARGO",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "LD_LIBRARY_PATH",
];
/// Variables of the person who runs the tests. They change what a kernel prints.
const SET_BY_THE_CALLER: [&str; 4] = [
    "COREBOOK_LOG",
    "RUST_BACKTRACE",
    "RAYON_NUM_THREADS",
    "CARGO_TERM_COLOR",
];

/// The program's path.
///
/// # Panics
///
/// If it is not there. The message says how to build it.
pub fn path() -> PathBuf {
    if let Some(named) = std::env::var_os(BINARY_VARIABLE) {
        let path = PathBuf::from(named);
        assert!(
            path.is_file(),
            "{BINARY_VARIABLE} names {}, which is no file",
            path.display()
        );
        return path;
    }
    let test = std::env::current_exe().expect("a running program has a path");
    // target/release/deps/end_to_end-…: cargo puts programs one folder above the tests.
    let folder = test
        .ancestors()
        .nth(2)
        .expect("cargo puts tests into a folder of their own");
    let path = folder.join(format!("corebook{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "there is no {}: build it with `cargo build --release` and run the tests with `cargo test --release`",
        path.display()
    );
    path
}

/// The program, in the environment in which a user would start it.
pub fn command() -> Command {
    command_through(&[])
}

/// The program, started by another one that changes its surroundings, for example `unshare --net`.
pub fn command_through(starter: &[&str]) -> Command {
    match starter {
        [] => command_of(&path()),
        [starter, arguments @ ..] => {
            let mut command = command_of(Path::new(starter));
            command.args(arguments).arg(path());
            command
        }
    }
}

/// Another program, in the same environment.
pub fn command_of(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let is_of_a_package = name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_"));
        if is_of_a_package {
            command.env_remove(&name);
        }
    }
    for name in SET_BY_CARGO.into_iter().chain(SET_BY_THE_CALLER) {
        command.env_remove(name);
    }
    // Without a question no test shares the processor with rust-analyzer.
    command.env("COREBOOK_ANALYSIS", "lazy");
    command
}

/// Builds what cells link to, unless it is there. A kernel that has to build it prints a notice in its first cell.
pub fn prebuild() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let prefix = tempfile::tempdir().expect("a temporary folder");
        let mut install = command();
        install.args(["install", "--prefix"]).arg(prefix.path());
        let output = install.output().expect("the program starts");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    });
}
