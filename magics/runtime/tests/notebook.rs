//! What a pool tells the kernel. The helper plays the worker: it has a session's word.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use corebook::__private::event::{self, Decoded, Event, MimeData};
use corebook::cpus;

const WORD: &str = "0123456789abcdef";

/// The events that the helper sends when it runs `name`, and the text it prints.
fn told_by(name: &str) -> (Vec<Event>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtime-test-helper"));
    command.arg(name).env(event::SESSION_WORD_VARIABLE, WORD);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let (mut events, mut text, mut rest) = (Vec::new(), Vec::new(), output.stdout.as_slice());
    while let Some(byte) = rest.first() {
        match event::decode(rest, WORD) {
            Decoded::Event { event, frame_len } => {
                events.push(*event);
                rest = &rest[frame_len..];
            }
            Decoded::NotAFrame | Decoded::Incomplete => {
                text.push(*byte);
                rest = &rest[1..];
            }
        }
    }
    (events, String::from_utf8(text).unwrap())
}

#[test]
fn a_panic_is_told_once_with_item_and_place() {
    let (events, _) = told_by("panics");
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
fn an_interrupt_tells_how_far_the_map_was() {
    let (events, _) = told_by("is_interrupted");
    assert_eq!(
        events,
        [Event::Interrupted {
            what: "pool.map after 40 of 1000 items".to_owned()
        }]
    );
}

#[test]
fn every_bar_ends_and_tells_seldom() {
    let (events, _) = told_by("shows_progress");
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
    let (events, text) = told_by("opens_pools");
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
    let (events, _) = told_by("updates_a_display");
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
