//! The expansions of `%compare`, and its error messages.

use super::*;

fn expanded(source: &str) -> Result<String, String> {
    crate::test_support::expand_magic(&MAGIC, source)
}

/// The labels in the expansion of `source`.
fn labels(source: &str) -> String {
    let code = expanded(source).expect("is well formed");
    let start = code.find("&[\"").expect("there are labels") + 1;
    let end = start + code[start..].find(", &mut |").expect("the body follows");
    code[start..end].to_owned()
}

#[test]
fn sides_share_one_closure() {
    assert_eq!(
        expanded("%compare f(x) ;; g(x)").as_deref(),
        Ok(
            "{ use ::corebook::__private::timing::{ByEquality as _, NotComparable as _}; \
            let mut corebook_kept_0 = ::core::option::Option::None; \
            let mut corebook_kept_1 = ::core::option::Option::None; \
            ::corebook::timing::compare(&::corebook::timing::CompareOptions { quiet: false, \
            checked: cfg!(debug_assertions), ..::corebook::timing::CompareOptions::DEFAULT }, \
            &[\"f(x)\", \"g(x)\"], &mut |corebook_run| match corebook_run.side() { \
            0 => corebook_run.time_side(&mut corebook_kept_0, || { (f(x)) }), \
            _ => corebook_run.time_side(&mut corebook_kept_1, || { (g(x)) }), \
            }).show(&[(&&::corebook::__private::timing::Pair(&corebook_kept_0, &corebook_kept_1)).results(0.0)]); }"
        )
    );
}

#[test]
fn a_question_mark_on_any_side_returns_the_error() {
    let code = expanded("%compare f()? ;; g()").expect("is well formed");
    assert!(code.contains("::corebook::timing::try_compare("), "{code}");
    assert!(code.contains("Result::Ok((g())) }), })?.show("), "{code}");
}

#[test]
fn names_come_from_the_first_line_or_the_code() {
    let cell =
        "%%compare\nserial: a::b(1)\n---\n// the pool\ntwo at-once: {\n  f() }\n---\na::b(2)\n";
    assert_eq!(labels(cell), r#"["serial", "two at-once", "a::b(2)"]"#);
    let code = expanded("%%compare\nmy_side: a::b(1)\n---\nf()").expect("is well formed");
    assert!(code.contains("&[\"my_side\", \"f()\"]"), "{code}");
    assert!(code.contains("|| { { a::b(1) } })"), "{code}");
    assert_eq!(
        labels("%%compare\nPoint { x: 1 }\n---\n: f()"),
        r#"["Point { x: 1 }", ": f()"]"#
    );
    let long = format!("%compare f() ;; g(\n  {})", "x, ".repeat(20));
    assert_eq!(
        labels(&long),
        r#"["f()", "g( x, x, x, x, x, x, x, x, x, x, x, x, x…"]"#
    );
}

#[test]
fn more_than_two_sides_compare_with_the_first() {
    let code = expanded("%compare a ;; b ;; c;").expect("is well formed");
    assert!(
        code.contains("_ => corebook_run.time_side(&mut corebook_kept_2, || { (c) })"),
        "{code}"
    );
    assert!(
        code.contains("Pair(&corebook_kept_0, &corebook_kept_2)).results(0.0)]"),
        "{code}"
    );
}

#[test]
fn options_become_fields() {
    let code = expanded("%compare -qn3 -r 5 --tol 1e-9 -o t a ;; b").expect("is well formed");
    assert!(
        code.starts_with("let t: ::corebook::timing::Comparison = {"),
        "{code}"
    );
    assert!(code.contains("loops: 3, repeat: 5, quiet: true"), "{code}");
    assert!(
        code.contains("use ::corebook::__private::timing::{WithinTolerance as _, "),
        "{code}"
    );
    assert!(
        code.ends_with(
            "(&&&::corebook::__private::timing::Pair(&corebook_kept_0, &corebook_kept_1)).results(1e-9)]) };"
        ),
        "{code}"
    );
}

#[test]
fn errors_say_what_to_do() {
    let usage = MAGIC.usage;
    for (call, text) in [
        ("%compare", "%compare: there is no expression"),
        (
            "%compare f()",
            "%compare: there is nothing to compare with: write ;; between two expressions",
        ),
        ("%compare f() ;;", "%compare: there is no expression"),
        (
            "%compare f() ;; g(); h()",
            "%compare: this is more than one expression: put it in braces, or write it below %%compare",
        ),
        (
            "%compare --tol x f() ;; g()",
            "%compare: option --tol must be a number of at least 0, not x",
        ),
        (
            "%%compare\nf()",
            "%%compare: there is nothing to compare with: write --- on a line between two sides",
        ),
        (
            "%%compare\nf()\n---\n",
            "%%compare: there is no code below the first line",
        ),
        (
            "%%compare f()\ng()",
            "%%compare: unexpected code on the first line: write it below",
        ),
    ] {
        assert_eq!(
            expanded(call),
            Err(format!("{text}; usage: {usage}")),
            "{call}"
        );
    }
}
