//! The shell socket: every request is answered at once or handed to the thread that can answer it.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use jupyter_protocol::{JupyterMessageContent, ShutdownReply, Status};
use serde_json::{Value, json};

use crate::evaluator::answer::Received;
use crate::evaluator::{ExecuteJob, Job};
use crate::iopub::Publisher;
use crate::kernel::Shutdown;
use crate::outbox::Outbox;
use crate::replies::{comms, is_complete, kernel_info};
use crate::wire::{Incoming, Origin, Outgoing};
use crate::{history, introspection};

/// What the shell thread needs.
pub struct Shell {
    pub publisher: Publisher,
    pub replies: Outbox,
    /// To the evaluator. Unbounded: a queue of cells is the client's to make.
    pub jobs: Sender<Job>,
    /// To the thread that completes and inspects. Unbounded: one request a key press.
    pub introspection: Sender<introspection::Request>,
    /// To the thread that remembers. Unbounded: one request a cell or a key press.
    pub history: Sender<history::Request>,
    pub received: Arc<Received>,
    /// To the main thread, which ends the kernel.
    pub shutdowns: Sender<Shutdown>,
    pub rust_version: String,
}

impl Shell {
    /// Answers `message` or passes it on.
    pub fn handle(&self, message: Incoming) {
        match message.content {
            JupyterMessageContent::ExecuteRequest(request) => {
                let job = ExecuteJob {
                    origin: message.origin,
                    request,
                    number: self.received.next(),
                };
                self.pass_on(self.jobs.send(Job::Execute(job)).is_ok());
            }
            JupyterMessageContent::CompleteRequest(request) => {
                let request = introspection::Request::Complete(message.origin, request);
                self.pass_on(self.introspection.send(request).is_ok());
            }
            JupyterMessageContent::InspectRequest(request) => {
                let request = introspection::Request::Inspect(message.origin, request);
                self.pass_on(self.introspection.send(request).is_ok());
            }
            JupyterMessageContent::HistoryRequest(request) => {
                let request = history::Request::Ask(message.origin, request);
                self.pass_on(self.history.send(request).is_ok());
            }
            other => self.answer(&message.origin, other),
        }
    }

    fn answer(&self, origin: &Origin, content: JupyterMessageContent) {
        match content {
            JupyterMessageContent::KernelInfoRequest(_) => {
                self.reply(origin, kernel_info::reply(&self.rust_version));
            }
            JupyterMessageContent::IsCompleteRequest(request) => {
                self.reply(origin, is_complete::reply(&request.code));
            }
            JupyterMessageContent::CommInfoRequest(_) => self.reply(origin, comms::info_reply()),
            JupyterMessageContent::CommOpen(open) => self.while_busy(origin, || {
                self.publisher.publish(origin, comms::close(open.comm_id));
            }),
            JupyterMessageContent::CommMsg(_) | JupyterMessageContent::CommClose(_) => {
                self.while_busy(origin, || {
                    tracing::debug!("a message for a comm that does not exist")
                });
            }
            // Its place is control, but old clients ask here.
            JupyterMessageContent::ShutdownRequest(request) => {
                self.reply(
                    origin,
                    ShutdownReply {
                        restart: request.restart,
                        ..Default::default()
                    },
                );
                let _ = self.shutdowns.send(Shutdown);
            }
            JupyterMessageContent::UnknownMessage(unknown) => {
                reply_unsupported(&self.publisher, &self.replies, origin, &unknown.msg_type);
            }
            other => tracing::warn!("shell: dropped a message of type {}", other.message_type()),
        }
    }

    fn reply(&self, origin: &Origin, content: impl Into<JupyterMessageContent>) {
        self.while_busy(origin, || {
            reply(&self.replies, origin, content.into(), json!({}))
        });
    }

    fn while_busy(&self, origin: &Origin, act: impl FnOnce()) {
        while_busy(&self.publisher, origin, act);
    }

    fn pass_on(&self, was_taken: bool) {
        if !was_taken {
            tracing::error!("shell: a request came while the kernel ends");
        }
    }
}

/// Says busy, does `act`, says idle.
pub fn while_busy(publisher: &Publisher, origin: &Origin, act: impl FnOnce()) {
    publisher.publish(origin, Status::busy());
    act();
    publisher.publish(origin, Status::idle());
}

/// Leaves a reply to the request from `origin`.
pub fn reply(replies: &Outbox, origin: &Origin, content: JupyterMessageContent, metadata: Value) {
    replies.send(Outgoing {
        content,
        metadata,
        parent_header: origin.header.clone(),
        identities: origin.identities.clone(),
    });
}

/// An error reply to a request of a type that this kernel does not know; anything else only gets a log line.
pub fn reply_unsupported(
    publisher: &Publisher,
    replies: &Outbox,
    origin: &Origin,
    message_type: &str,
) {
    let Some(stem) = message_type.strip_suffix("_request") else {
        tracing::warn!("dropped a message of unknown type {message_type:?}");
        return;
    };
    let content = JupyterMessageContent::UnknownMessage(jupyter_protocol::UnknownMessage {
        msg_type: format!("{stem}_reply"),
        content: json!({
            "status": "error",
            "ename": "Unsupported",
            "evalue": format!("corebook does not support {message_type}"),
            "traceback": [],
        }),
    });
    while_busy(publisher, origin, || {
        reply(replies, origin, content, json!({}))
    });
}
