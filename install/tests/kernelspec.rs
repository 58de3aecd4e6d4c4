//! Writes real kernelspecs into temporary prefixes.

#![allow(clippy::unwrap_used, reason = "a test's failure is the message")]

use std::fs;
use std::path::{Path, PathBuf};

use corebook_build::CrateRequest;
use corebook_install::kernelspec::{self, KernelspecError, Location, Options};
use serde_json::Value;

const BINARY: &str = "/opt/core book/é/corebook";

fn prefix() -> (tempfile::TempDir, Location) {
    let folder = tempfile::Builder::new()
        .prefix("preﬁx é ")
        .tempdir()
        .unwrap();
    let location = Location::Prefix(folder.path().to_owned());
    (folder, location)
}

fn install(location: &Location, options: &Options) -> Result<PathBuf, KernelspecError> {
    kernelspec::install(Path::new(BINARY), location, options)
}

fn kernel_json(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("kernel.json")).unwrap()).unwrap()
}

fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn jupyter_finds_what_it_needs() {
    let (folder, location) = prefix();
    let dir = install(&location, &Options::default()).unwrap();
    assert_eq!(dir, folder.path().join("share/jupyter/kernels/corebook"));
    assert_eq!(
        names_in(&dir),
        [
            "kernel.json",
            "logo-32x32.png",
            "logo-64x64.png",
            "logo-svg.svg"
        ]
    );
    let spec = kernel_json(&dir);
    assert_eq!(
        spec["argv"],
        serde_json::json!([BINARY, "kernel", "{connection_file}"])
    );
    assert_eq!(spec["display_name"], "Rust (corebook)");
    assert_eq!(spec["language"], "rust");
    assert_eq!(spec["interrupt_mode"], "message");
    assert_eq!(spec["env"], serde_json::json!({}));
}

#[test]
fn options_reach_the_kernels_environment() {
    let (_folder, location) = prefix();
    let options = Options {
        name: "Rust-Class".to_owned(),
        display_name: "Rust, parallel".to_owned(),
        workers: Some(2),
        with: CrateRequest::parse_list("rand").unwrap(),
        env: vec!["RUST_BACKTRACE=1".parse().unwrap()],
        ..Options::default()
    };
    let dir = install(&location, &options).unwrap();
    assert!(
        dir.ends_with("rust-class"),
        "Jupyter's names are lower case: {}",
        dir.display()
    );
    let spec = kernel_json(&dir);
    assert_eq!(spec["display_name"], "Rust, parallel");
    let env = serde_json::json!({ "COREBOOK_WITH": "rand", "COREBOOK_WORKERS": "2", "RUST_BACKTRACE": "1" });
    assert_eq!(spec["env"], env);
}

#[test]
fn installing_again_replaces_and_leaves_nothing_behind() {
    let (folder, location) = prefix();
    let dir = install(&location, &Options::default()).unwrap();
    fs::write(dir.join("left-over"), "").unwrap();
    let renamed = Options {
        display_name: "New".to_owned(),
        ..Options::default()
    };
    install(&location, &renamed).unwrap();
    assert_eq!(kernel_json(&dir)["display_name"], "New");
    assert!(!dir.join("left-over").exists());
    assert_eq!(
        names_in(&folder.path().join("share/jupyter/kernels")),
        ["corebook"]
    );
}

#[test]
fn installed_kernels_are_listed_until_they_are_uninstalled() {
    let (folder, location) = prefix();
    let kernels = folder.path().join("share/jupyter/kernels");
    install(&location, &Options::default()).unwrap();
    install(
        &location,
        &Options {
            name: "second".to_owned(),
            ..Options::default()
        },
    )
    .unwrap();
    fs::create_dir_all(kernels.join("broken")).unwrap();
    fs::write(kernels.join("broken/kernel.json"), "{").unwrap();
    let listed = kernelspec::installed_in(&kernels);
    let names: Vec<&str> = listed.iter().map(|kernel| kernel.name.as_str()).collect();
    assert_eq!(names, ["corebook", "second"]);
    assert_eq!(listed[0].binary, Path::new(BINARY));
    kernelspec::uninstall(&location, "second").unwrap();
    assert_eq!(kernelspec::installed_in(&kernels).len(), 1);
}

#[test]
fn another_programs_kernel_is_neither_replaced_nor_removed() {
    let (folder, location) = prefix();
    let dir = folder.path().join("share/jupyter/kernels/corebook");
    fs::create_dir_all(&dir).unwrap();
    let other = r#"{"argv": ["python3"], "display_name": "Python", "language": "python"}"#;
    fs::write(dir.join("kernel.json"), other).unwrap();
    assert!(matches!(
        install(&location, &Options::default()),
        Err(KernelspecError::NotOurs { .. })
    ));
    assert!(matches!(
        kernelspec::uninstall(&location, "corebook"),
        Err(KernelspecError::NotOurs { .. })
    ));
    assert_eq!(fs::read_to_string(dir.join("kernel.json")).unwrap(), other);
}

#[test]
fn uninstalling_a_missing_kernel_names_the_folder() {
    let (folder, location) = prefix();
    let error = kernelspec::uninstall(&location, "corebook")
        .unwrap_err()
        .to_string();
    assert!(error.contains("no kernel `corebook`"), "{error}");
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
}

#[test]
fn a_bad_option_changes_nothing() {
    let (folder, location) = prefix();
    for name in ["", "..", "a/b", "my kernel"] {
        let options = Options {
            name: name.to_owned(),
            ..Options::default()
        };
        assert!(
            matches!(
                install(&location, &options),
                Err(KernelspecError::BadName { .. })
            ),
            "{name}"
        );
    }
    let none = Options {
        workers: Some(0),
        ..Options::default()
    };
    assert!(matches!(
        install(&location, &none),
        Err(KernelspecError::NoWorkers { .. })
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_check_writes_nothing_and_finds_what_installing_would() {
    let (folder, location) = prefix();
    let check = |options: &Options| kernelspec::check(Path::new(BINARY), &location, options);
    check(&Options::default()).unwrap();
    let unnamed = Options {
        display_name: " ".to_owned(),
        ..Options::default()
    };
    assert!(matches!(
        check(&unnamed),
        Err(KernelspecError::NoDisplayName)
    ));
    assert_eq!(names_in(folder.path()), Vec::<String>::new());
    let dir = folder.path().join("share/jupyter/kernels/corebook");
    fs::create_dir_all(&dir).unwrap();
    check(&Options::default()).unwrap();
    fs::write(dir.join("notes.txt"), "mine").unwrap();
    assert!(matches!(
        check(&Options::default()),
        Err(KernelspecError::NotOurs { .. })
    ));
}

#[cfg(unix)]
#[test]
fn a_prefix_that_cannot_hold_folders_is_named_and_left_alone() {
    // Not a folder without write permission, because the tests may run as root, who can write anywhere.
    let (folder, _) = prefix();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = install(&Location::Prefix(file.clone()), &Options::default()).unwrap_err();
    assert!(
        error.to_string().contains(file.to_str().unwrap()),
        "{error}"
    );
    assert_eq!(names_in(folder.path()), ["file"]);
}

#[test]
fn the_export_template_stays_as_long_as_a_kernel_does() {
    let (folder, location) = prefix();
    let template = folder
        .path()
        .join("share/jupyter/nbconvert/templates/corebook");
    let second = Options {
        name: "second".to_owned(),
        ..Options::default()
    };
    for options in [&Options::default(), &second, &second] {
        install(&location, options).unwrap();
        assert_eq!(names_in(&template), ["conf.json", "script.j2"]);
        assert_eq!(names_in(template.parent().unwrap()), ["corebook"]);
    }
    kernelspec::uninstall(&location, "second").unwrap();
    assert!(template.exists());
    kernelspec::uninstall(&location, "corebook").unwrap();
    assert!(!template.exists());
}
