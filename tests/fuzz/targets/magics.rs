//! The text of a cell: no panic, and every place in the expanded code maps to a place in the cell.

#![no_main]

use corebook_magics::expansion::{Expansion, expand, expand_for_analysis};
use corebook_magics::magic::{Host, Question};
use corebook_magics::source_map::SourceMap;
use corebook_magics::{completeness, completion, hints};
use libfuzzer_sys::fuzz_target;

/// How many positions are completed and inspected: each scans the whole source.
const CURSORS: usize = 16;

struct Echo;

impl Host for Echo {
    fn answer(&self, question: &Question) -> String {
        format!("{question:?}")
    }
}

fuzz_target!(|source: &str| {
    let (code, map) = expand_for_analysis(source);
    check_map(source, &code, &map);
    match expand(source, &Echo) {
        Ok(Expansion::Rust { code, map, .. }) => check_map(source, &code, &map),
        Ok(Expansion::Answers(_)) => {}
        Err(error) => assert!(source.get(error.span.clone()).is_some(), "{error:?}"),
    }
    for hint in hints(source) {
        assert!(source.get(hint.span.clone()).is_some(), "{hint:?}");
    }
    for cursor in (0..=source.len()).step_by(source.len() / CURSORS + 1) {
        completion::complete(source, cursor);
        completion::inspect(source, cursor);
    }
    completeness::is_complete(source);
});

fn check_map(source: &str, code: &str, map: &SourceMap) {
    for offset in 0..=source.len() {
        if let Some(at) = map.to_code(offset) {
            assert_eq!(map.to_source(at), Some(offset));
        }
    }
    for at in 0..=code.len() {
        let near = map.nearest_source(at..(at + 1).min(code.len()));
        assert!(near.start <= near.end && near.end <= source.len(), "{near:?}");
        // A range starts at the place of the code, unless the code is between two copied texts.
        if at < code.len() && near.len() == 1 && map.to_source(at).is_some() {
            assert_eq!(source.as_bytes()[near.start], code.as_bytes()[at]);
        }
    }
}
