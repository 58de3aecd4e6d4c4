//! The messages of the compiler for a closure that threads can't share.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

/// Compiles a function with this body, which has a `pool`, and returns the errors.
fn errors_of(body: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let runtime = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"refused\"\nedition = \"2024\"\n[workspace]\n[dependencies]\ncorebook = {{ path = {runtime:?} }}\n"
    );
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    // The same versions of all crates, which are available offline.
    std::fs::copy(
        Path::new(runtime).join("../../Cargo.lock"),
        folder.path().join("Cargo.lock"),
    )
    .unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    let code = format!("use corebook::prelude::*;\npub fn refused(pool: Pool) {{\n{body}\n}}\n");
    std::fs::write(folder.path().join("src/lib.rs"), code).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("messages");
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["check", "--offline", "--quiet"])
        .current_dir(folder.path())
        .env("CARGO_TARGET_DIR", target);
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{body} compiles");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_capture_that_cannot_be_shared_is_named_with_advice() {
    let captures = [
        (
            "let one = std::rc::Rc::new(1);\npool.map(|x| x + *one, 0..4);",
            "`Rc<i32>` cannot be shared",
        ),
        (
            "let sum = std::cell::RefCell::new(0);\npool.for_each(|x| *sum.borrow_mut() += x, 0..4);",
            "`RefCell<i32>` cannot be shared",
        ),
        (
            "let sum = std::cell::Cell::new(0);\npool.for_each(|x| sum.set(sum.get() + x), 0..4);",
            "`Cell<i32>` cannot be shared",
        ),
    ];
    for (body, named) in captures {
        let errors = errors_of(body);
        assert!(errors.contains(named), "{errors}");
        assert!(
            errors.contains("Shared<ThroughArcMutexOrAtomic>"),
            "{errors}"
        );
    }
}

#[test]
fn a_function_must_take_the_fields_of_the_tuple() {
    let errors = errors_of("pool.starmap(|a, b, c| a + b + c, [(1, 2)]);");
    assert!(
        errors.contains("expected closure that takes 2 arguments"),
        "{errors}"
    );
}
