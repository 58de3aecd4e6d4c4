//! What is kept for later cells, and the line about what is not.

use corebook_tests::execution::expect_in;
use corebook_tests::notebook::Notebook;

#[test]
fn what_is_not_kept_is_named_and_the_cell_runs() {
    let notebook = Notebook::start();
    let notes = |code: &str, value: &str| {
        let log = notebook.run(code).log();
        let [notes, result] = log.as_slice() else {
            panic!("{log:?}")
        };
        assert_eq!(*result, format!("result: {value}"));
        notes.strip_prefix("stderr: ").expect("a note").to_owned()
    };
    let note = notes("let add = |x: i32| x + 1;\nadd(2)", "3");
    expect_in(
        &note,
        &[
            "cell [1]:1:5: add is not kept",
            "closure",
            "fn add",
            "Box<dyn Fn",
        ],
    );
    let note = notes(
        "let text = String::from(\"a\");\nlet part = &text;\npart.len()",
        "1",
    );
    assert_eq!(note.lines().count(), 1, "the owner is kept: {note}");
    expect_in(&note, &["cell [2]:2:5: part is not kept", "borrows"]);
    assert_eq!(notebook.run("text").result(), "\"a\"");
    // A function becomes a pointer to it.
    let code = "fn double(x: i32) -> i32 { 2 * x }\nlet f = double;\nf(2)";
    assert_eq!(notebook.run(code).result(), "4");
    assert_eq!(notebook.run("f(3)").result(), "6");
    let note = notes("let g = Some(double).unwrap();\n1", "1");
    expect_in(&note, &["g is not kept", "fn(i64) -> i64"]);
    let note = notes(
        "mod m { mod n { #[derive(Debug)] pub struct P; } pub fn p() -> n::P { n::P } }\nlet p = m::p();\n1",
        "1",
    );
    expect_in(&note, &["p is not kept", "private"]);
    let note = notes(
        "let unset: i32;\nif add_is_missing() { unset = 1; }\nfn add_is_missing() -> bool { false }\n2",
        "2",
    );
    expect_in(&note, &["unset is not kept", "no value"]);
    // A name with an underscore says that nobody will use it.
    assert_eq!(notebook.run("let _add = |x: i32| x + 1;\n3").result(), "3");
}

#[test]
fn a_private_type_of_a_crate_is_noticed_when_it_is_defined() {
    let notebook = Notebook::start();
    let source = "mod hidden { #[derive(Debug)] pub struct Secret; #[derive(Debug)] pub struct Open; }\n\
                  pub use hidden::Open;\npub fn secret() -> hidden::Secret { hidden::Secret }";
    notebook.run_quietly(&notebook.package("holder", "1.0.0", "", source));
    let log = notebook
        .run("let secret = holder::secret();\nlet open = vec![holder::Open];")
        .log();
    assert_eq!(log.len(), 1, "{log:?}");
    expect_in(
        &log[0],
        &["stderr: cell [2]:1:5: secret is not kept", "private"],
    );
    assert_eq!(notebook.run("open").result(), "[Open]");
    let listed = notebook.run(":vars").log();
    let expected = "[text/plain] open: std::vec::Vec<holder::Open>\n";
    assert!(listed[0].ends_with(expected), "{listed:?}");
}

#[test]
fn an_import_that_no_longer_compiles_disturbs_no_cell() {
    let notebook = Notebook::start();
    notebook.run_quietly("mod m { pub fn f() -> u8 { 1 } }");
    notebook.run_quietly("use m::f;");
    assert_eq!(notebook.run("f()").result(), "1");
    notebook.run("mod m { pub fn g() -> u8 { 2 } }").shows(&[
        "stderr: `use m::f;` of cell [2] no longer compiles (unresolved import `m::f`): run cell [2] again\n",
    ]);
    assert_eq!(notebook.run("m::g()").result(), "2");
}
