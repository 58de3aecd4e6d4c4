//! A notebook's folder. Opening the notebook must not run or read anything in it. When the notebook is run, the folder
//! may choose among the user's own toolchains, and nothing else.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use corebook_tests::binary;
use corebook_tests::connection::Connection;
use corebook_tests::notebook::Notebook;
use corebook_tests::rustup::{DEFAULT, Rustup};
use corebook_tests::toolchain::{IncompleteToolchain, OTHER_VARIABLE};
use corebook_tests::traps::Traps;
use serde_json::json;

/// A kernel for a notebook in `folder`, with the template that all tests share.
fn start_in(folder: &Path, prepare: impl FnOnce(&mut Command)) -> Notebook {
    binary::prebuild();
    let mut command = binary::command();
    command.current_dir(folder);
    prepare(&mut command);
    Notebook::spawn(Connection::tcp(), command)
}

/// A folder with this toolchain file.
fn folder_with(file: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("rust-toolchain.toml"), file).expect("the folder is ours");
    folder
}

#[test]
fn opening_a_notebook_runs_and_reads_nothing_of_its_folder() {
    let traps = Traps::set();
    let rustup = Rustup::find();
    let notebook = start_in(&traps.folder(), |command| {
        traps.surround(command);
        if let Some(rustup) = &rustup {
            rustup.apply(command);
        }
    });
    notebook.ask("kernel_info_request", json!({}));
    // Waits until evcxr and rust-analyzer have started.
    notebook.await_analysis();
    notebook.ask(
        "inspect_request",
        json!({ "code": "String", "cursor_pos": 6, "detail_level": 0 }),
    );
    notebook.ask("is_complete_request", json!({ "code": "1 + 1" }));
    notebook.ask(
        "history_request",
        json!({ "hist_access_type": "tail", "n": 5, "output": false, "raw": true }),
    );
    assert_eq!(traps.run(), "");
    assert_eq!(Vec::from_iter(traps.read()), Vec::<String>::new());

    let folder = fs::canonicalize(traps.folder()).expect("it is there");
    let notice = format!(
        "stderr: {0}/rust-toolchain asks for the toolchain in `{0}/toolchain`, and a folder may not choose programs: \
         cells are compiled by your own toolchain; COREBOOK_TOOLCHAIN names another\n",
        folder.display()
    );
    let expected = [notice.as_str(), "result: 2"];
    notebook
        .run("1 + 1")
        .shows(&expected[usize::from(rustup.is_none())..]);
    assert_eq!(
        notebook.run("std::env::current_dir().unwrap()").result(),
        format!("{:?}", folder)
    );
    assert_eq!(traps.run(), "");
    let toolchain_file = ["rust-toolchain".to_owned()];
    assert_eq!(
        Vec::from_iter(traps.read()),
        toolchain_file[usize::from(rustup.is_none())..]
    );
}

#[test]
fn commands_started_beside_a_notebook_run_nothing_of_its_folder() {
    binary::prebuild();
    let traps = Traps::set();
    let notebook = traps.folder().join("notebook.ipynb");
    let cells = json!({
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [{
            "id": "one", "cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null,
            "source": "println!(\"ran {}\", 6 * 7);"
        }],
    });
    fs::write(&notebook, cells.to_string()).expect("the folder is ours");
    let prefix = tempfile::tempdir().expect("a temporary folder");
    let prefix = prefix.path().to_str().expect("its path is text");
    let rustup = Rustup::find();
    let call = |arguments: &[&str]| -> Output {
        let mut command = binary::command();
        traps.surround(&mut command);
        if let Some(rustup) = &rustup {
            rustup.apply(&mut command);
        }
        command
            .args(arguments)
            .output()
            .expect("the program starts")
    };
    traps.read();

    for arguments in [
        &["doctor"][..],
        &["cpus", "-v"],
        &["install", "--prefix", prefix],
        &["install", "--sys-prefix", "--name", "a b"],
        &["uninstall", "--prefix", prefix],
    ] {
        call(arguments);
        assert_eq!(traps.run(), "", "{arguments:?}");
        assert_eq!(
            Vec::from_iter(traps.read()),
            Vec::<String>::new(),
            "{arguments:?}"
        );
    }
    let ran = call(&["run", "notebook.ipynb"]);
    let text = String::from_utf8_lossy(&ran.stdout);
    assert!(
        text.contains("ran 42"),
        "{text}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(traps.run(), "");
}

#[test]
fn a_toolchain_that_is_not_installed_is_an_error() {
    let Some(rustup) = Rustup::find_or_skip("a_toolchain_that_is_not_installed_is_an_error") else {
        return;
    };
    let folder = folder_with(
        "[toolchain]\nchannel = \"class-2026\"\ncomponents = [\"rust-src\"]\ntargets = [\"x\"]\n",
    );
    let notebook = start_in(folder.path(), |command| rustup.apply(command));
    let ran = notebook.run("1 + 1");
    let file = fs::canonicalize(folder.path())
        .expect("it is there")
        .join("rust-toolchain.toml");
    let [error] = ran.log().try_into().expect("nothing but an error");
    assert!(
        error.starts_with(&format!(
            "StartError: {} asks for the Rust toolchain class-2026, which cannot be used (toolchain 'class-2026",
            file.display()
        )) && error.ends_with("run `rustup toolchain install class-2026`"),
        "{error}"
    );
    // Requests that need no compiler are still answered.
    assert_eq!(notebook.run("%time?").reply.text("status"), "ok");
    fs::write(&file, "[toolchain]\nchannel = \"../tools\"\n").expect("the folder is ours");
    assert_eq!(
        notebook.run("1 + 1").log(),
        [format!(
            "StartError: {} is not a toolchain file (`../tools` is not a channel): fix or remove it",
            file.display()
        )]
    );
    // The same compiler under another name.
    rustup.add("class-2026", &corebook_tests::toolchain::sysroot());
    fs::write(&file, "class-2026\n").expect("the folder is ours");
    assert_eq!(notebook.run("1 + 1").result(), "2");
    // The file was obeyed at the first cell. The compiler of a running notebook does not change.
    fs::write(&file, "class-2027\n").expect("the folder is ours");
    assert_eq!(notebook.run("1 + 2").result(), "3");
}

#[test]
fn the_users_choice_of_a_toolchain_wins_over_a_file() {
    let Some(rustup) = Rustup::find_or_skip("the_users_choice_of_a_toolchain_wins_over_a_file")
    else {
        return;
    };
    let folder = folder_with("[toolchain]\nchannel = \"class-2026\"\n");
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).expect("the folder is ours");
    let by_variable = |name: &'static str| {
        start_in(&inner, |command| {
            rustup.apply(command);
            command.env(name, DEFAULT);
        })
    };
    for name in ["COREBOOK_TOOLCHAIN", "RUSTUP_TOOLCHAIN"] {
        assert_eq!(by_variable(name).run("1 + 1").result(), "2", "{name}");
    }
    // An override for a folder wins over the files in it and above it.
    let folder = fs::canonicalize(folder.path()).expect("it is there");
    rustup.set_override(Some((&folder, DEFAULT)));
    let notebook = start_in(&inner, |command| rustup.apply(command));
    assert_eq!(notebook.run("1 + 1").result(), "2");
}

// The folder's file changes between the start and the first cell.
#[test]
fn the_first_cell_uses_the_compiler_that_the_folder_names() {
    let Some(rustup) =
        Rustup::find_or_skip("the_first_cell_uses_the_compiler_that_the_folder_names")
    else {
        return;
    };
    let other = IncompleteToolchain::new()
        .with_source()
        .with_another_version();
    rustup.add("other", other.root());
    // The cache is in that folder, as in a home folder: a toolchain file above the session must count no more than one
    // beside the notebook.
    let traps = Traps::set();
    let folder = folder_with(&format!(
        "[toolchain]\npath = \"{}\"\n",
        traps.folder().join("toolchain").display()
    ));
    let notebook = start_in(folder.path(), |command| {
        rustup.apply(command);
        command.env("COREBOOK_CACHE_DIR", folder.path().join("cache"));
    });
    notebook.await_analysis();
    assert_eq!(traps.run(), "");
    let file = folder.path().join("rust-toolchain.toml");
    fs::write(file, "[toolchain]\nchannel = \"other\"\n").expect("the folder is ours");
    let code = format!("option_env!(\"{OTHER_VARIABLE}\")");
    let log = notebook.run(&code).log();
    assert_eq!(
        log.last().map(String::as_str),
        Some("result: Some(\"yes\")"),
        "{log:?}"
    );
    assert!(
        log.concat().contains("building the runtime for rustc "),
        "{log:?}"
    );
    notebook.run_quietly("let kept = vec![1, 2];");
    assert_eq!(notebook.run("kept.len()").result(), "2");
}

// Those that make no sense here are left out, and the first cell says so.
#[test]
fn settings_for_evcxr_are_the_users_and_partly_used() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = folder.path().join("evcxr.toml");
    let library = folder.path().join("greeting");
    fs::create_dir_all(library.join("src")).expect("the folder is ours");
    fs::write(
        library.join("Cargo.toml"),
        "[package]\nname = \"greeting\"\nversion = \"1.0.0\"\nedition = \"2024\"\n",
    )
    .expect("the folder is ours");
    fs::write(
        library.join("src/lib.rs"),
        "pub const WORDS: &str = \"good day\";",
    )
    .expect("the folder is ours");
    let write = |text: &str| fs::write(&settings, text).expect("the folder is ours");
    let own = folder.path().to_str().expect("its path is text").to_owned();
    let notebook = start_in(&std::env::temp_dir(), |command| {
        command.env("EVCXR_CONFIG_DIR", &own);
    });

    write("[evcxr\n");
    let log = notebook.run("1 + 1").log();
    assert!(
        log.len() == 1
            && log[0].starts_with(&format!("StartError: {} is broken (", settings.display())),
        "{log:?}"
    );
    write(&format!(
        "[evcxr]\nopt_level = \"0\"\nprelude = \"fn greet() -> &'static str {{ greeting::WORDS }}\"\n\
         [dependencies]\ngreeting = {{ path = \"{}\" }}\n",
        library.display()
    ));
    notebook.run("greet()").shows(&[
        &format!(
            "stderr: {}: `opt_level` is ignored: cells are compiled as a release build is; `:opt` in a cell changes it\n",
            settings.display()
        ),
        "result: \"good day\"",
    ]);
    let refused = notebook.run(":load_config");
    assert_eq!(refused.reply.text("ename"), "CompileError");
    assert!(
        refused.reply.text("evalue").contains(&own),
        "{}",
        refused.reply.text("evalue")
    );
}
