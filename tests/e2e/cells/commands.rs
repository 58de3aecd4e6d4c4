//! Commands of evcxr that the kernel answers, and what stays after each.

use corebook_tests::notebook::Notebook;

/// The text that a command shows.
fn shown(notebook: &Notebook, command: &str) -> String {
    let ran = notebook.run(command);
    assert_eq!(ran.reply.text("status"), "ok", "{command}");
    ran.outputs
        .iter()
        .filter_map(|output| output.content["data"]["text/plain"].as_str())
        .collect()
}

#[test]
fn variables_and_their_types_are_listed() {
    let notebook = Notebook::start();
    notebook.run_quietly(
        "mod m { mod hidden { #[derive(Debug)] pub struct P<T>(pub T); } pub use hidden::P; }\n\
         let r#type = m::P(vec![1]);\nlet closure: Box<dyn Fn(i32) -> i32> = Box::new(|x| x);",
    );
    let types = "closure: std::boxed::Box<dyn std::ops::Fn(i32) -> i32>\nr#type: m::P<std::vec::Vec<i32>>\n";
    assert_eq!(shown(&notebook, ":vars"), types);
    let listed = "type: m::P<std::vec::Vec<i32>>\n";
    assert_eq!(shown(&notebook, ":type type"), listed);
    assert_eq!(shown(&notebook, ":t r#type"), format!("r#{listed}"));
    let ran = notebook.run(":type missing");
    assert_eq!(
        ran.log(),
        ["CompileError: no variable is named `missing`: `:vars` lists all"]
    );
    assert_eq!(
        notebook.run(":type").log(),
        ["CompileError: name a variable: `:type x`"]
    );
}

#[test]
fn clear_forgets_the_notebook_but_not_the_runtime() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }\nlet x = 1;");
    notebook.run_quietly(":clear");
    assert_eq!(shown(&notebook, ":vars"), "");
    for (code, missing) in [
        ("x", "E0425: cannot find value `x`"),
        ("double(1)", "E0425: cannot find function `double`"),
    ] {
        let log = notebook.run(code).log();
        assert!(log[0].contains(missing), "{log:?}");
    }
    notebook
        .run("%pool 2\npool.map(|i| i * 2, 0..3)")
        .shows(&["stdout: pool: 2 workers\n", "result: [0, 2, 4]"]);
    let timings = notebook.run("let y = 2;").reply.metadata["timings"].clone();
    assert_eq!(timings["rustc_runs"], 1);
}

#[test]
fn restart_forgets_variables_and_keeps_definitions() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }\nlet x = 1;");
    assert_eq!(shown(&notebook, ":restart"), "Child process restarted\n");
    assert_eq!(shown(&notebook, ":vars"), "");
    assert_eq!(notebook.run("let x = double(4); x").result(), "8");
}

#[test]
fn errors_of_question_marks_have_a_format() {
    let notebook = Notebook::start();
    let failed = |expected: &str| {
        let log = notebook.run("let n: i32 = \"x\".parse()?;").log();
        assert_eq!(log, [format!("Error: {expected}")]);
    };
    failed("invalid digit found in string");
    let text = "Error format: {:?} (errors must implement std::fmt::Debug)\n";
    assert_eq!(shown(&notebook, ":efmt {:?}"), text);
    failed("ParseIntError { kind: InvalidDigit }");
    let text = "Error format: {:#?} (errors must implement std::fmt::Debug)\n";
    assert_eq!(shown(&notebook, ":efmt {:#?}"), text);
    failed("ParseIntError {\n    kind: InvalidDigit,\n}");
    let text = "Error format: {} (errors must implement std::fmt::Display)\n";
    assert_eq!(shown(&notebook, ":efmt {}"), text);
    let log = notebook.run(":efmt {:x}").log();
    assert_eq!(
        log,
        ["CompileError: `{:x}` is no format for errors: use {}, {:?} or {:#?}"]
    );
}

#[test]
fn the_last_error_is_explained() {
    let notebook = Notebook::start();
    let log = notebook.run(":explain").log();
    assert_eq!(log, ["CompileError: no cell has failed to compile yet"]);
    let log = notebook.run("let x: i32 = \"a\";").log();
    assert!(log[0].starts_with("CompileError: E0308"), "{log:?}");
    let text = shown(&notebook, ":explain");
    assert!(
        text.contains("Expected type did not match the received type"),
        "{text}"
    );
}

#[test]
fn a_panic_may_end_the_worker_if_the_user_wants() {
    let notebook = Notebook::start();
    notebook.run_quietly("let x = 1;");
    assert_eq!(
        shown(&notebook, ":preserve_vars_on_panic 0"),
        "Preserve vars on panic: false\n"
    );
    let log = notebook.run("if x == 1 { panic!(\"over\") }").log();
    assert!(
        log.iter().any(|line| line.starts_with("WorkerDied: ")),
        "{log:?}"
    );
    assert_eq!(
        shown(&notebook, ":preserve_vars_on_panic 1"),
        "Preserve vars on panic: true\n"
    );
    let log = notebook.run("panic!(\"over\")").log();
    assert_eq!(log, ["Panic: over"]);
}
