//! Reads the messages that rustc writes as JSON. Does no I/O.

use std::ops::Range;

use serde_json::Value;

/// The source of a cell, as rustc names it.
const SOURCE: &str = "src/lib.rs";

/// A message of rustc, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `error`, `warning`, `note`, `help`, …
    pub level: String,
    /// For example `E0308`.
    pub code: Option<String>,
    pub text: String,
    /// The places in the source of the cell.
    pub spans: Vec<Span>,
    pub children: Vec<Message>,
    /// What `rustc --explain` says about the code.
    pub explanation: Option<String>,
}

/// A place in the source of the cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// In bytes.
    pub range: Range<usize>,
    pub is_primary: bool,
    pub label: String,
    /// What rustc suggests to write here.
    pub replacement: Option<String>,
}

impl Message {
    pub fn is_error(&self) -> bool {
        self.level == "error"
    }

    /// All places of the message and of its parts.
    pub fn all_spans(&self) -> impl Iterator<Item = &Span> {
        let children = self.children.iter().flat_map(|child| &child.spans);
        self.spans.iter().chain(children)
    }
}

/// The messages among the lines that rustc has written. Summaries such as "aborting due to 2 previous errors" are left
/// out.
pub fn read(lines: &str) -> Vec<Message> {
    let values = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values
        .filter_map(|value| message(&value))
        .filter(|message| !is_summary(message))
        .collect()
}

fn is_summary(message: &Message) -> bool {
    let starts = [
        "aborting due to",
        "For more information about",
        "Some errors",
    ];
    message.spans.is_empty() && starts.iter().any(|start| message.text.starts_with(start))
}

fn message(value: &Value) -> Option<Message> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let parts = |name: &str| value[name].as_array().into_iter().flatten();
    Some(Message {
        level: text("level")?,
        text: text("message")?,
        code: value["code"]["code"].as_str().map(str::to_owned),
        spans: parts("spans").filter_map(span).collect(),
        children: parts("children").filter_map(message).collect(),
        explanation: value["code"]["explanation"].as_str().map(str::to_owned),
    })
}

/// A place in the source. For a place in a macro of another crate, where the source calls the macro.
fn span(value: &Value) -> Option<Span> {
    let mut place = value;
    while place["file_name"] != SOURCE {
        place = place["expansion"]["span"]
            .as_object()
            .map(|_| &place["expansion"]["span"])?;
    }
    let number = |name: &str| usize::try_from(place[name].as_u64()?).ok();
    Some(Span {
        range: number("byte_start")?..number("byte_end")?,
        is_primary: value["is_primary"] == true,
        label: value["label"].as_str().unwrap_or_default().to_owned(),
        replacement: value["suggested_replacement"].as_str().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn span(file: &str, bytes: (usize, usize), label: &str) -> Value {
        json!({ "file_name": file, "byte_start": bytes.0, "byte_end": bytes.1, "is_primary": true, "label": label,
                "suggested_replacement": null, "expansion": null })
    }

    #[test]
    fn messages_are_read_and_summaries_are_not() {
        let mut in_macro = span("/rustc/library/std/src/macros.rs", (1, 2), "here");
        in_macro["expansion"] = json!({ "span": span(SOURCE, (30, 40), "") });
        let nowhere = span("/rustc/library/core/src/lib.rs", (1, 2), "there");
        let child =
            json!({ "level": "help", "message": "try", "code": null, "spans": [], "children": [] });
        let error = json!({ "level": "error", "message": "mismatched", "code": { "code": "E0308", "explanation": "long" },
                            "spans": [span(SOURCE, (5, 9), "label"), in_macro, nowhere], "children": [child] });
        let summary = json!({ "level": "error", "message": "aborting due to 1 previous error", "code": null,
                              "spans": [], "children": [] });
        let artifact = json!({ "artifact": "x", "emit": "link" });
        let lines = format!("{error}\nnot json\n{artifact}\n{summary}\n");
        let [message] = read(&lines).try_into().unwrap();
        let Message {
            spans, children, ..
        } = &message;
        let places: Vec<_> = spans
            .iter()
            .map(|it| (it.range.clone(), it.label.as_str()))
            .collect();
        assert_eq!(places, [(5..9, "label"), (30..40, "here")]);
        assert_eq!(
            (message.code.as_deref(), children[0].text.as_str()),
            (Some("E0308"), "try")
        );
        assert!(message.is_error());
    }
}
