//! The expansions of whole cells, and properties that hold for any text.

use proptest::prelude::*;

use super::*;

/// Answers every question with its `Debug` text and a second line.
struct Echo;

impl Host for Echo {
    fn answer(&self, question: &Question) -> String {
        format!("{question:?}\n\"second\" line")
    }
}

/// Expands a cell and shows the result: the code, the questions, or the error and the text it points at.
fn expanded(source: &str) -> String {
    match expand(source, &Echo) {
        Ok(Expansion::Rust { code, .. }) => code,
        Ok(Expansion::Answers(questions)) => format!("{questions:?}"),
        Err(error) => format!("{error} @ {:?}", &source[error.span.clone()]),
    }
}

fn analysed(source: &str) -> String {
    expand_for_analysis(source).0
}

fn is_unchanged(source: &str) -> bool {
    expanded(source) == source
}

#[test]
fn pool_becomes_a_variable_on_its_line() {
    insta::assert_snapshot!(expanded("%pool"), @r#"let pool: ::corebook::pool::Pool = ::corebook::__private::pool::open("pool", None, false, false);"#);
    insta::assert_snapshot!(expanded("%pool 4 --name small --pin; // four"), @r#"let small: ::corebook::pool::Pool = ::corebook::__private::pool::open("small", Some(4), false, true);"#);
    insta::assert_snapshot!(expanded("let x = 1;\r\n\t%pool --logical\r\npool.map(f, 0..x)"), @r#"
    let x = 1;
    	let pool: ::corebook::pool::Pool = ::corebook::__private::pool::open("pool", None, true, false);
    pool.map(f, 0..x)
    "#);
    insta::assert_snapshot!(expanded("%pool close\nlet x = 1;"), @r#"
    { ::corebook::__private::pool::close("pool"); };
    let x = 1;
    "#);
    insta::assert_snapshot!(expanded("x;\n%pool close --name small"), @r#"
    x;
    { ::corebook::__private::pool::close("small"); };
    "#);
}

#[test]
fn a_cell_of_questions_is_answered_without_compiling() {
    insta::assert_snapshot!(expanded("%cpus\n\n  %cpus -v --json // both\n%magics"), @"[Cpus { verbose: false, json: false }, Cpus { verbose: true, json: true }, List]");
    insta::assert_snapshot!(expanded("%pool status"), @"[PoolStatus]");
    insta::assert_snapshot!(expanded("%pool?\n%cpus --help\n?%magics\n%pool??"), @r#"[Help("pool"), Help("cpus"), Help("magics"), Help("pool")]"#);
    insta::assert_snapshot!(expanded("/* hello */ // there\n%cpus"), @"[Cpus { verbose: false, json: false }]");
}

#[test]
fn a_question_beside_rust_prints_its_answer_in_order() {
    insta::assert_snapshot!(expanded("%cpus\nlet x = 1;"), @r#"
    { ::std::println!("{}", "Cpus { verbose: false, json: false }\n\"second\" line"); };
    let x = 1;
    "#);
    insta::assert_snapshot!(expanded("let x = 1;\n%pool status\nlet y = 2;"), @r"
    let x = 1;
    { ::corebook::__private::pool::print_status(); };
    let y = 2;
    ");
}

#[test]
fn rust_with_remainders_and_percent_signs_is_unchanged() {
    for source in [
        "let r = a\n    % b;",
        "let r = a\n    %b;",
        "a\n%b",
        "println!(\"a\")\n%pool",
        "let s = if c { 1 } else { 2 }\n%b;",
        "let p = Point { x: 1 }\n%b;",
        "const P: Point = Point { x: 1 }\n%b;",
        "return m! { x }\n%b;",
        "use a::{b}\n%c",
        "f(\n%pool\n)",
        "[1,\n%pool\n]",
        "fn f() {\n    %pool\n}",
        "macro_rules! m {\n    (\n%pool\n) => {};\n}",
        "macro_rules! m (\n(\n%pool\n) => {};\n);",
        "json! {\n%pool\n}",
        "let s = \"\n%pool\n\";",
        "let s = r#\"\n\"\n%pool\n\"#;",
        "let s = b\"\n%pool\n\";",
        "let s = c\"\n%pool\n\";",
        "let s = br##\"\n%pool\n\"#\"##;",
        "/* /* */\n%pool\n*/",
        "// \\\n//%pool",
        "let s = \"open\n%pool",
        "% pool",
        "%",
        "%%",
        "%5",
        "%%%pool",
        "#[derive(Debug)]\n%pool",
        "let c = '\"';\n/* a */ %pool",
        "",
        "\u{feff}x",
    ] {
        assert!(
            is_unchanged(source),
            "{source:?} became {:?}",
            expanded(source)
        );
    }
}

#[test]
fn a_magic_may_stand_wherever_a_statement_could_start() {
    for before in [
        "",
        "\n\n",
        "let x = 1;\n",
        "fn f() { a }\n",
        "pub(crate) fn f() {}\n",
        "pub struct S { a: u8 }\n",
        "#[derive(Debug)]\nstruct S;\n",
        "#![allow(unused)]\n",
        "impl A for B {}\n",
        "if a { b } else { c }\n",
        "'a: loop { break 'a }\n",
        "match x { _ => {} }\n",
        "{ let x = 1; }\n",
        "const N: usize = 3;\n",
        "const fn f() {}\n",
        "json! { 1 }\n",
        "::a::json! { 1 }\n",
        "r#json! { 1 }\n",
        "macro_rules! m { () => {} }\n",
        "use a::{b, c};\n",
        "let f = |x| { x };\n",
        "let c = '\"';\n",
        "let c = '{'; // \"\n",
        "let l = b'\\'';\n",
        "fn f<'a>(x: &'a str) {}\n",
        "/* \" */\n",
        ":dep rand = \"1\"\n",
        "!echo \"it's\"\n",
        "%pool 2\n",
        "%timit \"open\n",
        "let été = \"😀\"; // ünï\n",
        "let x = 1;\r\n",
    ] {
        let source = format!("{before}%nonsense");
        let found = scan(&source)
            .magics
            .iter()
            .any(|found| found.name == "nonsense");
        assert!(found, "{before:?}");
    }
}

#[test]
fn commands_stay_and_magics_before_them_move_below() {
    insta::assert_snapshot!(expanded(":dep rand = \"1\"\n!ls %x\n%pool 2\nf();"), @r#"
    :dep rand = "1"
    !ls %x
    let pool: ::corebook::pool::Pool = ::corebook::__private::pool::open("pool", Some(2), false, false);
    f();
    "#);
    insta::assert_snapshot!(expanded("%pool 2\n:dep rand\n%cpus\nf();"), @r#"
     
    :dep rand
    let pool: ::corebook::pool::Pool = ::corebook::__private::pool::open("pool", Some(2), false, false); { ::std::println!("{}", "Cpus { verbose: false, json: false }\n\"second\" line"); };
    f();
    "#);
    insta::assert_snapshot!(expanded("%pool 2\n:dep rand"), @r#"
     
    :dep rand
    let pool: ::corebook::pool::Pool = ::corebook::__private::pool::open("pool", Some(2), false, false);
    "#);
    assert_eq!(
        expanded("%pool close\r\n:dep rand\r\nf();"),
        " \r\n:dep rand\r\n{ ::corebook::__private::pool::close(\"pool\"); }; f();"
    );
    assert!(is_unchanged("::std::println!(\"x\");"));
    assert!(is_unchanged("f();\n!x\n%b"), "a negation after Rust");
}

#[test]
fn malformed_magics_say_what_is_wrong_and_where() {
    insta::assert_snapshot!(expanded("%pol 4"), @r#"unknown magic %pol: did you mean %pool? %magics lists them all @ "%pol""#);
    insta::assert_snapshot!(expanded("%xyzzy"), @r#"unknown magic %xyzzy: %magics lists them all @ "%xyzzy""#);
    insta::assert_snapshot!(expanded("%xyzzy?"), @r#"unknown magic %xyzzy: %magics lists them all @ "%xyzzy""#);
    insta::assert_snapshot!(expanded("f();\n%%pool"), @r#"%%pool is no cell magic: write %pool on a line of its own @ "%%pool""#);
    insta::assert_snapshot!(expanded("%%cpus\nf()"), @r#"%%cpus is no cell magic: write %cpus on a line of its own @ "%%cpus""#);
    insta::assert_snapshot!(expanded("%cpus extra"), @r#"%cpus: unexpected extra; usage: %cpus [-v] [--json] @ "extra""#);
    insta::assert_snapshot!(expanded("%cpus -x"), @r#"%cpus: unknown option -x; usage: %cpus [-v] [--json] @ "-x""#);
    insta::assert_snapshot!(expanded("%pool 0"), @r#"%pool: the number of workers must be a whole number of at least 1, not 0; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "0""#);
    insta::assert_snapshot!(expanded("%pool -4"), @r#"%pool: the number of workers must be a whole number of at least 1, not -4; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "-4""#);
    insta::assert_snapshot!(expanded("%pool 4.5"), @r#"%pool: the number of workers must be a whole number of at least 1, not 4.5; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "4.5""#);
    insta::assert_snapshot!(expanded("%pool 4x"), @r#"%pool: the number of workers must be a whole number of at least 1, not 4x; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "4x""#);
    insta::assert_snapshot!(expanded("%pool 70_000"), @r#"%pool: the number of workers must be at most 65535, not 70_000; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "70_000""#);
    insta::assert_snapshot!(expanded("%pool statsu"), @r#"%pool: unexpected statsu: did you mean status? usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "statsu""#);
    insta::assert_snapshot!(expanded("%pool close it"), @r#"%pool: unexpected it; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "it""#);
    insta::assert_snapshot!(expanded("%%pol\nf()"), @r#"unknown magic %%pol: did you mean %pool? %magics lists them all @ "%%pol""#);
    insta::assert_snapshot!(expanded("%pool 4 5"), @r#"%pool: unexpected 5; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "5""#);
    insta::assert_snapshot!(expanded("%pool 4 --logical"), @r#"%pool: 4 and --logical both say how many workers: give one of them; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "--logical""#);
    insta::assert_snapshot!(expanded("%pool --name"), @r#"%pool: option --name needs a value NAME; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "--name""#);
    insta::assert_snapshot!(expanded("%pool --name 2x"), @r#"%pool: option --name must be a Rust variable name, not 2x; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "2x""#);
    insta::assert_snapshot!(expanded("%pool --name=match"), @r#"%pool: option --name must be a Rust variable name, not the keyword match; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "match""#);
    insta::assert_snapshot!(expanded("%pool close --pin"), @r#"%pool: option --pin does not go with close; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "--pin""#);
    insta::assert_snapshot!(expanded("%pool status --name x"), @r#"%pool: option --name does not go with status; usage: %pool [N] [--logical] [--name NAME] [--pin] | %pool status | %pool close [--name NAME] @ "--name x""#);
    insta::assert_snapshot!(expanded("%pool (\nlet x = 1;"), @r#"%pool: the ( is not closed @ "(""#);
    insta::assert_snapshot!(expanded("%pool 4)"), @r#"%pool: ) closes nothing that is open @ ")""#);
    insta::assert_snapshot!(expanded("%pool --name \"x\n"), @r#"%pool: the string that begins here is not closed @ "\"x""#);
}

#[test]
fn analysis_keeps_rust_and_blanks_half_typed_magics() {
    insta::assert_snapshot!(analysed("%cpus\nlet x = 1;"), @r"
     
    let x = 1;
    ");
    insta::assert_snapshot!(analysed("%nonsense\nlet x = 1;"), @r"
     
    let x = 1;
    ");
    insta::assert_snapshot!(analysed("%pool --na\nlet x = 1;"), @r"
     
    let x = 1;
    ");
    insta::assert_snapshot!(analysed("%timeit -n x pool.ma"), @"pool.ma;");
    insta::assert_snapshot!(analysed("%timeit pool.map(\nf"), @r"
    pool.map(
    f;
    ");
    insta::assert_snapshot!(analysed("%timeit --wrong pool.ma; let"), @"pool.ma; let;");
    insta::assert_snapshot!(analysed("%%timeit -r let v = 1;\nv.le\n"), @r"
    v = 1;;
    v.le;
    ");
    insta::assert_snapshot!(analysed("%pool 4\npool.ma"), @r#"
    let pool: ::corebook::pool::Pool = ::corebook::__private::pool::open("pool", Some(4), false, false);
    pool.ma
    "#);
}

#[test]
fn every_piece_stays_on_its_line() {
    insta::assert_snapshot!(expanded("x;\n%timeit -q pool.map(\n    f, // all\n    0..8)  // eight\ny;"), @r"
    x;
    { ::corebook::timing::timeit(&::corebook::timing::Options { show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut || { ::core::hint::black_box(&(pool.map(
        f, // all
        0..8))); }); };
    y;
    ");
    insta::assert_snapshot!(expanded("\n%%timeit -q let v = [\n    1];\n\n// sum\nv.len()\n// end\n"), @r"

    { ::corebook::timing::timeit_with_setup(&::corebook::timing::Options { show: ::corebook::timing::Show::Nothing, checked: cfg!(debug_assertions), ..::corebook::timing::Options::DEFAULT }, &mut |corebook_run| { let v = [
        1]; corebook_run.time(&mut || { ::core::hint::black_box(&{ 


    v.len() }); }); }); };
    ");
}

#[test]
fn cell_magics_take_the_whole_cell_and_hold_no_magic() {
    insta::assert_snapshot!(expanded("%timit f(x)"), @r#"unknown magic %timit: did you mean %timeit? %magics lists them all @ "%timit""#);
    insta::assert_snapshot!(expanded("%%timit f(x)\ng()"), @r#"unknown magic %%timit: did you mean %%timeit? %magics lists them all @ "%%timit""#);
    insta::assert_snapshot!(expanded("f();\n%%timeit f(x)"), @r#"%%timeit is not on the cell's first line: move it there, or write %timeit EXPR for one expression @ "%%timeit""#);
    insta::assert_snapshot!(expanded("%%timeit\n%pool 4\nf()"), @r#"%pool stands inside %%timeit: run it in a cell of its own @ "%pool""#);
    insta::assert_snapshot!(expanded("%%timeit\nf(\n"), @r#"%%timeit: the ( is not closed @ "(""#);
    insta::assert_snapshot!(expanded("%%timeit\nlet s = \"a"), @r#"%%timeit: the string that begins here is not closed @ "\"a""#);
    insta::assert_snapshot!(expanded("%timeit f(\"a)\nlet x = 1;"), @r#"%timeit: the string that begins here is not closed @ "\"a)""#);
    insta::assert_snapshot!(expanded("%timeit f(x]"), @r#"%timeit: ] closes nothing that is open @ "]""#);
    insta::assert_snapshot!(expanded("%timeit f(); g()"), @r#"%timeit: this is more than one expression: put it in braces, or write it below %%timeit; usage: %timeit [-n N] [-r R] [-p P] [-c] [-q] [-d] [-o [NAME]] [-b] [--] EXPR @ "g()""#);
    insta::assert_snapshot!(expanded("%%timeit?"), @r#"[Help("timeit")]"#);
}

#[test]
fn errors_in_generated_text_point_at_the_magic() {
    let source = "let x = 1;\n  %timeit f(x)\n";
    let Ok(Expansion::Rust {
        code,
        map,
        is_timing,
    }) = expand(source, &Echo)
    else {
        panic!("the cell is well formed");
    };
    assert!(is_timing);
    let place = |text: &str| {
        let start = code.find(text).expect("the text is in the code");
        &source[map.nearest_source(start..start + text.len())]
    };
    assert_eq!(place("f(x)"), "f(x)");
    assert_eq!(place("x = 1"), "x = 1");
    assert_eq!(place("::corebook"), "%timeit");
    assert_eq!(map.to_source(code.find("::corebook").unwrap_or(0)), None);
    assert_eq!(map.to_code(source.find("timeit").unwrap_or(0)), None);
}

#[test]
fn analysis_maps_a_half_typed_expression() {
    for source in [
        "%timeit pool.ma",
        "%timeit -n 3 -- pool.ma",
        "%timeit --nonsense pool.ma",
        "%timeit g(pool.ma",
    ] {
        let (code, map) = expand_for_analysis(source);
        let at = map.to_code(source.len()).expect("the cursor is in Rust");
        assert!(code[..at].ends_with("pool.ma"), "{source:?} -> {code:?}");
    }
}

#[test]
fn analysis_blanks_commands_and_keeps_positions() {
    let source = ":dep rand = \"1\"\n%cpus\nrand::";
    let (code, map) = expand_for_analysis(source);
    assert!(!code.contains("dep"), "{code:?}");
    let at = map.to_code(source.len()).expect("the cursor is in Rust");
    assert!(code[..at].ends_with("\nrand::"), "{code:?}");
}

/// Checks that each byte of the cell maps to the code and back.
fn check_round_trips(source: &str, code: &str, map: &SourceMap) {
    for offset in 0..=source.len() {
        if let Some(at) = map.to_code(offset) {
            assert_eq!(map.to_source(at), Some(offset), "{source:?} -> {code:?}");
        }
    }
    for at in 0..code.len() {
        let near = map.nearest_source(at..at + 1);
        if map.to_source(at).is_some() && near.len() == 1 {
            assert_eq!(
                source.as_bytes()[near.start],
                code.as_bytes()[at],
                "{source:?} -> {code:?}"
            );
        }
    }
}

fn check(source: &str) {
    let (code, map) = expand_for_analysis(source);
    check_round_trips(source, &code, &map);
    if let Ok(Expansion::Rust { code, map, .. }) = expand(source, &Echo) {
        check_round_trips(source, &code, &map);
        let scan = scan(source);
        if scan.magics.is_empty() {
            assert_eq!(code, source);
        }
        if scan.commands.is_empty() {
            assert_eq!(
                code.matches('\n').count(),
                source.matches('\n').count(),
                "{source:?}"
            );
        }
        for at in 0..=code.len() {
            let near = map.nearest_source(at..(at + 3).min(code.len()).max(at));
            assert!(
                near.start <= near.end && near.end <= source.len(),
                "{source:?} {at} {near:?}"
            );
        }
    }
    for cursor in 0..=source.len() {
        let _ = crate::completion::complete(source, cursor);
        let _ = crate::completion::inspect(source, cursor);
        let _ = crate::context::context(source, cursor);
        let _ = crate::context::name_end(source, cursor);
    }
    let _ = crate::completeness::is_complete(source);
}

/// Pieces that cells with magics are made of.
fn cell() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "%pool",
        "%cpus",
        "%%timeit",
        "%timeit",
        "%compare",
        "%time",
        "%magics",
        "%nonsense",
        "?",
        "??%pool",
        " -n",
        " -o",
        " t",
        " 4",
        " --name x",
        " --",
        "-",
        "=",
        "\n",
        "\n",
        "\r\n",
        "\t",
        " ",
        ";",
        "let x = a",
        "f(x)",
        "%",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "r#\"",
        "\"#",
        "//",
        "/*",
        "*/",
        "\\",
        ":dep rand",
        "!ls",
        "#[a]",
        "é",
        "😀",
        "match x {}",
        ";;",
        "---",
        "\0",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cells_made_of_pieces_expand_and_map_back(source in cell()) {
        check(&source);
    }

    #[test]
    fn arbitrary_text_expands_or_fails(source in "\\PC*|(?s).{0,40}") {
        check(&source);
    }
}
