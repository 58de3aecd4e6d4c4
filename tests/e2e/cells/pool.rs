//! A pool made in one cell works in every later one, and each row of the table in docs/multiprocessing.md works in a
//! cell.

use corebook_tests::notebook::{Notebook, Start};

/// Without a network: what the pool needs is prebuilt.
const OFFLINE: Start<'_> = Start {
    variables: &[("CARGO_NET_OFFLINE", "true")],
};

#[test]
fn a_pool_works_in_later_cells_and_after_errors() {
    let notebook = Notebook::start_as(&OFFLINE);
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    for cell in 1..=10 {
        let code = format!("pool.map(|x| x * {cell}, 0..4)");
        let expected = format!("{:?}", [0, cell, 2 * cell, 3 * cell]);
        assert_eq!(notebook.run(&code).result(), expected);
    }

    // With a dependency on rayon, cells link to the same rayon, so its code finds the pool's workers.
    notebook.run_quietly(":dep rayon = \"1\"\nuse rayon::prelude::*;");
    assert_eq!(
        notebook
            .run("pool.map(|_| rayon::current_thread_index().is_some(), 0..4)")
            .result(),
        "[true, true, true, true]"
    );
    let nested = "pool.map(|x: u64| (0..x).into_par_iter().map(|y| y + u64::from(rayon::current_thread_index().is_none())).sum::<u64>(), 0..5u64)";
    assert_eq!(notebook.run(nested).result(), "[0, 0, 1, 3, 6]");

    let log = notebook.run("let wrong: i32 = pool;").log();
    assert_eq!(log, ["CompileError: E0308: mismatched types"]);
    assert_eq!(
        notebook.run("pool.map(|x| x + 1, 0..3)").result(),
        "[1, 2, 3]"
    );

    assert_eq!(notebook.run("panic!(\"x\")").log(), ["Panic: x"]);
    assert_eq!(
        notebook.run("pool.map(|x| x + 2, 0..3)").result(),
        "[2, 3, 4]"
    );

    // A panic in an item happens on a worker of the pool.
    let log = notebook
        .run("let _ = pool.map(|x| 10 / (x - 3), 0..24);")
        .log();
    assert_eq!(
        log,
        ["Panic: panicked in item 3 (of 24): attempt to divide by zero"]
    );
    assert_eq!(
        notebook.run("pool.map(|x| x + 3, 0..3)").result(),
        "[3, 4, 5]"
    );
    assert_eq!(
        notebook
            .run("pool.install(|| (0..100u64).into_par_iter().sum::<u64>())")
            .result(),
        "4950"
    );
}

/// Rows of the table: a cell, and the value it shows.
const ROWS: [(&str, &str); 21] = [
    ("pool.map(|x| x * x, 0..5)", "[0, 1, 4, 9, 16]"),
    ("pool.map(|x| x + 1, 1..=3u8)", "[2, 3, 4]"),
    (
        "pool.map(|word: &str| word.len(), [\"a\", \"bc\"])",
        "[1, 2]",
    ),
    ("pool.map(|x| *x + offset, &numbers)", "[11, 12, 13]"),
    ("pool.map(double, 0..3)", "[0, 2, 4]"),
    ("pool.map(u64::count_ones, 0..4u64)", "[0, 1, 1, 2]"),
    ("pool.starmap(|a, b| a * b, [(1, 2), (3, 4)])", "[2, 12]"),
    (
        "pool.filter_map(|x| (x % 2 == 1).then_some(x), 0..6)",
        "[1, 3, 5]",
    ),
    ("pool.map_reduce(|x| x * 2, 0..5, 0, |a, b| a + b)", "20"),
    ("pool.sum(|x| x as u64, 0..101)", "5050"),
    ("pool.min_by_key(|x: &i32| (x - 3).abs(), 0..9)", "Some(3)"),
    ("pool.max_by_key(|x: &i32| x % 5, 0..9)", "Some(4)"),
    (
        "pool.imap(|x| x + 1, 0..4).collect::<Vec<_>>()",
        "[1, 2, 3, 4]",
    ),
    (
        "{ let mut all: Vec<_> = pool.imap_unordered(|x| x * 10, 0..3).collect(); all.sort(); all.into_iter().map(|(_, result)| result).collect::<Vec<_>>() }",
        "[0, 10, 20]",
    ),
    (
        "{ let task = pool.map_async(|x| x + 1, 0..3); task.wait(); task.get() }",
        "[1, 2, 3]",
    ),
    ("pool.apply(|| 6 * 7)", "42"),
    ("pool.apply_async(|| 6 * 7).get()", "42"),
    (
        "pool.try_map(|text: &str| text.parse::<i32>(), [\"1\", \"2\"]).unwrap()",
        "[1, 2]",
    ),
    ("pool.chunksize(2).map(|x| x + 1, 0..5)", "[1, 2, 3, 4, 5]"),
    ("pool.install(|| 1 + 1)", "2"),
    (
        "pool.map(|x| pool.map(move |y| x * y, 0..3), 0..2).concat()",
        "[0, 0, 0, 0, 1, 2]",
    ),
];

#[test]
fn every_row_of_the_mapping_table_works_in_a_cell() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly(
        "let numbers = vec![1, 2, 3];\nlet offset = 10;\nfn double(x: i32) -> i32 { 2 * x }",
    );
    for (code, expected) in ROWS {
        assert_eq!(notebook.run(code).result(), expected, "{code}");
    }
    notebook
        .run("let seen = std::sync::atomic::AtomicU64::new(0);\npool.for_each(|x| { seen.fetch_add(x, std::sync::atomic::Ordering::Relaxed); }, 0..5u64);\nprintln!(\"{seen:?}\");")
        .shows(&["stdout: 10\n"]);
    let error = notebook
        .run("pool.try_map(|x| if x > 1 { Err(\"too large\") } else { Ok(x) }, 0..4).unwrap_err().to_string()")
        .result();
    assert!(
        error.contains('2') && error.contains("too large"),
        "{error}"
    );
}
