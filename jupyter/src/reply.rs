//! How requests are answered, on whichever thread: a reply between busy and idle.

use jupyter_protocol::{JupyterMessageContent, Status, UnknownMessage};
use serde_json::{Value, json};

use super::iopub::Publisher;
use super::socket_queue::SocketSender;
use super::wire::{Origin, Outgoing};

/// Says busy, does `act`, says idle.
pub fn while_busy(publisher: &Publisher, origin: &Origin, act: impl FnOnce()) {
    publisher.publish(origin, Status::busy());
    act();
    publisher.publish(origin, Status::idle());
}

/// Leaves a reply to the request from `origin`.
pub fn reply(
    replies: &SocketSender,
    origin: &Origin,
    content: JupyterMessageContent,
    metadata: Value,
) {
    replies.send(Outgoing {
        content,
        metadata,
        parent_header: origin.header.clone(),
        identities: origin.identities.clone(),
    });
}

/// An error reply to a request that nobody answers on `channel`; anything else only gets a log line.
pub fn reply_unsupported(
    publisher: &Publisher,
    replies: &SocketSender,
    origin: &Origin,
    message_type: &str,
    channel: &str,
) {
    let value = format!("corebook does not support {message_type} on {channel}");
    let Some(content) = error_reply(message_type, error("Unsupported", &value)) else {
        tracing::warn!("{channel}: dropped a message of type {message_type:?}");
        return;
    };
    while_busy(publisher, origin, || {
        reply(replies, origin, content, json!({ "status": "error" }));
    });
}

/// The reply to a request, with this content; none for what is no request.
pub fn error_reply(message_type: &str, content: Value) -> Option<JupyterMessageContent> {
    let stem = message_type.strip_suffix("_request")?;
    let msg_type = format!("{stem}_reply");
    let reply = UnknownMessage { msg_type, content };
    Some(JupyterMessageContent::UnknownMessage(reply))
}

/// The content of a reply that says why there is no other.
pub fn error(name: &str, value: &str) -> Value {
    json!({ "status": "error", "ename": name, "evalue": value, "traceback": [] })
}
