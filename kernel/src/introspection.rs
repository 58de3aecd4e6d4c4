//! Completion and inspection. Answers from the magics, from folders and from cargo's index; for the rest asks the
//! evaluator, if it is idle or becomes idle soon.
//!
//! Runs in a thread of its own, so that a key press in a console never delays the shell socket.
//!
//! * [`evaluator_client`]: asks the evaluator, with a timeout
//! * [`completion`]: completes at the cursor; [`completion_item`]: the types of its result
//! * [`inspection`]: describes the name at the cursor
//! * [`candidates`]: filters and sorts rust-analyzer's completions
//! * [`crates`], [`files`]: completes crate names after `:dep`, and paths in string literals
//! * [`documentation`]: renders rust-analyzer's documentation of a name
//! * [`positions`]: converts between code points and bytes

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

/// A request. Sender: the thread `shell`.
pub struct Request {
    pub origin: Origin,
    pub question: Question,
    pub received: Instant,
}

pub enum Question {
    Complete(CompleteRequest),
    Inspect(InspectRequest),
}

/// Answers requests about code that is being typed.
pub struct Introspector {
    pub responder: Responder,
    /// To the evaluator.
    pub jobs: Sender<Job>,
    pub current_cell: Arc<CurrentCell>,
    /// The folder to which relative paths in a cell refer.
    pub folder: Option<PathBuf>,
}

impl Introspector {
    /// Answers until the sender is dropped.
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
