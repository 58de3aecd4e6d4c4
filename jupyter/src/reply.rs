//! Answers requests, from any thread: busy, a reply, idle.

use jupyter_protocol::{JupyterMessageContent, Status, UnknownMessage};
use serde_json::{Value, json};

use super::iopub::Publisher;
use super::socket_queue::SocketSender;
use super::wire::{Origin, Outgoing};

/// Answers the requests of one socket. Cheap to clone; any thread may use it.
#[derive(Clone)]
pub struct Responder {
    pub publisher: Publisher,
    /// The queue of the socket that the requests came from.
    pub replies: SocketSender,
}

impl Responder {
    /// Publishes busy, calls `act`, publishes idle.
    pub fn while_busy(&self, origin: &Origin, act: impl FnOnce()) {
        self.publisher.publish(origin, Status::busy());
        act();
        self.publisher.publish(origin, Status::idle());
    }

    /// Answers a request that needs no further work: busy, the reply, idle.
    pub fn answer(&self, origin: &Origin, content: impl Into<JupyterMessageContent>) {
        self.while_busy(origin, || self.reply(origin, content.into(), json!({})));
    }

    /// Sends only the reply, for a request whose busy and idle are published elsewhere.
    pub fn reply(&self, origin: &Origin, content: JupyterMessageContent, metadata: Value) {
        self.replies.send(Outgoing {
            content,
            metadata,
            parent_header: origin.header.clone(),
            identities: origin.identities.clone(),
        });
    }

    /// Answers a message of this type with an error if it is a request.
    ///
    /// * `content`: of the reply, as made by [`error`].
    ///
    /// Any other message gets busy and idle only, because no client waits for a reply to it.
    pub fn answer_error(&self, origin: &Origin, message_type: &str, content: Value) {
        let reply = message_type
            .strip_suffix("_request")
            .map(|stem| UnknownMessage {
                msg_type: format!("{stem}_reply"),
                content,
            });
        self.while_busy(origin, || {
            if let Some(reply) = reply {
                let content = JupyterMessageContent::UnknownMessage(reply);
                self.reply(origin, content, json!({ "status": "error" }));
            }
        });
    }

    /// Answers a message that the kernel does not support on `channel`, and logs one that can't be answered.
    pub fn refuse(&self, origin: &Origin, message_type: &str, channel: &str) {
        let value = format!("corebook does not support {message_type} on {channel}");
        if !message_type.ends_with("_request") {
            tracing::warn!("{channel}: dropped a message of type {message_type:?}");
            return;
        }
        self.answer_error(origin, message_type, error("Unsupported", &value));
    }
}

/// The content of an error reply.
pub fn error(name: &str, value: &str) -> Value {
    json!({ "status": "error", "ename": name, "evalue": value, "traceback": [] })
}
