//! Each kind of error: one message, the same in the reply, at its place in the cell, and the next cell works.

use corebook_tests::execution::{Ran, expect_in};
use corebook_tests::notebook::{Notebook, Start};

/// The cell failed with this error and showed nothing else. Returns the traceback in plain text.
fn failed(ran: Ran, ename: &str, evalue: &str) -> String {
    let traceback = ran.traceback();
    assert_eq!(ran.log(), [format!("{ename}: {evalue}")]);
    traceback
}

/// The text must not name generated code or its paths.
fn expect_no_generated_code(text: &str) {
    for hidden in ["src/lib.rs", "evcxr", "run_user_code", "ctx::", "/rustc/"] {
        assert!(!text.contains(hidden), "{hidden:?} in:\n{text}");
    }
}

#[test]
fn a_panic_is_one_error_at_its_own_line() {
    let notebook = Notebook::start();
    // The first cell, before any other has used the runtime.
    let traceback = failed(notebook.run("panic!(\"x\")"), "Panic", "x");
    expect_in(
        &traceback,
        &["Panic: x", "cell [1]:1:1", "1 | panic!(\"x\")"],
    );
    expect_no_generated_code(&traceback);

    notebook.run_quietly("let kept = vec![1, 2];");
    let traceback = failed(
        notebook.run("let index = 5;\nlet value = kept[index];\nvalue"),
        "Panic",
        "index out of bounds: the len is 2 but the index is 5",
    );
    expect_in(
        &traceback,
        &["cell [3]:2:17", "2 | let value = kept[index];"],
    );
    expect_no_generated_code(&traceback);
    assert_eq!(notebook.run("kept").result(), "[1, 2]");

    // In a function of an earlier cell, the error names that cell.
    notebook.run_quietly(
        "fn half(x: i32) -> i32 {\n    assert!(x % 2 == 0, \"{x} is odd\");\n    x / 2\n}",
    );
    let traceback = failed(notebook.run("half(7)"), "Panic", "7 is odd");
    expect_in(
        &traceback,
        &[
            "cell [5]:2:5",
            "2 |     assert!(x % 2 == 0, \"{x} is odd\");",
        ],
    );
    assert_eq!(notebook.run("half(8)").result(), "4");

    // Earlier output is shown, before the error.
    let ran = notebook.run("print!(\"so far\");\nOption::<i32>::None.unwrap();");
    assert_eq!(
        ran.log(),
        [
            "stdout: so far",
            "Panic: called `Option::unwrap()` on a `None` value"
        ]
    );
}

// The cell has not failed: its code caught the panic, or another thread had it.
#[test]
fn a_panic_that_does_not_end_the_cell_is_on_stderr() {
    let notebook = Notebook::start();
    for (code, place) in [
        (
            "let caught = std::panic::catch_unwind(|| panic!(\"caught\")).is_err();\ncaught",
            "thread 'main' panicked at cell [1]:1:42: caught",
        ),
        (
            "let ended = std::thread::spawn(|| panic!(\"elsewhere\")).join().is_err();\nended",
            "thread 'unnamed' panicked at cell [2]:1:35: elsewhere",
        ),
    ] {
        let message = format!("stderr: {place}\n");
        notebook.run(code).shows(&[&message, "result: true"]);
    }
}

#[test]
fn a_panic_in_a_pools_item_names_the_item_and_its_line() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    let code =
        "fn inverse(x: i32) -> i32 {\n    12 / (x - 3)\n}\nlet all = pool.map(inverse, 0..24);";
    let traceback = failed(
        notebook.run(code),
        "Panic",
        "panicked in item 3 (of 24): attempt to divide by zero",
    );
    expect_in(&traceback, &["cell [2]:2:5", "2 |     12 / (x - 3)"]);
    assert_eq!(notebook.run("pool.map(|x| x + 1, 0..2)").result(), "[1, 2]");
}

#[test]
fn a_backtrace_on_demand_holds_only_the_users_frames() {
    let notebook = Notebook::start_as(&Start {
        variables: &[("RUST_BACKTRACE", "1")],
    });
    notebook.run_quietly(
        "#[inline(never)]\nfn fails(x: i32) -> i32 { if x > 0 { panic!(\"deep\") } else { x } }",
    );
    let traceback = failed(notebook.run("fails(1)"), "Panic", "deep");
    expect_in(&traceback, &["cell [1]:2:", "fails"]);
    for machinery in [
        "rust_begin_unwind",
        "catch_unwind",
        "libloading",
        "corebook_kernel",
        "corebook_processes",
    ] {
        assert!(
            !traceback.contains(machinery),
            "{machinery} in:\n{traceback}"
        );
    }
}

#[test]
fn a_failed_question_mark_is_an_error_with_its_text() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    let ran = notebook.run("let number: i32 = \"twelve\".parse()?;\nnumber");
    failed(ran, "Error", "invalid digit found in string");
    let ran = notebook.run("eprintln!(\"warned\");\nstd::fs::read_to_string(\"/nowhere\")?");
    assert_eq!(
        ran.log(),
        [
            "stderr: warned\n",
            "Error: No such file or directory (os error 2)"
        ]
    );
    assert_eq!(notebook.run("kept").result(), "7");
}

// With labels, notes and helps, and with colours.
#[test]
fn all_compile_errors_are_shown_at_their_own_places() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    let code = "let a: i32 = \"text\";\nlet b = 1;\nlet c: bool = b;\n";
    let traceback = failed(
        notebook.run(code),
        "CompileError",
        "E0308: mismatched types",
    );
    expect_in(
        &traceback,
        &[
            "error[E0308]: mismatched types",
            "cell [2]:1:14",
            "expected `i32`, found `&str`",
            "cell [2]:3:15",
            "expected `bool`",
        ],
    );
    expect_no_generated_code(&traceback);
    assert_eq!(traceback.matches("error[E0308]").count(), 2, "{traceback}");

    // The traceback has colours, and no part of the cell runs.
    let ran = notebook.run("println!(\"not run\");\nlet é = missing_name;");
    assert!(
        ran.reply.content["traceback"]
            .to_string()
            .contains("\\u001b["),
        "{}",
        ran.reply.brief()
    );
    let traceback = failed(
        ran,
        "CompileError",
        "E0425: cannot find value `missing_name` in this scope",
    );
    expect_in(&traceback, &["cell [3]:2:9", "2 | let é = missing_name;"]);

    // A help says what to write instead.
    let traceback = failed(
        notebook.run("let mut text = String::new();\ntext.puhs('a');"),
        "CompileError",
        "E0599: no method named `puhs` found for struct `String` in the current scope",
    );
    expect_in(
        &traceback,
        &[
            "cell [4]:2:6",
            "help: there is a method `push` with a similar name",
        ],
    );
    assert_eq!(notebook.run("kept").result(), "7");
}

#[test]
fn errors_of_syntax_and_in_a_magic_are_at_their_own_place() {
    let notebook = Notebook::start();
    let traceback = failed(
        notebook.run("let x = ;"),
        "CompileError",
        "expected expression, found `;`",
    );
    expect_in(&traceback, &["cell [1]:1:9"]);

    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    let traceback = failed(
        notebook.run("let limit = 3;\n%timeit pool.map(|x| x + nowhere, 0..limit)"),
        "CompileError",
        "E0425: cannot find value `nowhere` in this scope",
    );
    expect_in(
        &traceback,
        &[
            "cell [3]:2:26",
            "%timeit pool.map(|x| x + nowhere, 0..limit)",
        ],
    );
    expect_no_generated_code(&traceback);
}

#[test]
fn errors_that_learners_meet_say_what_to_do() {
    let notebook = Notebook::start();
    let ran = notebook.run("let list = Vec::new();");
    let traceback = ran.traceback();
    assert!(ran.log()[0].starts_with("CompileError: "));
    expect_in(&traceback, &["write the type out, for example `let "]);

    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    let ran = notebook
        .run("let shared = std::rc::Rc::new(1);\nlet sums = pool.map(|x: i32| x + *shared, 0..4);");
    let traceback = ran.traceback();
    assert!(ran.log()[0].starts_with("CompileError: "));
    expect_in(&traceback, &["Rc<", "Arc", "shared"]);

    let ran = notebook.run(":dep no_such_crate_for_corebooks_tests = \"1\"");
    let log = ran.log();
    assert!(
        log.len() == 1 && log[0].starts_with("CompileError: "),
        "{log:?}"
    );
    assert!(
        log[0].contains("no_such_crate_for_corebooks_tests"),
        "{log:?}"
    );
}

#[test]
fn wrong_syntax_runs_nothing_and_has_its_place() {
    let notebook = Notebook::start();
    for (code, text, place) in [
        (
            "println!(\"no\");\nlet fn = 3;\nprintln!(\"no\");",
            "expected identifier, found keyword `fn`",
            "cell [1]:2:5",
        ),
        (
            "1 +",
            "expected expression, found the end of the cell",
            "cell [2]:1:4",
        ),
        (
            "let s = \"open",
            "E0765: unterminated double quote string",
            "cell [3]:1:9",
        ),
        (
            "fn f( {",
            "this file contains an unclosed delimiter",
            "cell [4]:1:",
        ),
        ("}", "unexpected closing delimiter: `}`", "cell [5]:1:1"),
        (
            "let n = 5",
            "expected `;`, found the end of the cell",
            "cell [6]:1:10",
        ),
    ] {
        let traceback = failed(notebook.run(code), "CompileError", text);
        expect_in(&traceback, &[place]);
    }
}

#[test]
fn a_similar_name_of_an_earlier_cell_is_proposed() {
    let notebook = Notebook::start();
    notebook.run_quietly("fn double(x: i32) -> i32 { 2 * x }\nlet numbers = vec![1];");
    let traceback = notebook.run("doubel(numbrs.len())").traceback();
    expect_in(
        &traceback,
        &[
            "a function with a similar name exists: `double`",
            "a local variable with a similar name exists: `numbers`",
        ],
    );
}

#[test]
fn a_malformed_magic_keeps_the_whole_cell_from_running() {
    let notebook = Notebook::start();
    let traceback = failed(
        notebook.run("println!(\"not run\");\n%timit 1 + 1"),
        "MagicError",
        "unknown magic %timit: did you mean %timeit? %magics lists them all",
    );
    expect_in(&traceback, &["cell [1]:2:1", "2 | %timit 1 + 1"]);
    let ran = notebook.run("%timeit -n 0 1 + 1");
    let evalue = ran.reply.text("evalue").to_owned();
    failed(ran, "MagicError", &evalue);
    expect_in(&evalue, &["-n", "0", "%timeit [-n N]"]);
    assert_eq!(notebook.run("1 + 1").result(), "2");
}
