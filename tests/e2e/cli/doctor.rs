//! `corebook doctor` prints a line for each thing that is missing, and what to do.

use std::fs;
use std::process::Output;

use corebook_tests::binary;
use corebook_tests::toolchain::IncompleteToolchain;
use serde_json::Value;
use tempfile::TempDir;

/// A user with a toolchain, and with only those parts of corebook that a test adds.
struct Patient {
    home: TempDir,
    toolchain: IncompleteToolchain,
    path: String,
}

impl Patient {
    fn new(toolchain: IncompleteToolchain) -> Self {
        Self {
            home: tempfile::Builder::new()
                .prefix("é ")
                .tempdir()
                .expect("a temporary folder"),
            path: toolchain.path(),
            toolchain,
        }
    }

    fn cache(&self) -> std::path::PathBuf {
        self.home.path().join("cache")
    }

    fn examine(&self, arguments: &[&str]) -> Output {
        let home = self.home.path();
        let mut command = binary::command();
        command
            .arg("doctor")
            .args(arguments)
            .env("PATH", &self.path)
            .env("HOME", home)
            .env("CARGO_HOME", home.join("cargo"))
            .env("JUPYTER_DATA_DIR", home.join("jupyter"))
            .env("VIRTUAL_ENV", home)
            .env("EVCXR_CONFIG_DIR", home.join("settings"))
            .env("COREBOOK_CACHE_DIR", self.cache());
        for name in [
            "CONDA_PREFIX",
            "JUPYTER_PATH",
            "COREBOOK_TOOLCHAIN",
            "COREBOOK_WITH",
        ] {
            command.env_remove(name);
        }
        command.output().expect("the program starts")
    }

    /// The line about one check. In these tests something is always missing, so the exit code is 1.
    fn line(&self, what: &str) -> String {
        let output = self.examine(&[]);
        let text = String::from_utf8(output.stdout).expect("it is text");
        assert_eq!(output.status.code(), Some(1), "{text}");
        let is_it = |line: &&str| line[9..].starts_with(&format!("{what}: "));
        let lines: Vec<&str> = text.lines().filter(is_it).collect();
        assert_eq!(lines.len(), 1, "{what}: {text}");
        lines[0].replace(&self.home.path().display().to_string(), "HOME")
    }

    /// Writes a kernelspec that starts `binary`.
    fn add_kernelspec(&self, binary: &str) {
        let dir = self.home.path().join("jupyter/kernels/corebook");
        fs::create_dir_all(&dir).expect("the folder is ours");
        let spec = serde_json::json!({
            "argv": [binary, "kernel", "{connection_file}"],
            "display_name": "Rust (corebook)",
            "language": "rust",
            "metadata": { "corebook": { "version": "0.0.1" } },
        });
        fs::write(dir.join("kernel.json"), spec.to_string()).expect("the folder is ours");
    }

    /// Writes the key of a template that another compiler built.
    fn add_stale_template(&self) {
        let dir = self.cache().join("templates/0123456789abcdef");
        fs::create_dir_all(&dir).expect("the folder is ours");
        let key = "corebook 0.0.1\nruntime /gone\ncargo-home /elsewhere\ncrates rand \"*\"\nrelease: 1.90.0\n";
        fs::write(dir.join("key.txt"), key).expect("the folder is ours");
    }
}

#[test]
fn a_missing_rust_src_is_named_with_its_command() {
    let patient = Patient::new(IncompleteToolchain::new());
    let root = patient.toolchain.root().display().to_string();
    assert_eq!(
        patient.line("rust-src").replace(&root, "SYSROOT"),
        "missing  rust-src: the standard library's source is not in SYSROOT, so types of variables cannot be \
         inferred: run `rustup component add rust-src`"
    );
}

#[test]
fn a_missing_linker_is_named_with_its_command() {
    let mut patient = Patient::new(IncompleteToolchain::new().with_source());
    assert!(patient.line("linker").starts_with("ok       linker: "));
    patient.path = patient.toolchain.path_without_linker();
    assert_eq!(
        patient.line("linker"),
        "missing  linker: there is no linker (linker `cc` not found): install a C compiler, for example with \
         `apt install gcc`, `dnf install gcc` or `xcode-select --install`"
    );
}

#[test]
fn a_stale_template_differs_from_a_missing_one() {
    let patient = Patient::new(IncompleteToolchain::new().with_source());
    let advice = "run `corebook install`, or wait about 15 s at the next start of a kernel";
    let line = patient.line("prebuilt session");
    assert!(
        line.starts_with("missing  prebuilt session: not built for rustc 1."),
        "{line}"
    );
    assert!(line.ends_with(advice), "{line}");
    patient.add_stale_template();
    let line = patient.line("prebuilt session");
    let (found, needed) = line
        .split_once(", but this kernel needs it for rustc ")
        .expect("both");
    assert_eq!(
        found,
        "missing  prebuilt session: stale: built for rustc 1.90.0, another version of corebook, crates in /elsewhere, \
         the crates rand"
    );
    assert!(needed.ends_with(advice), "{line}");
    let network = patient.line("network");
    assert!(
        network.starts_with("ok       network: needed once, to build the session"),
        "{network}"
    );
}

#[test]
fn kernelspecs_that_do_not_work_are_named() {
    let mut patient = Patient::new(IncompleteToolchain::new().with_source());
    patient.path = patient.toolchain.path_without_linker();
    assert_eq!(
        patient.line("kernelspec"),
        "missing  kernelspec: Jupyter does not know the kernel: run `corebook install`"
    );
    patient.add_kernelspec("/gone/corebook");
    assert_eq!(
        patient.line("kernelspec"),
        "missing  kernelspec: HOME/jupyter/kernels/corebook starts /gone/corebook, which is gone: run `corebook \
         install` again"
    );
    patient.add_kernelspec("/bin/sh");
    assert_eq!(
        patient.line("kernelspec"),
        "ok       kernelspec: HOME/jupyter/kernels/corebook starts /bin/sh, another corebook than this one"
    );
    assert_eq!(
        patient.line("Jupyter"),
        "missing  Jupyter: there is no `jupyter` on PATH: run `install/lab`, or `pip install jupyterlab`; `corebook \
         run` needs none"
    );
}

#[test]
fn settings_for_evcxr_are_named_or_called_broken() {
    let mut patient = Patient::new(IncompleteToolchain::new());
    patient.path = patient.toolchain.path_without_linker();
    let line = || patient.line("evcxr's settings");
    assert_eq!(line(), "ok       evcxr's settings: none in HOME/settings");
    let folder = patient.home.path().join("settings");
    let write =
        |text: &str| fs::write(folder.join("evcxr.toml"), text).expect("the folder is ours");
    fs::create_dir(&folder).expect("the folder is ours");
    write("[evcxr]\nsccache = \"x\"\nopt_level = \"1\"\n[dependencies]\nrand = \"0.9\"\n");
    assert_eq!(
        line(),
        "ok       evcxr's settings: the dependencies of HOME/settings/evcxr.toml; opt_level, sccache of \
         HOME/settings/evcxr.toml ignored"
    );
    write("[dependencies");
    assert!(
        line().starts_with("missing  evcxr's settings: HOME/settings/evcxr.toml is broken ("),
        "{}",
        line()
    );
}

#[test]
fn without_cargo_later_checks_say_so() {
    let mut patient = Patient::new(IncompleteToolchain::new());
    patient.path = "/nonexistent".to_owned();
    assert_eq!(
        patient.line("cargo"),
        "missing  cargo: cargo is neither on PATH nor in HOME/cargo/bin: install Rust with rustup, or add cargo's \
         folder to PATH"
    );
    for what in ["rust-src", "linker", "prebuilt session", "network"] {
        assert_eq!(
            patient.line(what),
            format!("missing  {what}: needs cargo and rustc first")
        );
    }
}

#[test]
fn the_same_findings_come_as_json() {
    let mut patient = Patient::new(IncompleteToolchain::new());
    patient.path = patient.toolchain.path_without_linker();
    let output = patient.examine(&["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let findings: Value = serde_json::from_slice(&output.stdout).expect("one JSON array");
    let checks: Vec<(&str, bool)> = findings
        .as_array()
        .expect("an array")
        .iter()
        .map(|finding| {
            assert!(
                !finding["text"].as_str().expect("a text").is_empty(),
                "{finding}"
            );
            (
                finding["check"].as_str().expect("a name"),
                finding["ok"].as_bool().expect("a truth"),
            )
        })
        .collect();
    assert_eq!(
        checks,
        [
            ("cargo", true),
            ("rustc", true),
            ("rust-src", false),
            ("linker", false),
            ("prebuilt session", false),
            ("network", true),
            ("kernelspec", false),
            ("Jupyter", false),
            ("evcxr's settings", true),
            ("disk space", true),
            ("cores", true),
        ]
    );
}
