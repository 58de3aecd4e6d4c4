//! Completion and inspection: answered from the magics, else by the evaluator if it is free soon.
//!
//! A thread of its own, so that a key press in a console never holds up the shell socket.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, sync_channel};
use std::time::Duration;

use corebook_magics::completion::{self, CompletionKind};
use corebook_magics::expansion::expand_for_analysis;
use jupyter_protocol::{
    CompleteReply, CompleteRequest, InspectReply, InspectRequest, JupyterMessageContent, Media,
    MediaType,
};
use serde_json::json;

use crate::activity::{Activity, Phase};
use crate::evaluator::{Completion, Job};
use crate::host::to_html;
use crate::iopub::Publisher;
use crate::outbox::Outbox;
use crate::shell::{reply, while_busy};
use crate::wire::Origin;

/// How long a request waits for a running cell.
const BUSY_WAIT: Duration = Duration::from_millis(300);
/// How long it waits for a kernel that is still starting.
const START_WAIT: Duration = Duration::from_secs(20);
/// How long an answer may take: the first one loads what rust-analyzer has not needed before.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// A request. Sender: shell.
pub enum Request {
    Complete(Origin, CompleteRequest),
    Inspect(Origin, InspectRequest),
}

/// What the thread needs.
pub struct Introspector {
    pub publisher: Publisher,
    pub replies: Outbox,
    /// To the evaluator.
    pub jobs: Sender<Job>,
    pub activity: Arc<Activity>,
}

impl Introspector {
    /// Answers until the shell thread has ended.
    pub fn serve(&self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            let (origin, content): (_, JupyterMessageContent) = match &request {
                Request::Complete(origin, request) => (origin, self.complete(request).into()),
                Request::Inspect(origin, request) => (origin, self.inspect(request).into()),
            };
            while_busy(&self.publisher, origin, || {
                reply(&self.replies, origin, content, json!({}))
            });
        }
    }

    fn complete(&self, request: &CompleteRequest) -> CompleteReply {
        let code = &request.code;
        let cursor = byte_at(code, request.cursor_pos);
        let found = match completion::complete(code, cursor) {
            Some(found) => {
                let item = |item: &completion::Completion| Completion {
                    text: item.text.clone(),
                    kind: kind_name(item.kind).to_owned(),
                    start: found.replace.start,
                    end: found.replace.end,
                };
                found.items.iter().map(item).collect()
            }
            None => self.complete_rust(code, cursor).unwrap_or_default(),
        };
        to_reply(code, cursor, &found)
    }

    fn complete_rust(&self, source: &str, cursor: usize) -> Option<Vec<Completion>> {
        let (code, map) = expand_for_analysis(source);
        let offset = map.to_code(cursor)?;
        let (answer, answers) = sync_channel(1);
        let found = self.ask(
            Job::Complete {
                code,
                offset,
                answer,
            },
            &answers,
        )?;
        let to_source = |completion: Completion| {
            let start = map.to_source(completion.start)?;
            let end = map.to_source(completion.end)?;
            Some(Completion {
                start,
                end,
                ..completion
            })
        };
        Some(
            found
                .into_iter()
                .filter(|completion| !is_internal(&completion.text))
                .filter_map(to_source)
                .collect(),
        )
    }

    fn inspect(&self, request: &InspectRequest) -> InspectReply {
        let code = &request.code;
        let cursor = byte_at(code, request.cursor_pos);
        if let Some(help) = completion::inspect(code, cursor) {
            let html = to_html(&help.markdown);
            return found(vec![
                MediaType::Plain(help.text),
                MediaType::Markdown(help.markdown),
                MediaType::Html(html),
            ]);
        }
        match self.inspect_rust(code, cursor) {
            Some((text, html)) => found(vec![
                MediaType::Plain(text.clone()),
                MediaType::Markdown(text),
                MediaType::Html(html),
            ]),
            None => InspectReply::default(),
        }
    }

    fn inspect_rust(&self, source: &str, cursor: usize) -> Option<(String, String)> {
        let (code, map) = expand_for_analysis(source);
        let offset = map.to_code(word_end(source, cursor))?;
        let (answer, answers) = sync_channel(1);
        let (text, html) = self.ask(
            Job::Inspect {
                code,
                offset,
                answer,
            },
            &answers,
        )?;
        // evcxr's words for nothing found.
        (!text.is_empty() && text != "No documentation found").then_some((text, html))
    }

    /// The evaluator's answer; nothing when it is busy longer than a moment.
    fn ask<T>(&self, job: Job, answers: &Receiver<T>) -> Option<T> {
        let wait = if self.activity.phase() == Phase::Starting {
            START_WAIT
        } else {
            BUSY_WAIT
        };
        if !self.activity.wait_until_idle(wait) {
            return None;
        }
        self.jobs.send(job).ok()?;
        answers.recv_timeout(ANSWER_WAIT).ok()
    }
}

fn kind_name(kind: CompletionKind) -> &'static str {
    match kind {
        CompletionKind::Magic => "magic",
        CompletionKind::Option => "option",
        CompletionKind::Word => "keyword",
    }
}

/// Names that evcxr puts into the code and nobody should use.
fn is_internal(name: &str) -> bool {
    name.starts_with("evcxr_") || name.starts_with("Evcxr") || name.starts_with("run_user_code_")
}

fn found(media: Vec<MediaType>) -> InspectReply {
    InspectReply {
        found: true,
        data: Media::new(media),
        ..InspectReply::default()
    }
}

/// Positions in messages count code points.
fn to_reply(code: &str, cursor: usize, found: &[Completion]) -> CompleteReply {
    let (start, end) = found
        .first()
        .map_or((cursor, cursor), |first| (first.start, first.end));
    let (start, end) = (characters_before(code, start), characters_before(code, end));
    let types: Vec<_> = found
        .iter()
        .map(|completion| json!({ "text": completion.text, "type": completion.kind, "start": start, "end": end }))
        .collect();
    let mut metadata = serde_json::Map::new();
    metadata.insert("_jupyter_types_experimental".to_owned(), json!(types));
    CompleteReply {
        matches: found
            .iter()
            .map(|completion| completion.text.clone())
            .collect(),
        cursor_start: start,
        cursor_end: end,
        metadata,
        ..CompleteReply::default()
    }
}

fn characters_before(text: &str, byte: usize) -> usize {
    text[..text.floor_char_boundary(byte)].chars().count()
}

fn byte_at(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(byte, _)| byte)
}

/// The end of the word that the cursor is in: its whole name is what the person asks about.
fn word_end(text: &str, cursor: usize) -> usize {
    let rest = &text[cursor..];
    cursor
        + rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_code_points() {
        let code = "let é = \"😀\"; ab";
        let cursor = byte_at(code, 14);
        assert_eq!(&code[cursor..], "b");
        assert_eq!(characters_before(code, cursor), 14);
        assert_eq!(byte_at(code, 99), code.len());
    }

    #[test]
    fn a_word_ends_where_its_name_ends() {
        assert_eq!(word_end("pool.map(f)", 6), 8);
        assert_eq!(word_end("map", 3), 3);
    }
}
