//! The outputs of a cell, converted from messages. Does no I/O.

use jupyter_protocol::{JupyterMessageContent, Media, Stdio, Transient};
use serde_json::{Map, Value};

/// The types that a terminal can show, best first.
const TEXT_TYPES: [&str; 3] = ["text/plain", "text/markdown", "text/latex"];

/// One output message.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    Stream {
        name: StreamName,
        text: String,
    },
    Display {
        bundle: Bundle,
        display_id: Option<String>,
    },
    /// The value of the cell's last expression.
    Result {
        execution_count: usize,
        bundle: Bundle,
        display_id: Option<String>,
    },
    /// Replaces what was displayed under this id, in any cell.
    Update {
        bundle: Bundle,
        display_id: String,
    },
    /// Removes the outputs of the cell, at once or when the next output arrives.
    Clear {
        is_delayed: bool,
    },
    Error {
        name: String,
        value: String,
        traceback: Vec<String>,
    },
}

/// The same content in several types.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bundle {
    /// By MIME type.
    pub data: Map<String, Value>,
    pub metadata: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamName {
    Stdout,
    Stderr,
}

impl Output {
    /// The output in a message from iopub; `None` for messages that are no output.
    pub fn of(content: JupyterMessageContent) -> Option<Self> {
        match content {
            JupyterMessageContent::StreamContent(stream) => Some(Self::Stream {
                name: StreamName::of(&stream.name),
                text: stream.text,
            }),
            JupyterMessageContent::DisplayData(display) => Some(Self::Display {
                bundle: Bundle::of(&display.data, display.metadata),
                display_id: display.transient.and_then(display_id),
            }),
            JupyterMessageContent::ExecuteResult(result) => Some(Self::Result {
                execution_count: result.execution_count.0,
                bundle: Bundle::of(&result.data, result.metadata),
                display_id: result.transient.and_then(display_id),
            }),
            JupyterMessageContent::UpdateDisplayData(update) => Some(Self::Update {
                bundle: Bundle::of(&update.data, update.metadata),
                display_id: display_id(update.transient)?,
            }),
            JupyterMessageContent::ClearOutput(clear) => Some(Self::Clear {
                is_delayed: clear.wait,
            }),
            JupyterMessageContent::ErrorOutput(error) => Some(Self::Error {
                name: error.ename,
                value: error.evalue,
                traceback: error.traceback,
            }),
            _ => None,
        }
    }
}

fn display_id(transient: Transient) -> Option<String> {
    transient.display_id
}

impl StreamName {
    fn of(name: &Stdio) -> Self {
        match name {
            Stdio::Stdout => Self::Stdout,
            Stdio::Stderr => Self::Stderr,
        }
    }

    /// The name in notebooks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

impl Bundle {
    fn of(media: &Media, metadata: Map<String, Value>) -> Self {
        let Ok(Value::Object(data)) = serde_json::to_value(media) else {
            return Self::default();
        };
        Self { data, metadata }
    }

    /// What a terminal can show: the text, or else the names of the types.
    pub fn text(&self) -> String {
        let text = TEXT_TYPES
            .iter()
            .find_map(|mime_type| self.data.get(*mime_type)?.as_str());
        text.map_or_else(|| self.type_names(), str::to_owned)
    }

    fn type_names(&self) -> String {
        let mut types: Vec<&str> = self.data.keys().map(String::as_str).collect();
        types.sort_unstable();
        match types.as_slice() {
            [] => String::new(),
            types => format!("<{}>", types.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use jupyter_protocol::{DisplayData, MediaType, Status, UpdateDisplayData};

    use super::*;

    fn bundle(media: Vec<MediaType>) -> Bundle {
        let Some(Output::Display { bundle, .. }) = Output::of(DisplayData::from(media).into())
        else {
            panic!("display data is an output")
        };
        bundle
    }

    #[test]
    fn html_is_shown_by_its_plain_text() {
        let both = bundle(vec![
            MediaType::Html("<b>2</b>".into()),
            MediaType::Plain("2".into()),
        ]);
        assert_eq!(both.text(), "2");
    }

    #[test]
    fn content_without_text_is_shown_by_its_types() {
        let picture = bundle(vec![
            MediaType::Svg("<svg/>".into()),
            MediaType::Png("iVBO".into()),
        ]);
        assert_eq!(picture.text(), "<image/png, image/svg+xml>");
        assert_eq!(bundle(vec![]).text(), "");
    }

    #[test]
    fn an_update_without_an_id_is_no_output() {
        let media = Media::from(vec![MediaType::Plain("2".into())]);
        let mut update = UpdateDisplayData::new(media, "bar");
        assert!(
            matches!(Output::of(update.clone().into()), Some(Output::Update { display_id, .. }) if display_id == "bar")
        );
        update.transient.display_id = None;
        assert_eq!(Output::of(update.into()), None);
    }

    #[test]
    fn a_status_is_no_output() {
        assert_eq!(Output::of(Status::busy().into()), None);
    }
}
