//! The shell socket. Answers a request at once or passes it to the thread that can answer it. Never waits for a cell.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use corebook_jupyter::reply::Responder;
use corebook_jupyter::wire::{Incoming, Origin};
use jupyter_protocol::{ExecuteRequest, JupyterMessageContent, ShutdownReply, Status};
use serde_json::Value;

use super::{comms, is_complete, kernel_info, subshell_requests};
use crate::evaluator::current_cell::CurrentCell;
use crate::evaluator::job::{ExecuteJob, Job};
use crate::history;
use crate::introspection;
use crate::introspection::Question;
use crate::shared::shutdown::Shutdown;
use crate::shared::subshells::Subshells;

/// Answers requests on the shell socket or passes them on.
pub struct Shell {
    /// Replies on the shell socket.
    pub responder: Responder,
    /// To the evaluator. Unbounded: as long as the client's queue of cells.
    pub jobs: Sender<Job>,
    /// To the thread `introspection`. Unbounded: one request for each key press.
    pub introspection: Sender<introspection::Request>,
    /// To the thread `history`. Unbounded: one request for each key press.
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
            self.answer_unknown_subshell(&message.origin, &message.message_type);
            return;
        }
        match message.content {
            JupyterMessageContent::ExecuteRequest(request) => {
                let number = self.subshells.next();
                // Published here because the evaluator may still be starting or warming up. Until jupyter console
                // receives `busy`, it takes the kernel for idle and shows no output.
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
                self.log_if_lost(self.jobs.send(Job::Execute(job)).is_ok());
            }
            JupyterMessageContent::CompleteRequest(request) => {
                self.ask(message.origin, Question::Complete(request));
            }
            JupyterMessageContent::InspectRequest(request) => {
                self.ask(message.origin, Question::Inspect(request));
            }
            JupyterMessageContent::HistoryRequest(request) => {
                let request = history::Request::Ask(message.origin, request);
                self.log_if_lost(self.history.send(request).is_ok());
            }
            other => self.answer(&message.origin, other),
        }
    }

    fn ask(&self, origin: Origin, question: Question) {
        let request = introspection::Request { origin, question };
        self.log_if_lost(self.introspection.send(request).is_ok());
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
            // Belongs on control, but old clients send it here.
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

    /// Answers a message to a subshell that does not exist. Only publishes busy and idle if the message type has no
    /// reply, such as a comm message.
    fn answer_unknown_subshell(&self, origin: &Origin, message_type: &str) {
        let id = origin.subshell.as_deref().unwrap_or_default();
        tracing::warn!(
            "shell: a message of type {message_type} to subshell {id:?}, which does not exist"
        );
        let content = subshell_requests::unknown(id);
        self.responder.answer_error(origin, message_type, content);
    }

    fn log_if_lost(&self, was_sent: bool) {
        if !was_sent {
            tracing::error!("shell: a request arrived while the kernel was ending");
        }
    }
}

/// Whether the client can update a display in place.
///
/// Clients do not report this, so it is guessed. JupyterLab and VS Code send the cell's id in the request's metadata;
/// nbclient, which also supports updates, does not allow input. The remaining clients are terminals, above all jupyter
/// console, which ignore `update_display_data`. A client that is taken for a terminal by mistake gets text, which works
/// everywhere.
fn supports_update_display(request: &ExecuteRequest, metadata: &Value) -> bool {
    !request.allow_stdin || !metadata["cellId"].is_null()
}
