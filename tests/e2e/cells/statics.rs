//! Statics: each has one value in the notebook, in all cells.

use corebook_tests::notebook::Notebook;

#[test]
fn a_counter_counts_from_cell_to_cell() {
    let notebook = Notebook::start();
    notebook.run_quietly(
        "use std::sync::atomic::{AtomicU64, Ordering::SeqCst};\nstatic HITS: AtomicU64 = AtomicU64::new(0);",
    );
    assert_eq!(notebook.run("HITS.fetch_add(1, SeqCst)").result(), "0");
    assert_eq!(notebook.run("HITS.fetch_add(1, SeqCst)").result(), "1");
    notebook
        .run("%pool 2\npool.for_each(|_| { HITS.fetch_add(1, SeqCst); }, 0..100);")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly("fn hit() { HITS.fetch_add(1, SeqCst); }");
    notebook.run_quietly("hit(); let address = &raw const HITS as usize;");
    assert_eq!(
        notebook
            .run("(HITS.load(SeqCst), address == &raw const HITS as usize)")
            .result(),
        "(103, true)"
    );
    // A definition that runs again starts anew, as any definition does.
    notebook.run_quietly("static HITS: AtomicU64 = AtomicU64::new(7);");
    assert_eq!(notebook.run("hit(); HITS.load(SeqCst)").result(), "8");
}

#[test]
fn every_kind_of_static_keeps_its_value() {
    let notebook = Notebook::start();
    notebook.run_quietly(
        "use std::cell::Cell;\nuse std::collections::HashMap;\nuse std::sync::{LazyLock, Mutex, OnceLock};\n\
         static mut PLAIN: u32 = 1;\n\
         static ONCE: OnceLock<String> = OnceLock::new();\n\
         static LAZY: LazyLock<Mutex<HashMap<&str, u32>>> = LazyLock::new(|| { println!(\"made\"); Mutex::default() });\n\
         thread_local! { static LOCAL: Cell<u32> = const { Cell::new(1) }; static OTHER: Cell<u32> = Cell::new(10) }\n\
         static NAMES: &[&str] = &[\"a\", \"b\"];\n\
         static STATE: Mutex<Vec<u32>> = Mutex::new(Vec::new());",
    );
    notebook.run_quietly("unsafe { PLAIN += 1 };\nONCE.set(\"set\".to_owned()).unwrap();");
    notebook
        .run("LAZY.lock().unwrap().insert(\"k\", 5);\nSTATE.lock().unwrap().push(3);")
        .shows(&["stdout: made\n"]);
    notebook.run_quietly("LOCAL.set(LOCAL.get() + 1);\nOTHER.set(OTHER.get() + 1);");
    assert_eq!(
        notebook
            .run("(unsafe { PLAIN }, ONCE.get(), LAZY.lock().unwrap()[\"k\"], LOCAL.get(), OTHER.get(), NAMES.len(), STATE.lock().unwrap().len())")
            .result(),
        "(2, Some(\"set\"), 5, 2, 11, 2, 1)"
    );
}

#[test]
fn statics_in_functions_modules_and_methods_keep_their_values() {
    let notebook = Notebook::start();
    notebook.run_quietly(
        "use std::sync::atomic::{AtomicU32, Ordering::SeqCst};\n\
         fn count() -> u32 { static N: AtomicU32 = AtomicU32::new(1); N.fetch_add(1, SeqCst) }\n\
         mod inner { pub static M: super::AtomicU32 = super::AtomicU32::new(1); pub fn count() -> u32 { M.fetch_add(1, super::SeqCst) } }\n\
         struct S;\nimpl S { fn count(&self) -> u32 { static K: AtomicU32 = AtomicU32::new(1); K.fetch_add(1, SeqCst) } }",
    );
    for expected in ["(1, 1, 1)", "(2, 2, 2)", "(3, 3, 3)"] {
        assert_eq!(
            notebook
                .run("(count(), inner::count(), S.count())")
                .result(),
            expected
        );
    }
    assert_eq!(notebook.run("inner::M.load(SeqCst)").result(), "4");
}

#[test]
fn statics_outlive_a_panic_and_a_death_but_no_restart() {
    let notebook = Notebook::start();
    notebook.run_quietly(
        "static STATE: std::sync::Mutex<u32> = std::sync::Mutex::new(1);\nlet kept = 1;",
    );
    let log = notebook
        .run("*STATE.lock().unwrap() += 1; panic!(\"over\")")
        .log();
    assert_eq!(log, ["Panic: over"]);
    notebook.run_quietly("STATE.clear_poison();");
    assert_eq!(notebook.run("*STATE.lock().unwrap()").result(), "2");
    // The checkpoint has the value from before the cell.
    let log = notebook
        .run("*STATE.lock().unwrap() = 9; std::process::abort()")
        .log();
    assert!(
        log[0].contains("variables are as before the cell"),
        "{log:?}"
    );
    assert_eq!(notebook.run("*STATE.lock().unwrap()").result(), "2");
    let restarted = notebook.run(":restart");
    assert_eq!(restarted.reply.text("status"), "ok");
    assert_eq!(notebook.run("*STATE.lock().unwrap()").result(), "1");
    assert_eq!(
        notebook
            .run("*STATE.lock().unwrap() += 1; *STATE.lock().unwrap()")
            .result(),
        "2"
    );
    assert_eq!(notebook.run("*STATE.lock().unwrap()").result(), "2");
}

#[test]
fn a_static_of_a_changed_type_starts_anew_with_a_word() {
    let notebook = Notebook::start();
    notebook.run_quietly("struct P { x: u8 }\nstatic STATE: std::sync::Mutex<P> = std::sync::Mutex::new(P { x: 1 });");
    notebook.run_quietly("STATE.lock().unwrap().x = 5;");
    notebook.run("struct P { y: u64, x: u8 }").shows(&[
        "stderr: STATE starts anew, because the cell has defined a type in it in another way\n",
    ]);
    let log = notebook.run("STATE.lock().unwrap().x").log();
    assert!(
        log[0].starts_with("CompileError: E0063"),
        "its definition lacks a field: {log:?}"
    );
    assert_eq!(notebook.run("1 + 1").result(), "2");
}
