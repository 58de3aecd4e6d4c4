//! Completion and inspection: answered from the magics, from folders and cargo's index, else by the evaluator if it
//! is free soon.
//!
//! A thread of its own, so that a key press in a console never holds up the shell socket.
//!
//! * [`evaluator_client`]: questions to the evaluator, for as long as a person waits
//! * [`completion`]: what could stand where the cursor is; [`completion_item`]: what a completion offers
//! * [`inspection`]: what is known of a name
//! * [`candidates`]: what rust-analyzer offers, without what is internal and in order
//! * [`crates`], [`files`]: names behind `:dep`, and paths in texts
//! * [`documentation`]: what rust-analyzer knows of a name, readable
//! * [`positions`]: code points and bytes

mod candidates;
mod completion;
mod completion_item;
mod crates;
mod documentation;
mod evaluator_client;
mod files;
mod inspection;
mod positions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use corebook_jupyter::reply::Responder;
use corebook_jupyter::wire::Origin;
use jupyter_protocol::{CompleteRequest, InspectRequest, JupyterMessageContent};

use crate::evaluator::current_cell::CurrentCell;
use crate::evaluator::job::Job;

use self::completion::PrivateCandidates;
use self::evaluator_client::EvaluatorClient;

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

/// Answers questions about code that is being typed.
pub struct Introspector {
    pub responder: Responder,
    /// To the evaluator.
    pub jobs: Sender<Job>,
    pub current_cell: Arc<CurrentCell>,
    /// Where relative paths in a cell begin.
    pub folder: Option<PathBuf>,
}

impl Introspector {
    /// Answers until the shell thread has ended.
    pub fn serve(&self, requests: &Receiver<Request>) {
        let mut known_private = PrivateCandidates::default();
        while let Ok(request) = requests.recv() {
            let client = EvaluatorClient {
                jobs: &self.jobs,
                current_cell: &self.current_cell,
                received: request.received,
                folder: self.folder.as_deref().unwrap_or(Path::new(".")),
            };
            let content: JupyterMessageContent = match &request.question {
                Question::Complete(asked) => client.complete(asked, &mut known_private).into(),
                Question::Inspect(asked) => client.inspect(asked).into(),
            };
            self.responder.answer(&request.origin, content);
        }
    }
}
