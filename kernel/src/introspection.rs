//! Completion and inspection: answered from the magics, from folders and cargo's index, else by the evaluator if it
//! is free soon.
//!
//! A thread of its own, so that a key press in a console never holds up the shell socket.
//!
//! * [`completion`]: what could stand where the cursor is
//! * [`candidates`]: what rust-analyzer offers, without what is internal and in order
//! * [`crates`], [`files`]: names behind `:dep`, and paths in texts
//! * [`documentation`]: what rust-analyzer knows of a name, readable
//! * [`positions`]: code points and bytes

mod candidates;
mod completion;
mod crates;
mod documentation;
mod files;
mod positions;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, sync_channel};
use std::time::{Duration, Instant};

use corebook_magics::completion::inspect;
use corebook_magics::context::name_end;
use corebook_magics::expansion::expand_for_analysis;
use jupyter_protocol::{
    CompleteRequest, InspectReply, InspectRequest, JupyterMessageContent, Media, MediaType,
};
use serde_json::json;

use crate::activity::{Activity, Phase};
use crate::evaluator::{Found, Job};
use crate::host::to_html;
use crate::iopub::Publisher;
use crate::outbox::Outbox;
use crate::shell::{reply, while_busy};
use crate::wire::Origin;

use self::candidates::Behind;
use self::completion::PrivateCandidates;
use self::documentation::Documentation;
use self::positions::byte_at;

/// How long after it came in a request waits for a running cell.
const BUSY_WAIT: Duration = Duration::from_millis(300);
/// How long it waits for a kernel that is still starting.
const START_WAIT: Duration = Duration::from_secs(60);
/// How long an answer may take: the first one loads what rust-analyzer has not needed before.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// A request. Sender: shell.
pub struct Request {
    pub origin: Origin,
    pub question: Question,
    pub received: Instant,
}

pub enum Question {
    Complete(CompleteRequest),
    Inspect(InspectRequest),
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
        let mut known_private = PrivateCandidates::default();
        while let Ok(request) = requests.recv() {
            let patience = Patience {
                introspector: self,
                received: request.received,
            };
            let content: JupyterMessageContent = match &request.question {
                Question::Complete(asked) => patience.complete(asked, &mut known_private).into(),
                Question::Inspect(asked) => patience.inspect(asked).into(),
            };
            while_busy(&self.publisher, &request.origin, || {
                reply(&self.replies, &request.origin, content, json!({}))
            });
        }
    }
}

/// Answers one request in the time it has.
struct Patience<'thread> {
    introspector: &'thread Introspector,
    received: Instant,
}

impl Patience<'_> {
    fn inspect(&self, request: &InspectRequest) -> InspectReply {
        let code = &request.code;
        let cursor = byte_at(code, request.cursor_pos);
        let documentation = match inspect(code, cursor) {
            Some(help) => Some(Documentation {
                html: to_html(&help.markdown),
                text: help.text,
                markdown: help.markdown,
            }),
            None => self.inspect_rust(code, cursor),
        };
        match documentation {
            Some(Documentation {
                text,
                markdown,
                html,
            }) => InspectReply {
                found: true,
                data: Media::new(vec![
                    MediaType::Plain(text),
                    MediaType::Markdown(markdown),
                    MediaType::Html(html),
                ]),
                ..InspectReply::default()
            },
            None => InspectReply::default(),
        }
    }

    fn inspect_rust(&self, source: &str, cursor: usize) -> Option<Documentation> {
        let (code, map) = expand_for_analysis(source);
        let end = map.to_code(name_end(source, cursor)?)?;
        let code = code.get(..end)?;
        let before = code.trim_end_matches(is_of_name);
        // A method is found only when it is called; without a call, a private field of its name would be.
        let is_member = Behind::of(before) == Behind::Dot;
        let as_call = is_member.then(|| self.hover(format!("{code}("))).flatten();
        let html = as_call.or_else(|| self.hover(code.to_owned()))?;
        Some(Documentation::from_html(&html))
    }

    fn find(&self, code: String, offset: usize) -> Option<Found> {
        let (answer, answers) = sync_channel(1);
        self.ask(
            Job::Complete {
                code,
                offset,
                answer,
            },
            &answers,
        )
    }

    /// The documentation of the name that `code` ends with, as evcxr's HTML.
    fn hover(&self, code: String) -> Option<String> {
        let (answer, answers) = sync_channel(1);
        self.ask(Job::Inspect { code, answer }, &answers)
    }

    /// The evaluator's answer; nothing when it is busy longer than a moment.
    fn ask<T>(&self, job: Job, answers: &Receiver<T>) -> Option<T> {
        let Introspector { activity, jobs, .. } = self.introspector;
        let wait = if activity.phase() == Phase::Starting {
            START_WAIT
        } else {
            BUSY_WAIT
        };
        let asked = Instant::now();
        if !activity.wait_until_idle(wait.saturating_sub(asked - self.received)) {
            return None;
        }
        jobs.send(job).ok()?;
        // A cell may have been first; then the answer comes after it, too late.
        while asked.elapsed() < ANSWER_WAIT {
            match answers.recv_timeout(BUSY_WAIT) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) if activity.phase() == Phase::Idle => {}
                Err(_) => return None,
            }
        }
        None
    }
}

/// Whether a letter can be part of a name.
fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}
