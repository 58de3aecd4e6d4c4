//! A pool made in one cell works in every later one, whatever happens between.

use corebook_tests::notebook::{Notebook, Start};

/// No network: what the pool needs is prebuilt.
const OFFLINE: Start<'_> = Start {
    variables: &[("CARGO_NET_OFFLINE", "true")],
};

#[test]
fn a_pool_is_used_in_ten_later_cells_and_survives_what_happens_between() {
    let notebook = Notebook::start_as(&OFFLINE);
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    for cell in 1..=10 {
        let code = format!("pool.map(|x| x * {cell}, 0..4)");
        let expected = format!("{:?}", [0, cell, 2 * cell, 3 * cell]);
        assert_eq!(notebook.run(&code).result(), expected);
    }

    // A dependency: cells link to the same rayon, so its code finds the pool's workers.
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

    // A panic in an item, on a worker of the pool itself.
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
