//! What the worker calls around a cell, and what a cell prints. The helper plays the worker.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use corebook::__private::event::{self, Event, MimeData};

mod support;

use support::helper::{HELPER, NONCE, run_in_notebook};

/// Runs the helper outside a notebook. Returns what it printed to stdout and stderr.
fn run_in_terminal(name: &str) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(HELPER).arg(name).output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    );
    assert!(status.success(), "{stderr}");
    (stdout, stderr)
}

#[test]
fn a_cell_reports_its_build_its_panic_and_its_interrupt() {
    let (events, text) = run_in_notebook("runs_a_cell");
    let [
        Event::Timing { json, .. },
        Event::Panic(panic),
        Event::Interrupted { what },
        Event::Pools { pools },
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert!(json.contains(r#""compile_time":1.5"#), "{json}");
    assert!(json.contains(r#""opt_level":"2""#), "{json}");
    assert_eq!(panic.message, "caught by the cell");
    assert!(panic.on_main_thread && panic.file.ends_with("cells.rs"));
    assert_eq!(what, "my loop");
    assert!(pools.is_empty());
    assert_eq!(text, "no line break");
}

/// Fails unless a helper shows half a line while it still runs, and then ends well.
fn expect_half_a_line(name: &str) {
    let mut helper = Command::new(HELPER)
        .arg(name)
        .env(event::NONCE_VARIABLE, NONCE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = helper.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut byte = [0];
        while !seen.ends_with(b"half a line") && stdout.read(&mut byte).is_ok_and(|read| read > 0) {
            seen.push(byte[0]);
        }
        let has_half_a_line = seen.ends_with(b"half a line");
        sender.send(has_half_a_line).unwrap();
        // So that the helper can print the rest.
        let _ = stdout.read_to_end(&mut seen);
    });
    let is_shown = receiver.recv_timeout(Duration::from_secs(30));
    // The helper goes on when its stdin ends.
    drop(helper.stdin.take());
    if is_shown.is_err() {
        helper.kill().unwrap();
    }
    let status = helper.wait().unwrap();
    assert_eq!(is_shown, Ok(true), "{name}: it shows only after its cell");
    assert!(status.success(), "{name}");
}

#[test]
fn text_without_a_line_break_shows_while_its_cell_runs() {
    expect_half_a_line("prints_half_a_line");
}

#[test]
fn a_fork_that_takes_over_runs_cells() {
    expect_half_a_line("forks");
}

#[test]
fn the_end_of_a_cell_reports_its_variables() {
    let (events, text) = run_in_notebook("asks_for_a_changed_variable");
    let [
        Event::Variables {
            run: 7,
            kept,
            new,
            changed,
            library,
        },
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    let kept: BTreeSet<&str> = kept.iter().map(String::as_str).collect();
    assert_eq!(kept, BTreeSet::from(["x", "y"]));
    assert_eq!(
        (new.as_slice(), changed.as_slice()),
        (&["y".to_owned()][..], &["x".to_owned()][..])
    );
    // The library of that cell is this test's helper.
    assert!(
        library.ends_with("helper") || library.contains("helper"),
        "{library}"
    );
    assert_eq!(text, "");
}

#[test]
fn every_display_has_its_type_and_a_plain_form() {
    let (events, text) = run_in_notebook("shows_outputs");
    assert_eq!(text, "");
    let [displays @ .., clear, result] = events.as_slice() else {
        panic!("{events:?}")
    };
    let expected = [
        ("text/html", "<b>1</b>", "an HTML output"),
        ("image/svg+xml", "<svg/>", "a picture (SVG)"),
        ("text/markdown", "*3*", "*3*"),
        ("text/latex", "$4$", "$4$"),
        ("application/json", "[5]", "[5]"),
        ("image/png", "\u{6}\u{7}\u{8}", "a picture (PNG, 3 bytes)"),
    ];
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(mime, source, plain)| {
            vec![
                MimeData::text(mime, *source),
                MimeData::text("text/plain", *plain),
            ]
        })
        .collect();
    expected.push(vec![MimeData::text("text/plain", "[9]")]);
    let found: Vec<_> = displays
        .iter()
        .map(|event| match event {
            Event::Display { data, .. } => data.clone(),
            _ => panic!("{event:?}"),
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(*clear, Event::ClearOutput { wait: true });
    let data = vec![MimeData::text("text/plain", "[10]")];
    assert_eq!(*result, Event::Result { data });
}

#[test]
fn a_terminal_gets_the_plain_forms() {
    assert_eq!(
        run_in_terminal("shows_outputs").0,
        "an HTML output\na picture (SVG)\n*3*\n$4$\n[5]\na picture (PNG, 3 bytes)\n[9]\n[10]\n"
    );
    let expected = "one 1\ntwo 2\n1 + 2 = 3\n\"a\" = \"a\"\n'b' = 'b'\n[dbg]\n";
    assert_eq!(
        run_in_terminal("writes_to_stderr"),
        (String::new(), expected.to_owned())
    );
    let (_, interrupted) = run_in_terminal("is_interrupted");
    assert_eq!(
        interrupted,
        "interrupted: pool.map after 40 of 1000 items\n"
    );
    let (_, panics) = run_in_terminal("panics_unobserved");
    for message in ["after its end", "before its end", "detached"] {
        assert!(
            panics.contains(&format!(":\n{message}\n")),
            "{message}: {panics}"
        );
    }
}

#[test]
fn macros_for_stderr_keep_their_place_in_a_notebook() {
    let (events, _) = run_in_notebook("writes_to_stderr");
    let texts: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Stderr { text } => text.as_str(),
            _ => panic!("{event:?}"),
        })
        .collect();
    let expected = [
        "one 1",
        "\n",
        "two 2\n",
        "1 + 2 = 3\n",
        "\"a\" = \"a\"\n",
        "'b' = 'b'\n",
        "[dbg]\n",
    ];
    assert_eq!(texts, expected);
}

#[test]
fn measurements_show_what_is_asked_for() {
    let (events, _) = run_in_notebook("shows_times");
    let kinds: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Timing {
                show: true,
                plot: false,
                ..
            } => "line",
            Event::Timing {
                show: true,
                plot: true,
                ..
            } => "line and plot",
            Event::Timing {
                show: false,
                plot: true,
                ..
            } => "plot",
            Event::Comparison { .. } => "comparison",
            Event::Stderr { text } if text.starts_with("WARNING: results differ: a and b ") => {
                "difference"
            }
            Event::Stderr { text } if text.contains("Timed with overflow checks on") => "checked",
            // An empty loop is at the floor, and a busy machine disturbs it.
            Event::Stderr { .. } => "doubt",
            _ => panic!("{event:?}"),
        })
        .filter(|kind| *kind != "doubt")
        .collect();
    assert_eq!(
        kinds,
        [
            "line",
            "line and plot",
            "plot",
            "comparison",
            "checked",
            "difference",
            "comparison"
        ]
    );
    let (stdout, _) = run_in_terminal("shows_times");
    let lines = stdout
        .lines()
        .filter(|line| line.starts_with("1 loop, best of 1: "));
    assert_eq!(lines.count(), 3, "{stdout}");
    assert_eq!(stdout.matches("\nresults differ").count(), 2, "{stdout}");
}

#[test]
fn a_stopwatch_prints_unless_its_cell_fails() {
    let (stdout, _) = run_in_terminal("shows_stopwatches");
    assert_eq!(stdout.matches("CPU times: user ").count(), 2, "{stdout}");
    assert_eq!(stdout.matches("Wall time: ").count(), 2, "{stdout}");
}

#[test]
fn sleeping_takes_wall_time_but_no_cpu_time() {
    run_in_terminal("times_sleep");
}
