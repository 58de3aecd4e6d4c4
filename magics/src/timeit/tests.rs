//! The expansions of `%timeit`, and its error messages.

use super::*;

fn expanded(source: &str) -> Result<String, String> {
    crate::test_support::expand_magic(&MAGIC, source)
}

const OPTIONS_TEXT: &str = "&::corebook::timing::Options { show: ::corebook::timing::Show::Line, \
    checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }";

#[test]
fn an_expression_is_borrowed_inside_a_closure() {
    assert_eq!(
        expanded("%timeit f(x) // slow").expect("is well formed"),
        format!(
            "::corebook::timing::timeit({OPTIONS_TEXT}, &mut || {{ ::core::hint::black_box(&(f(x))); }});"
        )
    );
}

#[test]
fn a_question_mark_returns_the_error() {
    assert_eq!(
        expanded("%timeit read(path)?").expect("is well formed"),
        format!(
            "::corebook::timing::try_timeit({OPTIONS_TEXT}, &mut || {FALLIBLE}\
             {{ ::core::hint::black_box(&(read(path)?)); ::core::result::Result::Ok(()) }})?;"
        )
    );
}

#[test]
fn a_setup_runs_before_each_run() {
    assert_eq!(
        expanded("%%timeit let mut v = a.clone()\nv.sort();\nv[0]").expect("is well formed"),
        format!(
            "::corebook::timing::timeit_with_setup({OPTIONS_TEXT}, &mut |corebook_run| \
             {{ let mut v = a.clone(); corebook_run.time(&mut || \
             {{ ::core::hint::black_box(&{{ v.sort();\nv[0] }}); }}); }});"
        )
    );
    for fallible in [
        "%%timeit let v = f()?\ng(v)",
        "%%timeit let v = f();\ng(v)?",
    ] {
        let code = expanded(fallible).expect("is well formed");
        assert!(
            code.starts_with("::corebook::timing::try_timeit_with_setup("),
            "{code}"
        );
    }
    let once = expanded("%%timeit -n1 let v = a.clone();\ndrop(v)").expect("is well formed");
    assert!(
        once.contains("let v = a.clone(); corebook_run.time_once(|| {"),
        "{once}"
    );
}

#[test]
fn options_become_fields() {
    for (options, fields) in [
        ("-n100", "loops: 100, show: ::corebook::timing::Show::Line"),
        (
            "-n 100 -r 3 -p5",
            "loops: 100, repeat: 3, digits: 5, show: ::corebook::timing::Show::Line",
        ),
        (
            "-cdq",
            "cpu: true, details: true, show: ::corebook::timing::Show::Nothing",
        ),
        ("-qo", "show: ::corebook::timing::Show::Object"),
        ("-q -- -", "show: ::corebook::timing::Show::Nothing"),
    ] {
        let code = expanded(&format!("%timeit {options} f()")).expect("is well formed");
        assert!(
            code.contains(&format!("Options {{ {fields}, checked")),
            "{options}: {code}"
        );
    }
    let bound = expanded("%timeit -o t f(x)").expect("is well formed");
    assert!(
        bound.starts_with("let t: ::corebook::timing::Timing = ::corebook"),
        "{bound}"
    );
    assert!(
        bound.contains("Show::Line") && bound.contains("(f(x))"),
        "{bound}"
    );
    let hidden = expanded("%timeit -b f(3)").expect("is well formed");
    assert!(
        hidden.contains("(f(::core::hint::black_box(3)))"),
        "{hidden}"
    );
}

#[test]
fn a_semicolon_after_the_expression_is_left_out() {
    assert_eq!(expanded("%timeit f(x);;"), expanded("%timeit f(x)"));
}

#[test]
fn errors_say_what_to_do() {
    let usage = MAGIC.usage;
    for (call, text) in [
        ("%timeit", "%timeit: there is no expression"),
        ("%timeit -n 3", "%timeit: there is no expression"),
        ("%timeit ;", "%timeit: there is no expression"),
        (
            "%timeit f(); g()",
            "%timeit: this is more than one expression: put it in braces, or write it below %%timeit",
        ),
        (
            "%timeit let x = 3",
            "%timeit: a let is not an expression: write it below %%timeit",
        ),
        (
            "%timeit -n 0 f()",
            "%timeit: option -n must be a whole number of at least 1, not 0",
        ),
        (
            "%timeit -r -1 f()",
            "%timeit: option -r must be a whole number of at least 1, not -1",
        ),
        (
            "%timeit -n ten f()",
            "%timeit: option -n must be a whole number of at least 1, not ten",
        ),
        ("%timeit -n", "%timeit: option -n needs a value N"),
        (
            "%timeit -x f()",
            "%timeit: unknown option -x; write -- before an expression that begins with -",
        ),
        (
            "%%timeit -n 3\n// nothing",
            "%%timeit: there is no code below the first line",
        ),
    ] {
        assert_eq!(
            expanded(call),
            Err(format!("{text}; usage: {usage}")),
            "{call}"
        );
    }
}
