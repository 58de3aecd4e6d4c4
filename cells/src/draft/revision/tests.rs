use super::*;
use crate::draft::tests::{error, find, keep, notebook};
use crate::notebook::Notebook;

#[test]
fn a_variable_that_is_moved_away_is_not_put_back() {
    let mut notebook = Notebook::default();
    keep(&mut notebook, "v", "std::vec::Vec<u8>");
    let mut draft = notebook.draft(1, 1, "let w = v; drop(w);");
    let source = draft.source();
    let put = find(&source, "put_back(\"v\", v)");
    let kept = find(&source, "Slot::new(w)");
    let errors = vec![
        error("E0382", "use of moved value", &[put]),
        error("E0382", "use of moved value", &[kept]),
    ];
    assert_eq!(draft.revise(&source, errors), Verdict::Again);
    let text = draft.source().text;
    assert!(
        !text.contains("put_back") && !text.contains("Slot::new"),
        "{text}"
    );
    assert!(draft.unkept().is_empty());
}

#[test]
fn a_variable_that_borrows_is_not_kept_but_its_owner_is() {
    let mut draft = Notebook::default().draft(1, 1, "let v = vec![1]; let r = &v;");
    let source = draft.source();
    let of_v = find(&source, "Slot::new(v)");
    let of_r = find(&source, "Slot::new(r)");
    let errors = vec![error("E0505", "cannot move out of `v`", &[of_v, of_r])];
    assert_eq!(draft.revise(&source, errors), Verdict::Again);
    let unkept: Vec<_> = draft
        .unkept()
        .iter()
        .map(|it| (it.name.as_str(), it.range.clone(), it.why))
        .collect();
    assert_eq!(unkept, [("r", 21..22, WhyUnkept::Borrows)]);
    assert!(draft.source().text.contains("Slot::new(v)"));
}

#[test]
fn errors_of_borrows_are_taken_from_a_plain_function() {
    let mut draft = Notebook::default().draft(1, 1, "let x = 1; x = 2;");
    let source = draft.source();
    let errors = vec![error(
        "E0384",
        "cannot assign twice",
        &[find(&source, "x = 2")],
    )];
    assert_eq!(draft.revise(&source, errors), Verdict::Again);
    let source = draft.source();
    assert!(source.text.contains("fn corebook_plain_cell"));
    let errors = vec![error(
        "E0384",
        "cannot assign twice",
        &[find(&source, "x = 2")],
    )];
    assert_eq!(
        draft.revise(&source, errors.clone()),
        Verdict::Errors(errors)
    );
}

#[test]
fn what_a_macro_hides_is_found_by_its_error() {
    let mut draft = Notebook::default().draft(1, 1, "run!();\nS");
    let source = draft.source();
    let at = find(&source, "run!()");
    let awaits = error(
        "E0728",
        "`await` is only allowed inside `async` functions and blocks",
        std::slice::from_ref(&at),
    );
    let fails = error(
        "E0277",
        "the `?` operator can only be used in a function that returns",
        &[at],
    );
    let display = error("E0599", "no method", &[find(&source, "evcxr_display")]);
    assert_eq!(
        draft.revise(&source, vec![awaits, fails, display]),
        Verdict::Again
    );
    let text = draft.source().text;
    for generated in [
        "block_on(async {",
        "cell::Failed>::Ok(())",
        "cell::show_value(&(",
    ] {
        assert!(text.contains(generated), "{generated}: {text}");
    }
    assert!(draft.is_async());
}

#[test]
fn the_users_errors_hide_those_of_generated_code() {
    let mut draft = Notebook::default().draft(1, 1, "let v = y; v");
    let source = draft.source();
    let of_user = error("E0425", "cannot find value `y`", &[find(&source, "y;")]);
    let generated = error("E0599", "no method", &[find(&source, "evcxr_display")]);
    let verdict = draft.revise(&source, vec![generated, of_user.clone()]);
    assert_eq!(verdict, Verdict::Errors(vec![of_user]));
}

#[test]
fn a_type_that_cannot_be_named_any_more_is_reported() {
    let mut notebook = Notebook::default();
    keep(&mut notebook, "s", "m::Secret");
    let mut draft = notebook.draft(1, 1, "s");
    let source = draft.source();
    let errors = vec![error(
        "E0603",
        "module `m` is private",
        &[find(&source, "m::Secret")],
    )];
    let Verdict::Unusable { variable, message } = draft.revise(&source, errors) else {
        panic!("the type is private")
    };
    assert_eq!(
        (variable.name.as_str(), message.as_str()),
        ("s", "module `m` is private")
    );
}

#[test]
fn a_similar_name_of_the_notebook_is_proposed() {
    let mut notebook = notebook(&["fn double() {}", "struct Shape;"]);
    keep(&mut notebook, "numbers", "i32");
    for (code, text, help) in [
        (
            "doubel(1)",
            "cannot find function `doubel`",
            "a function with a similar name exists: `double`",
        ),
        (
            "numbrs",
            "cannot find value `numbrs`",
            "a local variable with a similar name exists: `numbers`",
        ),
        (
            "Shap",
            "cannot find value `Shap`",
            "a struct with a similar name exists: `Shape`",
        ),
    ] {
        let mut draft = notebook.draft(5, 1, code);
        let source = draft.source();
        let errors = vec![error("E0425", text, &[find(&source, code)])];
        let Verdict::Errors(errors) = draft.revise(&source, errors) else {
            panic!("{code}")
        };
        assert_eq!(errors[0].children[0].text, help);
    }
}

#[test]
fn wrong_syntax_is_compiled_as_it_is() {
    let mut draft = notebook(&["fn f() {}"]).draft(1, 1, "let x = f(;");
    let source = draft.source();
    assert!(
        source
            .text
            .contains("fn corebook_unparsed_cell() {\nlet x = f(;\n}"),
        "{}",
        source.text
    );
    let errors = vec![error("", "expected expression", &[find(&source, ";\n}")])];
    assert_eq!(
        draft.revise(&source, errors.clone()),
        Verdict::Errors(errors)
    );
}

#[test]
fn an_import_that_no_longer_compiles_is_dropped() {
    let mut notebook = notebook(&["mod m { pub fn f() {} }", "use m::f;", "mod m {}"]);
    let mut draft = notebook.draft(3, 1, "1");
    let source = draft.source();
    let errors = vec![error(
        "E0432",
        "unresolved import `m::f`",
        &[find(&source, "m::f")],
    )];
    assert_eq!(draft.revise(&source, errors), Verdict::Again);
    assert!(!draft.source().text.contains("use m::f"));
    let dropped = &draft.dropped()[0];
    assert_eq!((dropped.text.as_str(), dropped.cell), ("use m::f;", 1));
    notebook.define(&draft);
    assert!(!notebook.definitions().contains("use m::f"));
    // One of the cell itself is the user's error.
    let mut draft = notebook.draft(4, 1, "use m::f;");
    let source = draft.source();
    let errors = vec![error(
        "E0432",
        "unresolved import `m::f`",
        &[find(&source, "m::f")],
    )];
    assert_eq!(
        draft.revise(&source, errors.clone()),
        Verdict::Errors(errors)
    );
}
