//! How often rustc runs for a cell, where its files lie, and the types that are inferred before it runs.
//!
//! rustc runs once for nearly every cell. It is counted where it is started; the reply's metadata holds the count.

use corebook_tests::execution::Ran;
use corebook_tests::notebook::Notebook;

/// Sixty cells of one notebook, in order, with how often rustc runs for each.
///
/// evcxr learns from a compile error what it does not know about a cell, and compiles again. Two cells here need that:
/// the first that moves a variable of the notebook, which then must not be kept, and the first with a `?`, after which
/// all cells can have one.
const CORPUS: [(&str, u64); 60] = [
    // Expressions of many types.
    ("1 + 1", 1),
    ("2.5_f64.sqrt()", 1),
    ("'c'", 1),
    ("\"text\"", 1),
    ("format!(\"{}-{}\", 1, 2)", 1),
    ("(1, \"two\", 3.0)", 1),
    ("[1, 2, 3]", 1),
    ("vec![Some(1), None]", 1),
    ("Ok::<i32, String>(1)", 1),
    ("()", 1),
    ("if 1 < 2 { \"yes\" } else { \"no\" }", 1),
    ("match 3 { 1 => 'a', _ => 'b' }", 1),
    // Variables.
    ("let x = 5i64;", 1),
    ("let mut v: Vec<i64> = (0..10).collect();", 1),
    ("let (a, b) = (1, \"two\".to_string());", 1),
    (
        "let m: std::collections::HashMap<String, Vec<i64>> = Default::default();",
        1,
    ),
    (
        "let boxed: Box<dyn Fn(i64) -> i64 + Send + Sync> = Box::new(|n| n + 1);",
        1,
    ),
    (
        "let shared = std::sync::Arc::new(std::sync::Mutex::new(0));",
        1,
    ),
    (
        "let words: Vec<String> = \"a b\".split(' ').map(str::to_owned).collect(); words.len()",
        1,
    ),
    ("let x = x + 1;", 1),
    ("v.push(10);", 1),
    ("v.iter().map(|n| n * 2).collect::<Vec<_>>()", 1),
    ("boxed(x)", 1),
    ("*shared.lock().unwrap() += 1;", 1),
    ("m.len()", 1),
    ("let moved = words;", 2),
    // Statements.
    ("println!(\"{x} {b}\");", 1),
    ("eprintln!(\"{a}\");", 1),
    ("for i in 0..3 { println!(\"{i}\"); }", 1),
    ("let mut i = 0; while i < 3 { i += 1; }", 1),
    (
        "{ let hidden = |n: i64| n + x; println!(\"{}\", hidden(1)); }",
        1,
    ),
    ("std::thread::spawn(|| 1 + 1).join().unwrap()", 1),
    // Items.
    ("fn double(n: i64) -> i64 { n * 2 }", 1),
    ("double(x)", 1),
    (
        "#[derive(Debug, Clone, PartialEq)] struct Point { x: f64, y: f64 }",
        1,
    ),
    (
        "impl Point { fn length(&self) -> f64 { self.x.hypot(self.y) } }",
        1,
    ),
    ("let p = Point { x: 3.0, y: 4.0 }; p.length()", 1),
    (
        "trait Area { fn area(&self) -> f64; } impl Area for Point { fn area(&self) -> f64 { self.x * self.y } }",
        1,
    ),
    ("p.area()", 1),
    (
        "fn largest<T: PartialOrd + Copy>(items: &[T]) -> T { items.iter().copied().reduce(|a, b| if a < b { b } else { a }).unwrap() }",
        1,
    ),
    ("largest(&v)", 1),
    (
        "mod shapes { pub fn sides() -> u32 { 4 } }\nshapes::sides()",
        1,
    ),
    (
        "macro_rules! square { ($e:expr) => { $e * $e } }\nsquare!(x)",
        1,
    ),
    (
        "use std::collections::BTreeMap;\nlet t: BTreeMap<i64, i64> = v.iter().map(|n| (*n, n * n)).collect();",
        1,
    ),
    ("async fn later() -> i32 { 1 }", 1),
    ("let n: i64 = \"12\".parse()?;", 1),
    ("let k: i64 = \"13\".parse()?; n + k", 1),
    // Magics.
    ("%pool 2", 1),
    ("pool.map(|i| i * x, 0..24i64)", 1),
    ("pool.map(double, v.clone())", 1),
    (
        "let squares = pool.starmap(|a, b| a * b, [(1, 2), (3, 4)]); pool.sum(|i| i, 0..10u64)",
        1,
    ),
    (
        "pool.for_each(|i| { let _ = i * 2; }, 0..4); pool.filter_map(|i| (i % 2 == 0).then_some(i), 0..9)",
        1,
    ),
    ("%timeit -n 1 -r 1 double(x)", 1),
    ("%timeit -q -n 1 -r 1 -o t v.iter().sum::<i64>()", 1),
    (
        "%%timeit -n 1 -r 1 let data = v.clone();\ndata.iter().max()",
        1,
    ),
    ("%time let timed = pool.map(double, 0..4);", 1),
    ("%%time\nlet y = double(3);\ny + 1", 1),
    ("%compare -q double(1) ;; double(1)", 1),
    (
        "%%compare -q -o c\nserial: v.iter().sum::<i64>()\n---\npool: pool.sum(|n| *n, &v)",
        1,
    ),
    (
        "%cpus\nlet here = cpus::usable();\n%time here + 1\n%pool close",
        1,
    ),
];

/// Cells that rustc refuses, one for each kind of error.
const REFUSED: [&str; 28] = [
    // Types.
    "let number: i32 = \"text\";",
    "1 + \"a\"",
    "let list: Vec<i32> = (0..3).map(|x| x as u8).collect();",
    "let empty = Vec::new();",
    "double(1, 2)",
    "let [first, second] = [1, 2, 3];",
    "match Some(1) { None => 0 }",
    "let Some(found) = Some(1);",
    // Names.
    "unknown",
    "unknown_function(1)",
    "numbers.no_such_method()",
    "point.z",
    "no_such_macro!(1)",
    "use no::such::path;",
    "let other = Point { x: 1.0 };",
    // Borrows and moves.
    "let moved = text; text.len()",
    "let mut own = vec![1]; let first = &own[0]; own.push(2); *first",
    "let outer; { let inner = 5; outer = &inner; } *outer",
    "let first = &numbers[0]; let all = numbers; *first",
    "let fixed = 5; fixed = 6;",
    // Traits.
    "println!(\"{}\", point);",
    "impl NoSuchTrait for Point {}",
    "let counted = std::rc::Rc::new(1); std::thread::spawn(move || counted);",
    "\"text\".parse::<Point>().is_ok()",
    // Syntax.
    "let number = ;",
    "fn broken( { }",
    // Lints that are errors.
    "let small: u8 = 256;",
    // Two errors.
    "let a: i32 = \"text\"; let b = unknown;",
];

#[test]
fn rustc_runs_once_for_nearly_every_cell() {
    let notebook = Notebook::start();
    let counted: Vec<(&str, u64)> = CORPUS
        .iter()
        .map(|(code, _)| (*code, rustc_runs(&notebook, code)))
        .collect();
    assert_eq!(counted, CORPUS);
}

// Whoever made a mistake waits for rustc. It says in one run what is wrong; a second one may add what else there is.
#[test]
fn rustc_runs_twice_at_most_for_a_refused_cell() {
    let notebook = Notebook::start();
    notebook.run_quietly(
        "struct Point { x: f64, y: f64 } fn double(n: i64) -> i64 { n * 2 }\nlet numbers = vec![1, 2]; let text = String::from(\"text\"); let point = Point { x: 1.0, y: 2.0 };",
    );
    let mut more: Vec<(&str, u64)> = Vec::new();
    for code in REFUSED {
        let ran = notebook.run(code);
        assert_eq!(ran.reply.text("ename"), "CompileError", "{code}");
        let runs = runs_in(&ran);
        if runs > 2 {
            more.push((code, runs));
        }
    }
    assert_eq!(more, []);
    assert_eq!(
        notebook.run("(numbers, text, point.y)").result(),
        "([1, 2], \"text\", 2.0)"
    );
}

#[test]
fn questions_to_the_kernel_compile_nothing() {
    let notebook = Notebook::start();
    for code in ["%cpus", "%pool status", "%magics", "%timeit?", ":vars", ""] {
        assert_eq!(rustc_runs(&notebook, code), 0, "{code}");
    }
}

#[test]
fn a_reply_says_where_the_time_went() {
    let notebook = Notebook::start();
    notebook.warm_up();
    let ran = notebook.run("std::thread::sleep(std::time::Duration::from_millis(30));");
    let timings = ran.reply.metadata["timings"].clone();
    ran.shows_nothing();
    let seconds = |part: &str| timings[part].as_f64().expect("a number of seconds");
    assert!(seconds("analysis") > 0.0, "{timings}");
    assert!(seconds("rustc") > 0.0, "{timings}");
    assert!(seconds("run") >= 0.03, "{timings}");
}

/// Runs a cell, which must succeed, and returns how often rustc ran.
fn rustc_runs(notebook: &Notebook, code: &str) -> u64 {
    let ran = notebook.run(code);
    assert_eq!(
        ran.reply.text("status"),
        "ok",
        "{code}: {:?}",
        ran.log_lines()
    );
    runs_in(&ran)
}

fn runs_in(ran: &Ran) -> u64 {
    let runs = &ran.reply.metadata["timings"]["rustc_runs"];
    runs.as_u64().expect("a count")
}

// A cell's own temporary files go where the user wants.
#[test]
fn rustcs_temporary_files_lie_in_the_session() {
    let notebook = Notebook::start();
    let session = notebook.session_folder();
    let compilers = notebook.run("option_env!(\"TMPDIR\")").result();
    assert_eq!(compilers, format!("Some({:?})", session.join("tmp")));
    let own = notebook.run("std::env::temp_dir()").result();
    let users = notebook.process.folder().join("tmp");
    assert_eq!(own, format!("{users:?}"));
}

// evcxr contains rust-analyzer, which would read the standard library and all dependencies: 400 MB.
#[test]
fn evcxrs_rust_analyzer_reads_nothing() {
    let notebook = Notebook::start();
    let kernel = notebook.process.pid();
    for number in 0..10 {
        notebook.run_quietly(&format!("let words{number} = vec![\"a\".to_string()];"));
    }
    let rollup = std::fs::read_to_string(format!("/proc/{kernel}/smaps_rollup")).expect("it runs");
    let private_kib: u64 = rollup
        .lines()
        .filter(|line| line.starts_with("Private_"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum();
    assert!(private_kib > 0, "{rollup}");
    assert!(private_kib < 60 * 1024, "{private_kib} KiB");
}

#[test]
fn types_are_inferred_after_cells_without_variables() {
    let notebook = Notebook::start();
    assert_eq!(notebook.run("1 + 1").result(), "2");
    notebook.run_quietly("let start: u32 = 3;");
    notebook.run_quietly("let doubled = (0..start).map(|x| 2 * x).collect::<Vec<_>>();");
    assert_eq!(notebook.run("doubled").result(), "[0, 2, 4]");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn types_of_vector_instructions_are_inferred() {
    let notebook = Notebook::start();
    notebook.run_quietly("let kept = 7;");
    notebook.run_quietly("use std::arch::x86_64::*;\nlet ones = unsafe { _mm_set1_ps(1.0) };");
    notebook.run_quietly("let one = unsafe { _mm_cvtss_f32(ones) };");
    assert_eq!(notebook.run("(one, kept)").result(), "(1.0, 7)");
}
