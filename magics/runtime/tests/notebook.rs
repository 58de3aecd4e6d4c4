//! What a pool reports to the kernel. The helper plays the worker: it has the session's nonce.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use corebook::__private::event::{Event, MimeData, ProgressReport};
use corebook::cpus;
use support::helper::{run_in_notebook, run_with};

#[test]
fn a_panic_is_reported_once_with_item_and_place() {
    let (events, _) = run_in_notebook("panics");
    let [Event::Panic(report)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(report.message, "panicked in item 3 (of 24): divide by zero");
    assert!(
        report.file.ends_with("helper/notebook.rs") && report.line > 1,
        "{report:?}"
    );
}

#[test]
fn an_interrupt_says_how_far_the_map_was() {
    let (events, _) = run_in_notebook("is_interrupted");
    assert_eq!(
        events,
        [Event::Interrupted {
            what: "pool.map after 40 of 1000 items".to_owned()
        }]
    );
}

#[test]
fn an_interrupt_says_how_far_a_loop_was() {
    let (events, _) = run_in_notebook("is_interrupted_in_loops");
    let whats: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Interrupted { what } => Some(what.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        whats,
        ["a loop after 4 of 10 items", "a loop after 2 items"]
    );
    let labels: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Progress(report) if report.ended => Some(report.label.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(labels, ["", "even"]);
}

#[test]
fn a_panic_that_no_thread_waits_for_is_reported() {
    let (events, _) = run_in_notebook("panics_unobserved");
    let messages: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Panic(report) => report.message.as_str(),
            _ => panic!("{event:?}"),
        })
        .collect();
    assert_eq!(messages, ["after its end", "before its end", "detached"]);
}

#[test]
fn a_backtrace_is_captured_only_on_demand() {
    let backtrace = |value| {
        let (events, _) = run_with("panics", &[("RUST_BACKTRACE", value)]);
        match events.as_slice() {
            [Event::Panic(report)] => report.backtrace.clone(),
            _ => panic!("{events:?}"),
        }
    };
    assert_eq!(backtrace("0"), "");
    assert_eq!(backtrace(""), "");
    let text = backtrace("1");
    assert!(text.contains("fails_at_3"), "{text}");
    assert!(!text.contains("rust_begin_unwind"), "{text}");
    assert!(!text.contains("corebook::"), "{text}");
}

#[test]
fn every_bar_ends_and_is_drawn_seldom() {
    let (events, _) = run_in_notebook("shows_progress");
    let reports: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Progress(report) => Some(report),
            _ => None,
        })
        .collect();
    let ended: Vec<_> = reports.iter().filter(|report| report.ended).collect();
    assert_eq!(ended.len(), 3, "{reports:?}");
    assert_eq!(
        (ended[0].label.as_str(), ended[0].done, ended[0].total),
        ("render", 100_000, 100_000)
    );
    assert_eq!((ended[2].done, ended[2].total), (5, 1000));
    for bar in [ended[0], ended[2]] {
        let is_first_state = |report: &&&ProgressReport| report.id == bar.id && !report.ended;
        assert!(
            reports.iter().any(|report| is_first_state(&report)),
            "{reports:?}"
        );
    }
    for bar in &ended {
        let states = reports.iter().filter(|report| report.id == bar.id).count() as u64;
        assert!(
            states <= 2 + bar.elapsed_ns / 100_000_000,
            "{states} states in {} ns",
            bar.elapsed_ns
        );
    }
}

#[test]
fn opening_and_closing_print_one_line_each_and_warn_once() {
    let (events, text) = run_in_notebook("opens_pools");
    let usable = cpus::usable();
    let workers = |count: usize| format!("{count} worker{}", if count == 1 { "" } else { "s" });
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("pool: ") || line.starts_with("small: "))
        .collect();
    let expected = [
        format!("pool: {}, one per physical core", workers(usable)),
        format!("small: {}", workers(usable + 1)),
        format!("small: {}", workers(usable + 1)),
        "pool: 1 worker, pinned".to_owned(),
        "pool: closed".to_owned(),
        "pool: is not open".to_owned(),
        "pool: closed, 0 items mapped".to_owned(),
        format!("small: {}, 0 items mapped", workers(usable + 1)),
    ];
    assert_eq!(lines, expected);
    let [Event::Stderr { text }] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert!(
        text.starts_with(&format!(
            "small: {} workers share {usable} usable core",
            usable + 1
        )),
        "{text}"
    );
}

#[test]
fn a_display_is_updated_by_its_id_in_every_form() {
    let (events, _) = run_in_notebook("updates_a_display");
    let [
        Event::Display { id, data },
        updates @ ..,
        Event::Display { id: other, .. },
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_ne!(id, other);
    assert_eq!(data, &[MimeData::text("text/plain", "1")]);
    let updates: Vec<_> = updates
        .iter()
        .map(|event| match event {
            Event::UpdateDisplay { id: updated, data } if updated == id => data.clone(),
            _ => panic!("{event:?}"),
        })
        .collect();
    let expected = [
        vec![MimeData::text("text/plain", "2")],
        vec![
            MimeData::text("text/html", "<b>3</b>"),
            MimeData::text("text/plain", "an HTML output"),
        ],
        vec![
            MimeData::text("image/svg+xml", "<svg/>"),
            MimeData::text("text/plain", "a picture (SVG)"),
        ],
        vec![
            MimeData::text("text/markdown", "*5*"),
            MimeData::text("text/plain", "*5*"),
        ],
    ];
    assert_eq!(updates, expected);
}
