//! A Rust toolchain that lacks something, made of links to the real one.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What shell scripts around the tools need.
const SYSTEM_TOOLS: [&str; 4] = ["grep", "cp", "mv", "sh"];

/// The variable that a compiler of [`IncompleteToolchain::with_another_version`] sets while it compiles.
pub const OTHER_VARIABLE: &str = "COREBOOK_TEST_OTHER_COMPILER";

/// A folder with `bin` and `lib`, as rustup makes one, without the standard library's source.
pub struct IncompleteToolchain {
    folder: TempDir,
}

impl IncompleteToolchain {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let real = sysroot();
        for name in ["bin", "lib/rustlib"] {
            fs::create_dir_all(root.join(name)).expect("the folder is ours");
        }
        link_all(&real.join("lib"), &root.join("lib"), "rustlib");
        link_all(&real.join("lib/rustlib"), &root.join("lib/rustlib"), "src");
        link(&real.join("bin/cargo"), &root.join("bin/cargo"));
        let script = format!(
            "#!/bin/sh\nexec '{}' --sysroot '{}' \"$@\"\n",
            real.join("bin/rustc").display(),
            root.display()
        );
        let rustc = root.join("bin/rustc");
        fs::write(&rustc, script).expect("the folder is ours");
        fs::set_permissions(&rustc, fs::Permissions::from_mode(0o755)).expect("the file is ours");
        Self { folder }
    }

    /// Makes its compiler report another version than the real one has, and set [`OTHER_VARIABLE`] for cells.
    pub fn with_another_version(self) -> Self {
        let rustc = self.root().join("bin/rustc");
        let script = fs::read_to_string(&rustc).expect("it was written");
        let (head, call) = script.split_once('\n').expect("a line before the call");
        let script = format!(
            "{head}\nexport {OTHER_VARIABLE}=yes\ncase \"$*\" in\n  -vV|-Vv) {} | sed 's/^commit-hash: ..../commit-hash: 0000/' ;;\n  *) {call} ;;\nesac\n",
            call.trim_end().trim_start_matches("exec ")
        );
        fs::write(&rustc, script).expect("the file is ours");
        self
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A `PATH` that finds this toolchain first.
    pub fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", self.root().join("bin").display())
    }

    /// A `PATH` that finds this toolchain and no C compiler.
    pub fn path_without_linker(&self) -> String {
        let tools = self.root().join("tools");
        if !tools.exists() {
            fs::create_dir(&tools).expect("the folder is ours");
            for tool in SYSTEM_TOOLS {
                link(&Path::new("/bin").join(tool), &tools.join(tool));
            }
        }
        format!("{}:{}", self.root().join("bin").display(), tools.display())
    }

    /// Adds the standard library's source.
    pub fn with_source(self) -> Self {
        let source = Path::new("lib/rustlib/src");
        link(&sysroot().join(source), &self.root().join(source));
        self
    }
}

impl Default for IncompleteToolchain {
    fn default() -> Self {
        Self::new()
    }
}

/// The folder of the toolchain that compiled these tests.
pub fn sysroot() -> PathBuf {
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .expect("these tests were compiled by it");
    let text = String::from_utf8(output.stdout).expect("its path is text");
    PathBuf::from(text.trim())
}

fn link_all(from: &Path, to: &Path, except: &str) {
    for entry in fs::read_dir(from).expect("a toolchain has this folder") {
        let entry = entry.expect("the folder can be read");
        if entry.file_name() != except {
            link(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

fn link(from: &Path, to: &Path) {
    symlink(from, to).expect("the folder is ours");
}
