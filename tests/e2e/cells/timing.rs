//! The magics that time: their lines are as documented, and what they refuse is named at its place.

use corebook_tests::execution::Ran;
use corebook_tests::notebook::Notebook;

/// What the cell printed to stdout. It may warn on stderr too if the machine is busy.
fn printed(ran: Ran) -> String {
    let log = ran.log();
    let texts = log.iter().filter_map(|line| line.strip_prefix("stdout: "));
    texts.collect()
}

/// `text` with each number replaced by `#`, so that texts with different figures can be compared.
fn without_numbers(text: &str) -> String {
    let mut shape = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            _ => shape.push(c),
        }
    }
    shape
}

/// The cell failed with this error only. Returns the traceback in plain text.
fn failed(ran: &Ran, expected: &str) -> String {
    assert_eq!(ran.log_lines(), [expected]);
    ran.traceback()
}

#[test]
fn the_tutorials_lines_read_as_documented() {
    let notebook = Notebook::start();
    // On a machine with fewer cores it also warns.
    let log = notebook.run("%pool 8").log();
    assert!(log.concat().contains("pool: 8 workers\n"), "{log:?}");
    notebook.run_quietly(
        "fn sleeping(x: u64) -> u64 {\n    std::thread::sleep(std::time::Duration::from_millis(100));\n    x\n}",
    );
    // A sleep can only be too long, so the words and a lower bound of the figures are asserted.
    for (cell, unit, least) in [
        (
            "%timeit -r 1 (0..24).map(sleeping).collect::<Vec<_>>()",
            "s",
            2.4,
        ),
        ("%timeit pool.map(sleeping, 0..24)", "ms", 300.0),
    ] {
        let ran = notebook.run(cell);
        let text = printed(ran);
        assert_eq!(
            without_numbers(&text),
            format!("# loop, best of #: # {unit} per loop\n"),
            "{cell}"
        );
        let figure = text.split([':', ' ']).nth(6).expect("a figure");
        let figure: f64 = figure.parse().expect("a number");
        assert!(figure >= least, "{cell}: {text}");
    }
}

#[test]
fn every_timing_magic_prints_its_lines() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly("let numbers: Vec<u64> = (0..1000).collect();");
    let timeit = notebook.run("%timeit -n 10 -r 3 numbers.iter().sum::<u64>()");
    let text = printed(timeit);
    assert!(text.starts_with("10 loops, best of 3: "), "{text}");
    let setup = notebook
        .run("%%timeit -n 1 -r 2 let mut all = numbers.clone();\nall.reverse();\ndrop(all)");
    let text = printed(setup);
    assert!(text.starts_with("1 loop, best of 2: "), "{text}");
    // With -q and -o nothing is printed, and the figures are Rust values afterwards.
    notebook.run_quietly("%timeit -q -n 5 -r 4 -o kept numbers.len()");
    assert_eq!(
        notebook
            .run("(kept.loops, kept.repeat, kept.all_runs.len(), kept.best <= kept.median && kept.median <= kept.worst, kept.compile_time > 0.0)")
            .result(),
        "(5, 4, 4, true, true)"
    );
    let detailed = notebook.run("%timeit -d -n 5 -r 4 numbers.len()");
    let text = printed(detailed);
    assert!(
        text.contains("  median ") && text.ends_with(" s (opt-level 3)\n"),
        "{text}"
    );
    let time = notebook.run("%time numbers.len()");
    let log = time.log();
    assert!(log[0].starts_with("stdout: CPU times: user "), "{log:?}");
    assert!(log[0].contains("\nWall time: "), "{log:?}");
    assert_eq!(log[1..], ["result: 1000"]);
    let question_mark = notebook.run("%timeit -q -n 2 -r 2 \"12\".parse::<u8>()?");
    question_mark.shows_nothing();
}

#[test]
fn a_value_may_be_borrowed_huge_or_a_reference() {
    let notebook = Notebook::start();
    notebook.run_quietly("let words = vec![String::from(\"a\"); 3];");
    for expression in [
        "&words[1]",
        "words.iter().map(|word| word.as_str())",
        "[1_u8; 1 << 20]",
        "vec![0_u64; 8 << 20]",
        "()",
        "words.clone().into_boxed_slice()",
    ] {
        notebook.run_quietly(&format!("%timeit -q -n 2 -r 2 {expression}"));
    }
    assert_eq!(notebook.run("words.len()").result(), "3");
}

#[test]
fn what_is_refused_is_refused_at_its_own_place() {
    let notebook = Notebook::start();
    let usage = "usage: %timeit [-n N] [-r R] [-p P] [-c] [-q] [-d] [-o [NAME]] [-b] [--] EXPR";
    for (magic, complaint, column) in [
        ("%timeit", "there is no expression", 8),
        ("%timeit -n", "option -n needs a value N", 9),
        (
            "%timeit -n 0 f()",
            "option -n must be a whole number of at least 1, not 0",
            12,
        ),
        (
            "%timeit -n-3 f()",
            "option -n must be a whole number of at least 1, not -3",
            11,
        ),
        (
            "%timeit -r ten f()",
            "option -r must be a whole number of at least 1, not ten",
            12,
        ),
        (
            "%timeit -n100 -x f()",
            "unknown option -x; write -- before an expression that begins with -",
            15,
        ),
        (
            "%timeit f(); g()",
            "this is more than one expression: put it in braces, or write it below %%timeit",
            14,
        ),
    ] {
        let ran = notebook.run(&format!("println!(\"not run\");\n{magic}"));
        let traceback = failed(&ran, &format!("MagicError: %timeit: {complaint}; {usage}"));
        let place = format!("]:2:{column}\n");
        assert!(traceback.contains(&place), "{place:?} in\n{traceback}");
    }
}

#[test]
fn compile_errors_in_measured_code_are_at_its_own_place() {
    let notebook = Notebook::start();
    notebook.run_quietly("let v = vec![3, 1, 2];");
    for (cell, error, place) in [
        (
            "let é = 1;\n%timeit -n 3 é + nowhere",
            "E0425: cannot find value `nowhere` in this scope",
            "]:2:18",
        ),
        (
            "%%timeit let mut w = v.clone();\nw.sort();\nw.sort_by(7);",
            "E0277: expected a `FnMut(&i32, &i32)` closure, found `{integer}`",
            "]:3:11",
        ),
        (
            "%time 1 + \"2\"",
            "E0277: cannot add `&str` to `{integer}`",
            "]:1:9",
        ),
        (
            "%compare v.len() ;; v.lem()",
            "E0599: no method named `lem` found for struct `Vec<i32>` in the current scope",
            "]:1:23",
        ),
        (
            "%%compare\none: v.len()\n---\nother: v[\"a\"]",
            "E0277: the type `[i32]` cannot be indexed by `&str`",
            "]:4:10",
        ),
    ] {
        let ran = notebook.run(cell);
        let traceback = failed(&ran, &format!("CompileError: {error}"));
        assert!(traceback.contains(place), "{place:?} in\n{traceback}");
    }
    // If the code uses a value up, the error says how to keep it.
    let ran = notebook.run("%timeit drop(v)");
    let traceback = ran.traceback();
    assert!(ran.log()[0].starts_with("CompileError: E0507: "));
    assert!(
        traceback.contains("so it can't use up `v`: clone it (v.clone()), or make a new one"),
        "{traceback}"
    );
    assert_eq!(notebook.run("v").result(), "[3, 1, 2]");
}

#[test]
fn a_panic_abandons_the_timing_and_names_loop_and_item() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly("static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);\nfn tired() -> u32 {\n    let calls = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);\n    assert!(calls < 4, \"tired\");\n    calls\n}");
    let ran = notebook.run("%timeit -n 10 -r 2 tired()");
    assert_eq!(
        ran.log_lines(),
        [
            "stderr: timing abandoned: panicked in loop 5 (of 10)\n",
            "Panic: tired"
        ]
    );
    assert!(ran.traceback().contains("cell [2]:4:5"));
    let ran = notebook.run("%timeit -n 3 -r 2 pool.map(|x: i32| 6 / (x - 1), 0..4)");
    assert_eq!(
        ran.log(),
        [
            "stderr: timing abandoned: panicked in loop 1 (of 3)\n",
            "Panic: panicked in item 1 (of 4): attempt to divide by zero"
        ]
    );
    // A `?` ends the timing as it ends any cell.
    let ran = notebook.run("%timeit -n 3 -r 2 \"x\".parse::<u8>()?");
    let _ = failed(&ran, "Error: invalid digit found in string");
    assert_eq!(notebook.run("pool.map(|x| x, 0..2)").result(), "[0, 1]");
}

#[test]
fn doubtful_figures_are_marked() {
    let notebook = Notebook::start();
    let ran = notebook.run("%timeit -n 10000 -r 20 (0..24).map(|x: i64| x * x + 1).sum::<i64>()");
    let log = ran.log();
    assert!(
        log[0].starts_with("stderr: At the measurement floor (") && log[0].contains("use -b."),
        "{log:?}"
    );
    let ran = notebook.run(":opt 0");
    drop(ran.log());
    let log = notebook.run("%timeit -n 2 -r 2 (0..24).sum::<i64>()").log();
    assert_eq!(
        log[0],
        "stderr: Timed with overflow checks on (:opt 0): an optimised build can be several times faster.\n"
    );
}

#[test]
fn a_comparison_is_text_numbers_and_a_chart() {
    let notebook = Notebook::start();
    notebook
        .run("%pool 2")
        .shows(&["stdout: pool: 2 workers\n"]);
    notebook.run_quietly("let numbers: Vec<u64> = (0..2000).collect();");
    let ran = notebook.run(
        "%%compare -n 20 -r 6\nserial: numbers.iter().map(|x| x % 7).collect::<Vec<_>>()\n---\n\
         pool: pool.map(|index| numbers[index] % 7, 0..numbers.len())",
    );
    let chart = ran.log_lines().pop().expect("a comparison shows a chart");
    let text = printed(ran);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("serial  20 loops, best of 6: "),
        "{text}"
    );
    assert!(
        lines[1].starts_with("pool    20 loops, best of 6: "),
        "{text}"
    );
    assert!(
        lines[2].starts_with("speed-up ") && lines[2].contains("(95% interval "),
        "{text}"
    );
    assert_eq!(lines[3..], ["results equal"]);
    let numbers = "display: [application/vnd.corebook.timing+json] {\"sides\":[";
    assert!(chart.starts_with(numbers), "{chart}");
    assert!(
        chart.contains(" [text/html] <svg ") && chart.contains("role=\"img\""),
        "{chart}"
    );

    let log = notebook
        .run("%compare -q -n 20 -r 6 -o same numbers.len() ;; numbers.len()")
        .log();
    assert_eq!(log, Vec::<String>::new());
    assert_eq!(
        notebook
            .run("(same.sides.len(), same.results.as_str())")
            .result(),
        "(2, \"equal\")"
    );

    let log = notebook
        .run("%compare -n 20 -r 6 numbers.len() ;; numbers.len() + 1")
        .log();
    let log = log.join("\n");
    assert!(
        log.contains(
            "WARNING: results differ: numbers.len() and numbers.len() + 1 do not compute the same. \
         If only rounding differs, say by how much it may: --tol 1e-9\n"
        ),
        "{log}"
    );
    assert!(log.contains("\nresults differ\n"), "{log}");
}
