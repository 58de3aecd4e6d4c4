//! Items and variables are compiled in the order of the notebook.
//!
//! evcxr writes items in the order of a hash map, which differs from kernel to kernel. So each test has so many items
//! that a kernel would hardly have them in order by chance.

use std::fmt::Write as _;
use std::time::Instant;

use corebook_tests::PATIENCE;
use corebook_tests::execution::{Execute, Ran};
use corebook_tests::notebook::Notebook;
use corebook_tests::process::{Descendant, wait_until_gone};
use serde_json::{Map, Value, json};

/// Each of twelve pairs may stand in the wrong order, so by chance one kernel in 4096 has all of them in order.
const PAIRS: usize = 12;

/// Functions, each of which uses a macro that stands above it.
fn pairs() -> String {
    let mut code = String::new();
    for number in 0..PAIRS {
        code += &format!("macro_rules! m{number} {{ () => {{ {number} }} }}\n");
        code += &format!("fn f{number}() -> usize {{ m{number}!() }}\n");
    }
    code
}

/// A sum of calls of all of some functions or macros.
fn sum(name: &str, call: &str) -> String {
    let calls: Vec<String> = (0..PAIRS)
        .map(|number| format!("{name}{number}{call}"))
        .collect();
    calls.join(" + ")
}

/// The sum of 0..PAIRS.
const SUM: &str = "66";

fn expect_in(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
}

/// The cell failed with this compile error and showed nothing else. Returns the traceback.
fn failed(ran: Ran, evalue: &str) -> String {
    let traceback = ran.traceback();
    assert_eq!(
        ran.log(),
        [format!("CompileError: {evalue}")],
        "{traceback}"
    );
    traceback
}

#[test]
fn macros_are_found_in_their_cell_and_in_later_ones() {
    let notebook = Notebook::start();
    let in_one = "macro_rules! hi { () => { println!(\"hi\") } }\nfn main() { hi!() }\nmain();";
    notebook.run(in_one).shows(&["stdout: hi\n"]);
    notebook.run_quietly(&pairs());
    assert_eq!(notebook.run(&sum("f", "()")).result(), SUM);

    // Functions on one line use macros of an earlier cell.
    let later: String = (0..PAIRS)
        .map(|number| format!("fn later{number}() -> usize {{ m{number}!() }} "))
        .collect();
    notebook.run_quietly(&later);
    assert_eq!(notebook.run(&sum("later", "()")).result(), SUM);

    // A macro that uses a macro, in a method, a constant and a module.
    notebook.run_quietly(
        "macro_rules! twice { ($e:expr) => { once!($e) * 2 } }\nmacro_rules! once { ($e:expr) => { $e } }\n\
         struct S;\nimpl S { fn four(&self) -> i32 { twice!(2) } }\nconst SIX: i32 = twice!(3);\n\
         mod inner { pub fn eight() -> i32 { twice!(4) } }",
    );
    let ran = notebook.run("(S.four(), SIX, inner::eight())");
    assert_eq!(ran.result(), "(4, 6, 8)");
}

#[test]
fn macros_are_found_after_a_redefinition() {
    let notebook = Notebook::start();
    notebook.run_quietly(&pairs());
    let redefined: String = (0..PAIRS)
        .map(|number| format!("macro_rules! m{number} {{ () => {{ 2 * {number} }} }}\n"))
        .collect();
    // Each macro stays above the function of the earlier cell.
    notebook.run_quietly(&redefined);
    assert_eq!(notebook.run(&sum("f", "()")).result(), "132");

    // Functions of an earlier cell are redefined and use macros of a later one.
    let newer: String = (0..PAIRS)
        .map(|number| format!("macro_rules! n{number} {{ () => {{ 3 * {number} }} }}\n"))
        .collect();
    notebook.run_quietly(&newer);
    let redefined: String = (0..PAIRS)
        .map(|number| format!("fn f{number}() -> usize {{ n{number}!() }}\n"))
        .collect();
    notebook.run_quietly(&redefined);
    assert_eq!(notebook.run(&sum("f", "()")).result(), "198");

    // A cell that fails defines nothing and does not fix the place of an item.
    let ran =
        notebook.run("macro_rules! late { () => { 1 } }\nfn uses() -> i32 { late!() + \"\" }");
    assert!(ran.log()[0].starts_with("CompileError: E0277"));
    notebook.run_quietly("macro_rules! early { () => { 2 } }");
    notebook.run_quietly("macro_rules! late { () => { early!() } }\nfn uses() -> i32 { late!() }");
    assert_eq!(notebook.run("uses()").result(), "2");
}

#[test]
fn macros_of_modules_are_found() {
    let notebook = Notebook::start();
    let modules: String = (0..PAIRS)
        .map(|number| {
            format!(
                "#[macro_use]\nmod of_{number} {{\n    macro_rules! m{number} {{ () => {{ {number} }} }}\n}}\n\
                 fn f{number}() -> usize {{ m{number}!() }}\n"
            )
        })
        .collect();
    notebook.run_quietly(&modules);
    assert_eq!(notebook.run(&sum("f", "()")).result(), SUM);
    notebook.run_quietly(
        "use std::fmt::Debug;\nfn shown<T: Debug>(it: T) -> String { format!(\"{it:?}\") }",
    );
    assert_eq!(notebook.run("shown(f2() + m3!())").result(), "\"5\"");
}

#[test]
fn an_error_among_macros_is_at_its_own_place() {
    let notebook = Notebook::start();
    notebook.run_quietly(&pairs());
    let code = "macro_rules! before { () => { 1 } }\nfn wrong(é: i32) -> i32 {\n    let text = \"é\"; before!() + é + missing\n}\n\
                fn right() -> i32 { 1 }\nmacro_rules! after { ($e:expr) => { $e + nowhere } }\n\
                fn also() -> bool {\n    after!(2)\n}";
    let traceback = failed(
        notebook.run(code),
        "E0425: cannot find value `missing` in this scope",
    );
    expect_in(
        &traceback,
        &[
            "cell [2]:3:37",
            "3 |     let text = \"é\"; before!() + é + missing",
            "cannot find value `nowhere`",
            "6 | macro_rules! after { ($e:expr) => { $e + nowhere } }",
        ],
    );
    // Borrow errors are found only after all names are, and their labels are on several lines.
    let code = "macro_rules! one { () => { 1 } }\nfn moved() -> usize {\n    let text = String::new();\n    \
                drop(text);\n    text.len() + one!()\n}\nmacro_rules! two { () => { 2 } }";
    let traceback = failed(notebook.run(code), "E0382: borrow of moved value: `text`");
    expect_in(
        &traceback,
        &[
            "cell [3]:5:5",
            "4 |     drop(text);",
            "5 |     text.len() + one!()",
        ],
    );
    assert!(!traceback.contains("6 | }"), "{traceback}");
    assert_eq!(notebook.run(&sum("f", "()")).result(), SUM);
}

#[test]
fn a_panic_among_macros_is_at_its_own_place() {
    let notebook = Notebook::start();
    notebook.run_quietly(&pairs());
    notebook.run_quietly(
        "macro_rules! above { () => { 1 } }\nfn fails(x: i32) -> i32 {\n    assert!(x < above!(), \"{x} is large\");\n    x\n}\n\
         macro_rules! below { () => { 2 } }",
    );
    let ran = notebook.run("fails(below!())");
    let traceback = ran.traceback();
    assert_eq!(ran.log(), ["Panic: 2 is large"]);
    expect_in(
        &traceback,
        &[
            "cell [2]:3:5",
            "3 |     assert!(x < above!(), \"{x} is large\");",
        ],
    );
}

#[test]
fn an_interrupt_ends_a_compiler_whose_lines_were_moved() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    // Each function makes the optimiser unroll the previous one: this compiles for minutes and runs in no time.
    let mut code = pairs();
    code += "#[inline(always)] fn g0(x: u64) -> u64 { x.rotate_left(7) ^ (x % 11) }\n";
    for level in 1..14 {
        let call = format!("g{}", level - 1);
        writeln!(
            code,
            "#[inline(always)] fn g{level}(x: u64) -> u64 {{ {call}(x ^ {level}) + {call}(x / 3) * {call}(x + 1) }}"
        )
        .unwrap();
    }
    code += "println!(\"{}\", g13(std::process::id() as u64));";
    let execute = Execute::new(&code);
    let request = notebook.send(&execute);
    let is_compiler = |process: &Descendant| process.name == "rustc";
    let deadline = Instant::now() + PATIENCE;
    let compilers = loop {
        let mut compilers = notebook.process.descendants();
        compilers.retain(is_compiler);
        if !compilers.is_empty() {
            break compilers;
        }
        assert!(Instant::now() < deadline, "rustc does not run");
    };
    notebook.interrupt();
    let ran = notebook.collect(&request, &execute);
    assert_eq!(
        ran.log(),
        ["Interrupted: stopped while compiling; variables are kept"]
    );
    wait_until_gone(&compilers, PATIENCE);
    assert_eq!(notebook.run("kept").result(), "7");
}

#[test]
fn errors_come_in_the_order_of_the_cell() {
    let notebook = Notebook::start();
    let code: String = (1..=8)
        .map(|number| format!("fn wrong{number}() -> i32 {{ \"{number}\" }}\n"))
        .collect();
    let traceback = failed(notebook.run(&code), "E0308: mismatched types");
    let lines: Vec<&str> = traceback
        .match_indices("cell [1]:")
        .map(|(at, _)| &traceback[at + 9..at + 10])
        .collect();
    assert_eq!(
        lines,
        ["1", "2", "3", "4", "5", "6", "7", "8"],
        "{traceback}"
    );

    // The error is named after the first one in the cell, not after the first one that rustc finds.
    let code: String = (1..=8)
        .map(|number| format!("fn wrong{number}() {{ missing{number} }}\n"))
        .collect();
    let traceback = failed(
        notebook.run(&code),
        "E0425: cannot find value `missing1` in this scope",
    );
    assert_eq!(traceback.matches("cell [2]:").count(), 8, "{traceback}");
}

#[test]
fn variables_are_dropped_in_reverse_order() {
    let notebook = Notebook::start();
    notebook.run_quietly(
        "struct Noisy(usize);\nimpl Drop for Noisy { fn drop(&mut self) { println!(\"{}\", self.0); } }",
    );
    let lets = |from: usize| {
        (0..PAIRS).fold(String::new(), |mut code, number| {
            writeln!(code, "let v{number} = Noisy({});", from + number).unwrap();
            code
        })
    };
    notebook.run_quietly(&lets(0));
    // As in a function, the last one is dropped first.
    let backwards = |numbers: std::ops::Range<usize>| {
        numbers.rev().fold(String::new(), |mut text, number| {
            writeln!(text, "{number}").unwrap();
            text
        })
    };
    assert_eq!(notebook.run(&lets(100)).printed(), backwards(0..PAIRS));

    // The notice about lost variables has the order of the notebook.
    let lost = (0..PAIRS).fold("stderr: ".to_owned(), |mut text, number| {
        writeln!(
            text,
            "v{number} is lost, because the cell has defined its type Noisy in another way: assign it again"
        )
        .unwrap();
        text
    });
    notebook.run("struct Noisy(u8);").shows(&[&lost]);
}

// So does :vars list variables.
#[test]
fn user_expressions_are_evaluated_in_the_order_of_names() {
    let notebook = Notebook::start();
    let names = ["a", "b", "c", "d", "e", "f"];
    let expressions: Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!("{ z += 1; z }")))
        .collect();
    let lets: String = ["mut z"]
        .iter()
        .chain(&names)
        .rev()
        .map(|name| format!("let {name}: u8 = 1;\n"))
        .collect();
    let ran = notebook.run_as(&Execute {
        user_expressions: Value::Object(expressions),
        ..Execute::new(&lets)
    });
    let values = ran.reply.content["user_expressions"].clone();
    ran.shows_nothing();
    let values = names.map(|name| {
        values[name]["data"]["text/plain"]
            .as_str()
            .map(str::to_owned)
    });
    let wanted = ["2", "3", "4", "5", "6", "7"].map(|value| Some(value.to_owned()));
    assert_eq!(values, wanted);
    let ran = notebook.run(":vars");
    let listed = names.map(|name| format!("{name}: u8\n")).concat() + "z: u8\n";
    assert!(ran.log()[0].ends_with(&format!("[text/plain] {listed}")));
}
