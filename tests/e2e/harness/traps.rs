//! A notebook's folder, filled by somebody else: it has every file that a tool might run or obey. Records which of them
//! were run and which were read.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tempfile::TempDir;

/// Programs that a kernel, cargo, rustc or Jupyter look for by name.
const PROGRAMS: [&str; 17] = [
    "as", "c++", "cargo", "cc", "clang", "env", "gcc", "git", "jupyter", "ld", "lld", "mold",
    "python3", "rustc", "rustup", "sccache", "sh",
];

/// The folder of the notebook, and one above it with the same traps.
pub struct Traps {
    outer: TempDir,
    /// One line for each trap that was run.
    log: PathBuf,
    watch: Inotify,
}

impl Traps {
    /// Sets all traps, and starts to watch what is read.
    pub fn set() -> Self {
        let outer = tempfile::tempdir().expect("a temporary folder");
        let log = outer.path().join("log");
        fs::write(&log, "").expect("the folder is ours");
        let watch = Inotify::init(InitFlags::IN_NONBLOCK).expect("Linux has inotify");
        let traps = Self { outer, log, watch };
        fs::create_dir_all(traps.folder()).expect("the folder is ours");
        let folders = [traps.folder(), traps.folder_above()];
        for folder in &folders {
            traps.fill(folder);
        }
        for folder in folders {
            let inner = [".cargo", "toolchain/bin", "src", "tmp"].map(|name| folder.join(name));
            for watched in inner.iter().chain([&folder]) {
                let of_reading = AddWatchFlags::IN_OPEN | AddWatchFlags::IN_ACCESS;
                traps
                    .watch
                    .add_watch(watched, of_reading)
                    .expect("it can be watched");
            }
        }
        traps
    }

    /// The notebook's folder.
    pub fn folder(&self) -> PathBuf {
        self.folder_above().join("notebooks")
    }

    pub fn folder_above(&self) -> PathBuf {
        self.outer.path().join("project")
    }

    /// Makes a program start in the notebook's folder, which is on its `PATH` in every way that a list of folders allows.
    pub fn surround(&self, command: &mut Command) {
        let path = std::env::var("PATH").expect("tests have a PATH");
        command
            .current_dir(self.folder())
            .env("PATH", format!(".::..:./toolchain/bin:{path}:"))
            .env("LD_LIBRARY_PATH", ".:toolchain/lib:");
    }

    /// The traps that were run until now.
    pub fn run(&self) -> String {
        fs::read_to_string(&self.log).expect("it was written")
    }

    /// The names in the watched folders that were opened or read since the last call.
    pub fn read(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        while let Ok(events) = self.watch.read_events() {
            names.extend(events.into_iter().map(|event| {
                event.name.map_or_else(
                    || "the folder itself".to_owned(),
                    |name| name.to_string_lossy().into_owned(),
                )
            }));
        }
        names
    }

    fn fill(&self, folder: &Path) {
        let write = |name: &str, text: &str| {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().expect("it is in the folder"))
                .expect("the folder is ours");
            fs::write(file, text).expect("the folder is ours");
        };
        let program = folder.join("program");
        let script = format!(
            "#!/bin/sh\necho \"$0 $*\" >> '{}'\nexit 1\n",
            self.log.display()
        );
        for name in ["program", "toolchain/bin/cargo", "toolchain/bin/rustc"] {
            write(name, &script);
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755))
                .expect("the file is ours");
        }
        // Some are files, some are links to a file.
        for (index, name) in PROGRAMS.into_iter().enumerate() {
            let made = match index % 2 {
                0 => symlink(&program, folder.join(name)),
                _ => fs::copy(&program, folder.join(name)).map(|_| ()),
            };
            made.expect("the folder is ours");
        }
        let path = program.display();
        let toolchain = format!(
            "[toolchain]\npath = \"{}\"\n",
            folder.join("toolchain").display()
        );
        write("rust-toolchain", &toolchain);
        write("rust-toolchain.toml", &toolchain);
        write(
            "evcxr.toml",
            &format!(
                "[evcxr]\nsccache = \"{path}\"\ntmpdir = \"tmp\"\nopt_level = \"0\"\nprelude = \"std::process::exit(1)\"\n\
                 [dependencies]\ntrap = {{ path = \".\" }}\n"
            ),
        );
        write("tmp/keep", "");
        write("init.evcxr", ":dep trap = { path = \".\" }\n");
        write("prelude.rs", "std::process::exit(1)");
        let cargo = format!(
            "[build]\nrustc = \"{path}\"\nrustc-wrapper = \"{path}\"\nrustflags = [\"-Clinker={path}\"]\n\
             [target.'cfg(all())']\nlinker = \"{path}\"\nrunner = \"{path}\"\n[env]\nRUSTC = {{ value = \"{path}\", force = true }}\n"
        );
        write(".cargo/config.toml", &cargo);
        write(".cargo/config", &cargo);
        write(
            "Cargo.toml",
            "[package]\nname = \"trap\"\nversion = \"1.0.0\"\nbuild = \"build.rs\"\n[workspace]\n",
        );
        write(
            "build.rs",
            &format!(
                "fn main() {{ std::fs::write(\"{}\", \"build.rs\").unwrap(); }}",
                self.log.display()
            ),
        );
        write("src/lib.rs", "");
        write(".env", &format!("RUSTC={path}\nCARGO={path}\n"));
        write(".python-version", "trap\n");
        write(
            "sitecustomize.py",
            &format!("open('{}', 'a').write('sitecustomize')", self.log.display()),
        );
        write(
            "jupyter_config.py",
            &format!("open('{}', 'a').write('jupyter')", self.log.display()),
        );
        // The program cannot prevent that the system loads its own libraries before its first line.
        for library in ["libcorebook.so", "libdl.so.2", "libz.so.1"] {
            write(library, "no library");
        }
    }
}
