//! Maps the places in JSON messages of rustc and cargo back to the source that evcxr wrote.

use std::io::{self, BufRead, Write};

use serde_json::Value;

use super::line_map::LineMap;
use crate::evcxr::CELL_CRATE;

/// The source of a cell, as rustc names it.
const SOURCE: &str = "src/lib.rs";

/// Passes on each line as soon as it is complete.
pub(super) fn pass_on(from: impl BufRead, to: &mut impl Write, map: &LineMap) -> io::Result<()> {
    for line in from.split(b'\n') {
        let mut line = line?;
        if let Some(mapped_back) = mapped_back(&line, map) {
            line = mapped_back;
        }
        line.push(b'\n');
        to.write_all(&line)?;
        to.flush()?;
    }
    Ok(())
}

/// A message with its places mapped back; `None` for any other line.
fn mapped_back(line: &[u8], map: &LineMap) -> Option<Vec<u8>> {
    if !line.starts_with(b"{") {
        return None;
    }
    let mut message: Value = serde_json::from_slice(line).ok()?;
    if message["message"].is_object() {
        // A message of cargo that holds one of rustc.
        if message["target"]["name"] != CELL_CRATE {
            return None;
        }
        map_back(&mut message["message"], map);
    } else if message["spans"].is_array() {
        map_back(&mut message, map);
    }
    Some(message.to_string().into_bytes())
}

fn map_back(message: &mut Value, map: &LineMap) {
    // It is not used, and its line numbers are those of the moved lines.
    if message["rendered"].is_string() {
        message["rendered"] = "".into();
    }
    for span in message["spans"].as_array_mut().into_iter().flatten() {
        map_span_back(span, map);
    }
    for child in message["children"].as_array_mut().into_iter().flatten() {
        map_back(child, map);
    }
}

fn map_span_back(span: &mut Value, map: &LineMap) {
    if span["file_name"] == SOURCE {
        let number = |name: &str| span[name].as_u64().and_then(|it| usize::try_from(it).ok());
        let lines = number("line_start").zip(number("line_end"));
        let bytes = number("byte_start").zip(number("byte_end"));
        if let Some((first, last)) = lines {
            let (first, last) = map.written_lines(first, last);
            span["line_start"] = first.into();
            span["line_end"] = last.into();
        }
        if let Some((start, end)) = bytes {
            let bytes = map.written_bytes(start..end);
            span["byte_start"] = bytes.start.into();
            span["byte_end"] = bytes.end.into();
        }
    }
    if let Some(expansion) = span["expansion"].as_object_mut() {
        for name in ["span", "def_site_span"] {
            if let Some(span) = expansion.get_mut(name).filter(|span| span.is_object()) {
                map_span_back(span, map);
            }
        }
    }
}

#[cfg(test)]
mod tests;
