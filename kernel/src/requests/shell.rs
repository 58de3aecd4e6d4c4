//! The shell socket: every request is answered at once or handed to the thread that can answer it.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use corebook_jupyter::reply::Responder;
use corebook_jupyter::wire::{Incoming, Origin};
use jupyter_protocol::{ExecuteRequest, JupyterMessageContent, ShutdownReply, Status};
use serde_json::Value;

use super::control::Shutdown;
use super::{comms, is_complete, kernel_info, subshell_requests};
use crate::evaluator::current_cell::CurrentCell;
use crate::evaluator::job::{ExecuteJob, Job};
use crate::history;
use crate::introspection;
use crate::introspection::Question;
use crate::shared::subshells::Subshells;

/// Answers what comes in on the shell socket, or passes it on.
pub struct Shell {
    /// Of the shell socket.
    pub responder: Responder,
    /// To the evaluator. Unbounded: a queue of cells is the client's to make.
    pub jobs: Sender<Job>,
    /// To the thread that completes and inspects. Unbounded: one request a key press.
    pub introspection: Sender<introspection::Request>,
    /// To the thread that remembers. Unbounded: one request a cell or a key press.
    pub history: Sender<history::Request>,
    pub subshells: Arc<Subshells>,
    pub current_cell: Arc<CurrentCell>,
    /// To the main thread, which ends the kernel.
    pub shutdowns: Sender<Shutdown>,
    pub rust_version: String,
}

impl Shell {
    /// Answers `message` or passes it on.
    pub fn handle(&self, message: Incoming) {
        if !self.subshells.exists(&message.origin.subshell) {
            self.answer_nobody(&message.origin, &message.message_type);
            return;
        }
        match message.content {
            JupyterMessageContent::ExecuteRequest(request) => {
                let number = self.subshells.next();
                // At once, though the evaluator may be starting or warming up: to jupyter console the kernel is
                // idle as long as it hears nothing else, and it shows no output then.
                let busy_published = self.current_cell.is_next(number);
                if busy_published {
                    let publisher = &self.responder.publisher;
                    publisher.publish(&message.origin, Status::busy());
                }
                let job = ExecuteJob {
                    supports_update_display: supports_update_display(&request, &message.metadata),
                    origin: message.origin,
                    request,
                    number,
                    busy_published,
                };
                self.pass_on(self.jobs.send(Job::Execute(job)).is_ok());
            }
            JupyterMessageContent::CompleteRequest(request) => {
                self.ask(message.origin, Question::Complete(request));
            }
            JupyterMessageContent::InspectRequest(request) => {
                self.ask(message.origin, Question::Inspect(request));
            }
            JupyterMessageContent::HistoryRequest(request) => {
                let request = history::Request::Ask(message.origin, request);
                self.pass_on(self.history.send(request).is_ok());
            }
            other => self.answer(&message.origin, other),
        }
    }

    fn ask(&self, origin: Origin, question: Question) {
        let request = introspection::Request {
            origin,
            question,
            received: Instant::now(),
        };
        self.pass_on(self.introspection.send(request).is_ok());
    }

    fn answer(&self, origin: &Origin, content: JupyterMessageContent) {
        match content {
            JupyterMessageContent::KernelInfoRequest(_) => {
                self.responder
                    .answer(origin, kernel_info::reply(&self.rust_version));
            }
            JupyterMessageContent::IsCompleteRequest(request) => {
                self.responder
                    .answer(origin, is_complete::reply(&request.code));
            }
            JupyterMessageContent::CommInfoRequest(_) => {
                self.responder.answer(origin, comms::info_reply())
            }
            JupyterMessageContent::CommOpen(open) => self.responder.while_busy(origin, || {
                self.responder
                    .publisher
                    .publish(origin, comms::close(open.comm_id));
            }),
            JupyterMessageContent::CommMsg(_) | JupyterMessageContent::CommClose(_) => {
                self.responder.while_busy(origin, || {
                    tracing::debug!("a message for a comm that does not exist")
                });
            }
            // Its place is control, but old clients ask here.
            JupyterMessageContent::ShutdownRequest(request) => {
                self.responder.answer(
                    origin,
                    ShutdownReply {
                        restart: request.restart,
                        ..Default::default()
                    },
                );
                let _ = self.shutdowns.send(Shutdown);
            }
            other => {
                self.responder.refuse(origin, other.message_type(), "shell");
            }
        }
    }

    /// Answers a message to a subshell that there is not. One without a reply, as of a comm, is over all the same.
    fn answer_nobody(&self, origin: &Origin, message_type: &str) {
        let id = origin.subshell.as_deref().unwrap_or_default();
        tracing::warn!(
            "shell: a message of type {message_type} to subshell {id:?}, which there is not"
        );
        let content = subshell_requests::unknown(id);
        self.responder.answer_error(origin, message_type, content);
    }

    fn pass_on(&self, was_taken: bool) {
        if !was_taken {
            tracing::error!("shell: a request came while the kernel ends");
        }
    }
}

/// Whether the client can show a display anew in its place.
///
/// No client says. Notebooks name the cell in the request's metadata, as JupyterLab and VS Code do; nbclient,
/// which knows updates too, can ask nobody for input. What is left are terminals, above all jupyter console,
/// which pass over `update_display_data`. A client that is taken for one by mistake gets text that works anywhere.
fn supports_update_display(request: &ExecuteRequest, metadata: &Value) -> bool {
    !request.allow_stdin || !metadata["cellId"].is_null()
}
