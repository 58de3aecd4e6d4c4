//! Completion and inspection. Answers from the magics, from folders and from cargo's index; for the rest asks
//! rust-analyzer, which runs in a process of its own. Never waits for a cell.
//!
//! Runs in a thread of its own, so that a key press in a console never delays the shell socket.
//!
//! * [`analysis`]: asks rust-analyzer about a cell
//! * [`completion`]: completes at the cursor; [`completion_item`]: the types of its result
//! * [`inspection`]: describes the name at the cursor
//! * [`candidates`]: filters and sorts rust-analyzer's completions
//! * [`known_names`]: completes names without rust-analyzer
//! * [`commands`], [`crates`], [`files`]: completes commands, crate names after `:dep`, and paths in string literals
//! * [`documentation`]: renders rust-analyzer's documentation of a name
//! * [`positions`]: converts between code points and bytes

pub mod analysis;
mod candidates;
mod commands;
mod completion;
mod completion_item;
mod crates;
mod documentation;
mod files;
mod inspection;
mod known_names;
mod positions;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use corebook_jupyter::reply::Responder;
use corebook_jupyter::wire::Origin;
use jupyter_protocol::{CompleteRequest, InspectRequest, JupyterMessageContent};

use crate::evaluator::current_cell::CurrentCell;

use self::analysis::Analysis;

/// rust-analyzer is started after the kernel has been at rest for this time, so that cells that are sent one after the
/// other, by `Run All` or by a program, do not share the processor with it.
const REST_BEFORE_START: Duration = Duration::from_secs(1);

/// A request. Sender: the thread `shell`.
pub struct Request {
    pub origin: Origin,
    pub question: Question,
}

pub enum Question {
    Complete(CompleteRequest),
    Inspect(InspectRequest),
}

/// Answers requests about code that is being typed.
pub struct Introspector {
    pub responder: Responder,
    pub current_cell: Arc<CurrentCell>,
    /// The folder to which relative paths in a cell refer.
    pub folder: Option<PathBuf>,
    pub analysis: Analysis,
}

impl Introspector {
    /// Answers until the sender is dropped.
    pub fn serve(mut self, requests: &Receiver<Request>) {
        loop {
            let request = match self.next_wake_up() {
                Some(wait) => requests.recv_timeout(wait),
                None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match request {
                Ok(request) => self.answer(&request),
                Err(RecvTimeoutError::Timeout) => self.wake_up(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn answer(&mut self, request: &Request) {
        let content: JupyterMessageContent = match &request.question {
            Question::Complete(asked) => self.complete(asked).into(),
            Question::Inspect(asked) => self.inspect(asked).into(),
        };
        self.responder.answer(&request.origin, content);
    }

    /// After which time without a request there is something else to do.
    fn next_wake_up(&self) -> Option<Duration> {
        if self.analysis.must_start() {
            let rest = self.current_cell.rest().unwrap_or_default();
            return Some(REST_BEFORE_START.saturating_sub(rest));
        }
        self.analysis.next_give_back()
    }

    fn wake_up(&mut self) {
        let rest = self.current_cell.rest();
        if self.analysis.must_start() && rest.is_some_and(|rest| rest >= REST_BEFORE_START) {
            self.analysis.start();
        }
        self.analysis.give_back();
    }

    fn folder(&self) -> &Path {
        self.folder.as_deref().unwrap_or(Path::new("."))
    }
}
