//! Parsed command lines, and the messages of those that are malformed.

use super::*;
use crate::magic::{Arguments, OptionSpec, OptionValue, Places};

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("-n", OptionValue::Required("N"), ""),
    OptionSpec::new("-q", OptionValue::None, ""),
    OptionSpec::new("-d", OptionValue::None, ""),
    OptionSpec::new("-o", OptionValue::Optional("NAME"), ""),
    OptionSpec::new("--tol", OptionValue::Required("T"), ""),
    OptionSpec::new("--name", OptionValue::Required("NAME"), ""),
];

/// A magic with every kind of option.
fn sample(arguments: Arguments) -> Magic {
    Magic {
        name: "sample",
        summary: "takes every kind of option",
        places: Places::LineAndCell,
        usage: "%sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR",
        help: "",
        options: OPTIONS,
        arguments,
        words: &[],
        expand: |_, _| unreachable!("these tests only parse"),
    }
}

/// Parses `line` and shows the result: options, then words or `| expression`; or the error and its place.
fn parsed_as(arguments: Arguments, line: &str, body: Option<Range<usize>>) -> String {
    let call = Call {
        source: line,
        span: 0..line.len(),
        arguments: 0..line.len(),
        body,
        is_last: true,
    };
    match parse(&sample(arguments), &call) {
        Err(error) => format!("{error} @ {:?}", &line[error.span.clone()]),
        Ok(parsed) => {
            let given = parsed.given.iter().map(|given| match &given.value {
                None => given.flag.to_owned(),
                Some(value) => format!("{}={}", given.flag, value.text),
            });
            let mut seen: Vec<String> = given.collect();
            seen.extend(parsed.words.iter().map(|word| word.text.clone()));
            if !parsed.rest.is_empty() {
                seen.push(format!("| {}", &line[parsed.rest.clone()]));
            }
            seen.join(" ")
        }
    }
}

fn expression(line: &str) -> String {
    parsed_as(Arguments::Expression, line, None)
}

fn words(line: &str) -> String {
    parsed_as(Arguments::Words, line, None)
}

#[test]
fn a_value_is_glued_or_follows_a_blank_or_an_equals_sign() {
    assert_eq!(expression("-n100 f(x)"), "-n=100 | f(x)");
    assert_eq!(expression("-n 100 f(x)"), "-n=100 | f(x)");
    assert_eq!(expression("-n=100 f(x)"), "-n=100 | f(x)");
    assert_eq!(expression("--tol 1e-9 a ;; b"), "--tol=1e-9 | a ;; b");
    assert_eq!(expression("--tol=1e-9 a"), "--tol=1e-9 | a");
    assert_eq!(words("4 --name small -q"), "--name=small -q 4");
    assert_eq!(
        words("--name 'two words' -n \"a\\\"b\""),
        "--name=two words -n=a\"b"
    );
    assert_eq!(words("4 -q;"), "-q 4");
}

#[test]
fn short_options_join_and_two_dashes_end_them() {
    assert_eq!(expression("-qdn3 x"), "-q -d -n=3 | x");
    assert_eq!(expression("-oq x"), "-o -q | x");
    assert_eq!(expression("-q -- -x"), "-q | -x");
    assert_eq!(expression("-q --\t-n 3"), "-q | -n 3");
    assert_eq!(expression("x -q"), "| x -q");
    assert_eq!(words("-- -q"), "-q");
    assert_eq!(expression(""), "");
    assert_eq!(expression("-"), "| -");
    assert_eq!(expression("- x"), "| - x");
    assert_eq!(words("-4"), "-4");
}

#[test]
fn a_name_after_o_is_its_value_if_an_expression_follows() {
    assert_eq!(expression("-o t f(x)"), "-o=t | f(x)");
    assert_eq!(expression("-o t (0..3).sum()"), "-o=t | (0..3).sum()");
    assert_eq!(
        expression("-o t if a { b } else { c }"),
        "-o=t | if a { b } else { c }"
    );
    assert_eq!(expression("-o t -n 3 x"), "-o=t -n=3 | x");
    assert_eq!(expression("-o t -- -x"), "-o=t | -x");
    assert_eq!(expression("-o t &v"), "-o=t | &v");
    assert_eq!(expression("-o t ::std::f()"), "-o=t | ::std::f()");
    assert_eq!(expression("-o=t + 1"), "-o=t | + 1");
    assert_eq!(expression("-o t"), "-o | t");
    assert_eq!(expression("-o -- t f"), "-o | t f");
    assert_eq!(expression("-o t + 1"), "-o | t + 1");
    assert_eq!(expression("-o t & u"), "-o | t & u");
    assert_eq!(expression("-o t == u"), "-o | t == u");
    assert_eq!(expression("-o t ==u"), "-o | t ==u");
    assert_eq!(expression("-o t -"), "-o | t -");
    assert_eq!(expression("-o t as u8"), "-o | t as u8");
    assert_eq!(expression("-o t .len()"), "-o | t .len()");
    assert_eq!(expression("-o f(x) + g(x)"), "-o | f(x) + g(x)");
    assert_eq!(expression("-o match x {}"), "-o | match x {}");
    assert_eq!(expression("-o Point { x: 1 }"), "-o | Point { x: 1 }");
    assert_eq!(parsed_as(Arguments::Expression, "-o t", Some(0..1)), "-o=t");
}

#[test]
fn errors_name_option_value_and_usage() {
    insta::assert_snapshot!(expression("-n"), @r#"%sample: option -n needs a value N; usage: %sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR @ "-n""#);
    insta::assert_snapshot!(expression("-q=1 x"), @r#"%sample: option -q takes no value, not 1; usage: %sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR @ "-q=1""#);
    insta::assert_snapshot!(expression("-q -q x"), @r#"%sample: option -q is given twice; usage: %sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR @ "-q""#);
    insta::assert_snapshot!(expression("--nam=x y"), @r#"%sample: unknown option --nam: did you mean --name? usage: %sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR @ "--nam""#);
    insta::assert_snapshot!(expression("-5 + x"), @r#"%sample: unknown option -5; write -- before an expression that begins with -; usage: %sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR @ "-5""#);
    insta::assert_snapshot!(words("--what"), @r#"%sample: unknown option --what; usage: %sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR @ "--what""#);
    insta::assert_snapshot!(words("--name 'a"), @r#"%sample: the quote ' is not closed; usage: %sample [-n N] [-q] [-d] [-o [NAME]] [--tol T] EXPR @ "'a""#);
}

#[test]
fn errors_about_values_point_at_the_value() {
    let checked = |line: &str| {
        let call = Call {
            source: line,
            span: 0..line.len(),
            arguments: 0..line.len(),
            body: None,
            is_last: true,
        };
        let parsed = parse(&sample(Arguments::Words), &call).expect("the line is well formed");
        let shown = |error: MagicError| {
            let text = error
                .message
                .split(';')
                .next()
                .unwrap_or_default()
                .to_owned();
            format!("{text} @ {}", error.span.start)
        };
        let count = parsed
            .count("-n")
            .map_or_else(shown, |count| format!("{count:?}"));
        let number = parsed
            .number("--tol")
            .map_or_else(shown, |number| format!("{number:?}"));
        let name = parsed
            .variable("--name")
            .map_or_else(shown, |name| format!("{name:?}"));
        format!("{count}\n{number}\n{name}")
    };
    insta::assert_snapshot!(checked("-n 1_000 --tol 1e-9 --name été"), @r#"
    Some(1000)
    Some(1e-9)
    Some("été")
    "#);
    insta::assert_snapshot!(checked("-n 0 --tol -1 --name fn"), @r"
    %sample: option -n must be a whole number of at least 1, not 0 @ 3
    %sample: option --tol must be a number of at least 0, not -1 @ 11
    %sample: option --name must be a Rust variable name, not the keyword fn @ 21
    ");
    insta::assert_snapshot!(checked("-n -3 --tol nan --name 2x"), @r"
    %sample: option -n must be a whole number of at least 1, not -3 @ 3
    %sample: option --tol must be a number of at least 0, not nan @ 12
    %sample: option --name must be a Rust variable name, not 2x @ 23
    ");
    insta::assert_snapshot!(checked("-n 99999999999999999999 --tol inf --name 'a b'"), @r#"
    %sample: option -n must be at most 18446744073709551615, not 99999999999999999999 @ 3
    %sample: option --tol must be a number of at least 0, not inf @ 30
    %sample: option --name must be a Rust variable name, not "a b" @ 41
    "#);
    insta::assert_snapshot!(checked("-n 1.5 --tol '' --name _"), @r#"
    %sample: option -n must be a whole number of at least 1, not 1.5 @ 3
    %sample: option --tol must be a number of at least 0, not "" @ 13
    %sample: option --name must be a Rust variable name, not _ @ 23
    "#);
    insta::assert_snapshot!(checked(""), @r"
    None
    None
    None
    ");
}
