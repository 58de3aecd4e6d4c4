//! The outputs of a cell as a notebook keeps them: does what JupyterLab's output area does. Does no I/O.

use serde_json::{Map, Value, json};

use super::output::{Bundle, Output, StreamName};
use super::stream_text::StreamText;

/// Text types whose names do not start with `text/`.
const FURTHER_TEXT_TYPES: [&str; 2] = ["application/javascript", "image/svg+xml"];

/// The outputs of one cell.
#[derive(Debug, Clone, Default)]
pub struct OutputArea {
    kept: Vec<Kept>,
    /// Whether the next output replaces all others.
    is_clear_due: bool,
}

#[derive(Debug, Clone)]
enum Kept {
    Stream {
        name: StreamName,
        text: StreamText,
    },
    /// With a count, the value of the cell's last expression.
    Bundle {
        bundle: Bundle,
        display_id: Option<String>,
        execution_count: Option<usize>,
    },
    Error {
        name: String,
        value: String,
        traceback: Vec<String>,
    },
}

impl OutputArea {
    /// Adds an output of the cell. An update may also concern other cells: see [`OutputArea::update`].
    pub fn add(&mut self, output: &Output) {
        let kept = match output {
            Output::Stream { name, text } => return self.add_stream(*name, text),
            Output::Clear { is_delayed: true } => {
                self.is_clear_due = true;
                return;
            }
            Output::Clear { is_delayed: false } => {
                self.is_clear_due = false;
                self.kept.clear();
                return;
            }
            Output::Update { bundle, display_id } => return self.update(display_id, bundle),
            Output::Display { bundle, display_id } => Kept::Bundle {
                bundle: bundle.clone(),
                display_id: display_id.clone(),
                execution_count: None,
            },
            Output::Result {
                execution_count,
                bundle,
                display_id,
            } => Kept::Bundle {
                bundle: bundle.clone(),
                display_id: display_id.clone(),
                execution_count: Some(*execution_count),
            },
            Output::Error {
                name,
                value,
                traceback,
            } => Kept::Error {
                name: name.clone(),
                value: value.clone(),
                traceback: traceback.clone(),
            },
        };
        self.clear_if_due();
        self.kept.push(kept);
    }

    /// Replaces what is displayed under `display_id`, if this cell displays it.
    pub fn update(&mut self, display_id: &str, new: &Bundle) {
        for kept in &mut self.kept {
            if let Kept::Bundle {
                bundle,
                display_id: Some(id),
                ..
            } = kept
                && id == display_id
            {
                *bundle = new.clone();
            }
        }
    }

    /// The notebook's JSON.
    pub fn to_json(&self) -> Value {
        self.kept.iter().map(Kept::to_json).collect()
    }

    fn add_stream(&mut self, name: StreamName, text: &str) {
        self.clear_if_due();
        if let Some(Kept::Stream {
            name: last,
            text: kept,
        }) = self.kept.last_mut()
            && *last == name
        {
            kept.push(text);
            return;
        }
        let mut kept = StreamText::default();
        kept.push(text);
        self.kept.push(Kept::Stream { name, text: kept });
    }

    fn clear_if_due(&mut self) {
        if std::mem::take(&mut self.is_clear_due) {
            self.kept.clear();
        }
    }
}

impl Kept {
    /// Keys are in alphabetical order, as Jupyter writes them.
    fn to_json(&self) -> Value {
        match self {
            Self::Stream { name, text } => {
                json!({ "name": name.as_str(), "output_type": "stream", "text": split_lines(&text.text()) })
            }
            Self::Bundle {
                bundle,
                execution_count: None,
                ..
            } => json!({
                "data": data(&bundle.data),
                "metadata": sorted(&bundle.metadata),
                "output_type": "display_data",
            }),
            Self::Bundle {
                bundle,
                execution_count: Some(count),
                ..
            } => json!({
                "data": data(&bundle.data),
                "execution_count": count,
                "metadata": sorted(&bundle.metadata),
                "output_type": "execute_result",
            }),
            Self::Error {
                name,
                value,
                traceback,
            } => json!({
                "ename": name,
                "evalue": value,
                "output_type": "error",
                "traceback": traceback,
            }),
        }
    }
}

/// Text types as lists of lines, other types unchanged.
fn data(data: &Map<String, Value>) -> Value {
    let is_text =
        |mime_type: &str| mime_type.starts_with("text/") || FURTHER_TEXT_TYPES.contains(&mime_type);
    let mut kept = sorted(data);
    if let Value::Object(fields) = &mut kept {
        for (mime_type, value) in fields {
            if is_text(mime_type)
                && let Some(text) = value.as_str()
            {
                *value = split_lines(text);
            }
        }
    }
    kept
}

/// A copy with the keys of all objects, also of nested ones, in alphabetical order.
pub fn sorted(object: &Map<String, Value>) -> Value {
    fn sort(value: &Value) -> Value {
        match value {
            Value::Object(object) => sorted(object),
            Value::Array(items) => items.iter().map(sort).collect(),
            other => other.clone(),
        }
    }
    let mut fields: Vec<_> = object
        .iter()
        .map(|(key, value)| (key.clone(), sort(value)))
        .collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields.into_iter().collect::<Map<_, _>>().into()
}

/// `text` as a list of lines with their line ends, split as Python's `str.splitlines` does, because Jupyter writes
/// notebooks with it.
pub fn split_lines(text: &str) -> Value {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((at, end)) = rest.char_indices().find(|(_, c)| is_line_end(*c)) {
        let mut after = at + end.len_utf8();
        if rest[at..].starts_with("\r\n") {
            after = at + 2;
        }
        lines.push(json!(rest[..after]));
        rest = &rest[after..];
    }
    if !rest.is_empty() {
        lines.push(json!(rest));
    }
    Value::Array(lines)
}

/// <https://docs.python.org/3/library/stdtypes.html#str.splitlines>
fn is_line_end(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

#[cfg(test)]
mod tests;
