//! Keeps the snippets that the runtime's tests compile and run equal to what the timing magics emit.
//!
//! The expansion of each cell is stored in `runtime/tests/timing_snippets/`. With `UPDATE_SNIPPETS=1` this test
//! writes the files. Without it, the test fails if a file differs.

use std::path::Path;

use corebook_magics::expansion::{Expansion, expand};
use corebook_magics::magic::{Host, Question};

/// (name of the snippet, cell)
const CELLS: &[(&str, &str)] = &[
    (
        "expression",
        "%timeit -q -n 2 -r 1 (0..24).map(poly).sum::<i64>()",
    ),
    ("borrowed_result", "%timeit -qn2 -r1 numbers.iter().max()"),
    (
        "mutable_borrow_in_result",
        "%timeit -qn2 -r1 numbers.iter_mut().max()",
    ),
    (
        "temporary_in_result",
        "%timeit -qn2 -r1 vec![3, 1, 2].iter().max()",
    ),
    ("unit", "%timeit -qn2 -r1 numbers.push(4)"),
    (
        "variable_alone",
        "%timeit -qn2 -r1 numbers\nassert_eq!(numbers.len(), 3);",
    ),
    ("unsized_place", "%timeit -qn2 -r1 *name"),
    ("huge_value", "%timeit -qn2 -r1 [poly(3); 10_000]"),
    ("block", "%timeit -qn2 -r1 { let x = poly(3); x + 1 }"),
    (
        "several_lines",
        "%timeit -qn2 -r1 (\n    numbers.iter() // all of them\n    .sum::<i64>()\n)",
    ),
    ("question_mark", "%timeit -qn2 -r1 digits.parse::<i64>()?"),
    (
        "result_without_question_mark",
        "%timeit -qn2 -r1 digits.parse::<i64>()",
    ),
    (
        "hidden_literals",
        "%timeit -b -qn2 -r1 (0..24).map(poly).sum::<i64>() + if let 3 = 4 { 5 } else { 6 }",
    ),
    (
        "bound",
        "%timeit -cdq -n 2 -r 3 -p 4 -o t poly(3)\nassert_eq!((t.loops, t.repeat, t.timings.len()), (2, 3, 3));\nassert!(t.cpu && t.best <= t.worst);",
    ),
    (
        "shown",
        "let before = 1;\n%timeit -n 2 -r 1 -o poly(before)\n%timeit -n 2 -r 1 -d poly(before);",
    ),
    (
        "cell",
        "%%timeit -qn2 -r1\nlet x = poly(3);\nfn local() -> i64 { 1 }\nx + local() // the end\n",
    ),
    (
        "setup",
        "%%timeit -qn2 -r1 let mut sorted = numbers.clone()\nsorted.sort();\nsorted[0]",
    ),
    (
        "setup_used_up",
        "%%timeit -q -n 1 -r 2 let taken = numbers.clone();\ndrop(taken)",
    ),
    (
        "setup_question_mark",
        "%%timeit -q -n 2 -r 2 let number: i64 = digits.parse()?\npoly(number)",
    ),
    (
        "setup_used_up_question_mark",
        "%%timeit -q -n 1 -r 2 let taken = digits.to_owned()\ndrop(taken);\ndigits.parse::<i64>()?;",
    ),
    (
        "time_value",
        "let value: i64 =\n{\n  3\n};\n%time let timed = poly(value);\nassert_eq!(timed, poly(3));",
    ),
    (
        "time_question_mark",
        "%time let timed: i64 = digits.parse()?;\nassert_eq!(timed, 42);",
    ),
    ("time_moves", "%time drop(numbers)"),
    (
        "time_cell",
        "%%time\nlet kept = poly(3);\nassert_eq!(kept, 28);",
    ),
    (
        "compare",
        "%compare -q -n 2 -r 3 numbers.iter().sum::<i64>() ;; numbers.iter().rev().sum::<i64>()",
    ),
    (
        "compare_changes_the_same",
        "%compare -q -n 2 -r 3 numbers.push(1) ;; numbers.push(2)",
    ),
    (
        "compare_opaque",
        "%compare -q -n 2 -r 3 -o c Opaque(1) ;; Opaque(2)\nassert_eq!(c.results, \"not compared\");",
    ),
    (
        "compare_types",
        "%compare -q -n 2 -r 3 -o c vec![1, 2] ;; [1, 2]\nassert_eq!(c.results, \"equal\");",
    ),
    (
        "compare_floats",
        "%compare -q -n 2 -r 3 --tol 1e-9 -o c vec![0.1 + 0.2] ;; vec![0.3]\nassert_eq!(c.results, \"equal\");",
    ),
    (
        "compare_differs",
        "%compare -q -n 2 -r 3 -o c poly(1) ;; poly(2)\nassert_eq!(c.results, \"differ\");",
    ),
    (
        "compare_question_mark",
        "%%compare -q -n 2 -r 3 -o c\none: digits.parse::<i64>()?\n---\ntwo: let x = 42;\nx\n---\nthree: poly(3)\n",
    ),
];

struct NoHost;

impl Host for NoHost {
    fn answer(&self, question: &Question) -> String {
        panic!("unexpected question {question:?}");
    }
}

#[test]
fn snippets_are_what_the_magics_emit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/tests/timing_snippets");
    let updates = std::env::var_os("UPDATE_SNIPPETS").is_some();
    for (name, cell) in CELLS {
        let code = match expand(cell, &NoHost) {
            Ok(Expansion::Rust {
                code,
                is_timing: true,
                ..
            }) => code,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(
            code.lines().count(),
            cell.lines().count(),
            "{name} keeps its lines"
        );
        let snippet = format!("{{\n{code}\n}}\n");
        let file = folder.join(format!("{name}.rs"));
        if updates {
            std::fs::write(&file, &snippet).expect("the folder is writable");
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            kept, snippet,
            "{name}: run with UPDATE_SNIPPETS=1 and look at the difference"
        );
    }
    let files = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .count();
    assert_eq!(files, CELLS.len(), "a snippet without a cell");
}
