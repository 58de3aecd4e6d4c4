//! What rustc and cargo say in JSON, with places led back to the source that evcxr wrote.

use std::io::{self, BufRead, Write};

use serde_json::Value;

use super::line_map::LineMap;
use crate::evcxr::CELL_CRATE;

/// The source of a cell, as rustc names it.
const SOURCE: &str = "src/lib.rs";

/// Passes lines on as they come.
pub(super) fn pass_on(from: impl BufRead, to: &mut impl Write, map: &LineMap) -> io::Result<()> {
    for line in from.split(b'\n') {
        let mut line = line?;
        if let Some(led_back) = led_back(&line, map) {
            line = led_back;
        }
        line.push(b'\n');
        to.write_all(&line)?;
        to.flush()?;
    }
    Ok(())
}

/// A message with its places led back; nothing for a line that is none.
fn led_back(line: &[u8], map: &LineMap) -> Option<Vec<u8>> {
    if !line.starts_with(b"{") {
        return None;
    }
    let mut message: Value = serde_json::from_slice(line).ok()?;
    if message["message"].is_object() {
        // cargo's, around one of rustc's.
        if message["target"]["name"] != CELL_CRATE {
            return None;
        }
        lead_back(&mut message["message"], map);
    } else if message["spans"].is_array() {
        lead_back(&mut message, map);
    }
    Some(message.to_string().into_bytes())
}

fn lead_back(message: &mut Value, map: &LineMap) {
    // Nobody reads it, and its numbers are those of the lines as they were moved.
    if message["rendered"].is_string() {
        message["rendered"] = "".into();
    }
    for span in message["spans"].as_array_mut().into_iter().flatten() {
        lead_span_back(span, map);
    }
    for child in message["children"].as_array_mut().into_iter().flatten() {
        lead_back(child, map);
    }
}

fn lead_span_back(span: &mut Value, map: &LineMap) {
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
                lead_span_back(span, map);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Its two lines change places.
    fn map() -> LineMap {
        LineMap::join("aa\nbbb\n", &[3..7, 0..3]).1
    }

    fn span(file: &str, line: usize, byte: usize) -> Value {
        json!({
            "file_name": file, "line_start": line, "line_end": line, "byte_start": byte, "byte_end": byte + 1,
            "expansion": null,
        })
    }

    fn passed(message: &Value) -> Value {
        let mut to = Vec::new();
        let line = format!("{message}\n");
        pass_on(line.as_bytes(), &mut to, &map()).unwrap();
        serde_json::from_slice(&to).unwrap()
    }

    #[test]
    fn spans_are_led_back_in_children_and_expansions_too() {
        let message = |first: Value, second: Value, elsewhere: Value| {
            let mut in_macro = elsewhere.clone();
            in_macro["expansion"] = json!({ "span": first, "def_site_span": second });
            json!({
                "message": "m", "rendered": "", "spans": [first, in_macro, elsewhere],
                "children": [{ "message": "c", "rendered": null, "spans": [second], "children": [] }],
            })
        };
        let elsewhere = span("/std/macros.rs", 1, 1);
        let told = message(span(SOURCE, 1, 1), span(SOURCE, 2, 5), elsewhere.clone());
        let wanted = message(span(SOURCE, 2, 4), span(SOURCE, 1, 1), elsewhere);
        assert_eq!(passed(&told), wanted);

        let of_cargo = |name: &str, message: &Value| json!({ "reason": "compiler-message", "target": { "name": name }, "message": message });
        assert_eq!(passed(&of_cargo("ctx", &told)), of_cargo("ctx", &wanted));
        assert_eq!(passed(&of_cargo("dep", &told)), of_cargo("dep", &told));
    }

    #[test]
    fn what_is_no_message_is_passed_on_as_it_is() {
        let text = "warning: {}\n{\"artifact\":\"x\"}\n{torn\n";
        let mut to = Vec::new();
        pass_on(text.as_bytes(), &mut to, &map()).unwrap();
        assert_eq!(String::from_utf8(to).unwrap(), text);
    }

    #[test]
    fn what_was_rendered_with_moved_numbers_is_left_out() {
        let message = json!({ "message": "m", "rendered": " --> src/lib.rs:1:1", "spans": [] });
        assert_eq!(passed(&message)["rendered"], "");
    }
}
