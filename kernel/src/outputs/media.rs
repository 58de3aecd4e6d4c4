//! Makes the content of display messages from bytes and text with a media type. Does no I/O.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use corebook::__private::event::MimeData;
use jupyter_protocol::{Media, MediaType};
use serde_json::{Value, json};

/// The content of a message, from what the runtime sent.
pub fn from_mime(data: &[MimeData]) -> Media {
    data.iter()
        .map(|data| typed(&data.mime, value(&data.mime, &data.content)))
        .collect::<Vec<_>>()
        .into()
}

/// The content of a message, from text in evcxr's convention, in which pictures are already base64.
pub fn from_text(mime: &str, text: &str) -> Media {
    let value = if is_json(mime) {
        parsed(text)
    } else {
        Value::from(text)
    };
    vec![typed(mime, value)].into()
}

/// The media type under which autograders find the numbers of a timing. Not `application/json`, because JupyterLab
/// would show that instead of the chart.
const TIMING_JSON: &str = "application/vnd.corebook.timing+json";

/// The content for a timing: its line, its chart and its numbers.
pub fn measured(line: Option<&str>, chart: Option<String>, json: &str) -> Media {
    let line = line.map(|line| MediaType::Plain(line.to_owned()));
    let chart = chart.map(MediaType::Html);
    let numbers = MediaType::Other((TIMING_JSON.to_owned(), parsed(json)));
    line.into_iter()
        .chain(chart)
        .chain([numbers])
        .collect::<Vec<_>>()
        .into()
}

fn value(mime: &str, content: &[u8]) -> Value {
    let is_text =
        mime.starts_with("text/") || mime.ends_with("+xml") || mime == "application/javascript";
    if is_json(mime) {
        parsed(&String::from_utf8_lossy(content))
    } else if is_text {
        Value::from(String::from_utf8_lossy(content))
    } else {
        Value::from(STANDARD.encode(content))
    }
}

fn is_json(mime: &str) -> bool {
    mime == "application/json" || mime.ends_with("+json")
}

/// Parses JSON. Invalid JSON becomes text.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

fn typed(mime: &str, value: Value) -> MediaType {
    serde_json::from_value::<Media>(json!({ mime: value.clone() }))
        .ok()
        .and_then(|media| media.content.into_iter().next())
        .unwrap_or(MediaType::Other((mime.to_owned(), value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(media: &Media) -> Value {
        serde_json::to_value(media).unwrap()
    }

    #[test]
    fn bytes_travel_as_base64_and_text_as_text() {
        let png = MimeData {
            mime: "image/png".into(),
            content: vec![1, 2, 3],
        };
        let data = [
            png,
            MimeData::text("text/html", "<b>"),
            MimeData::text("image/svg+xml", "<svg/>"),
        ];
        assert_eq!(
            wire(&from_mime(&data)),
            json!({"image/png": "AQID", "text/html": "<b>", "image/svg+xml": "<svg/>"})
        );
    }

    #[test]
    fn json_travels_as_json_and_broken_json_as_text() {
        assert_eq!(
            wire(&from_text("application/json", "[1]")),
            json!({"application/json": [1]})
        );
        assert_eq!(
            wire(&from_text("application/json", "[1")),
            json!({"application/json": "[1"})
        );
    }

    #[test]
    fn unknown_types_pass_through() {
        assert_eq!(
            wire(&from_text("text/x-own", "a")),
            json!({"text/x-own": "a"})
        );
    }
}
