//! The control socket. A thread of its own, so interrupt and shutdown don't wait for a running cell or the shell.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use corebook_jupyter::reply::Responder;
use corebook_jupyter::wire::Incoming;
use jupyter_protocol::{InterruptReply, JupyterMessageContent, ShutdownReply};
use serde_json::json;

use super::interrupt;
use super::{kernel_info, subshell_requests};
use crate::shared::shutdown::Shutdown;
use crate::shared::subshells::Subshells;

/// Answers requests on the control socket.
pub struct Control {
    /// Replies on the control socket.
    pub responder: Responder,
    pub interrupts: Sender<interrupt::Request>,
    pub subshells: Arc<Subshells>,
    /// To the main thread, which ends the kernel.
    pub shutdowns: Sender<Shutdown>,
    pub rust_version: String,
}

impl Control {
    pub fn handle(&self, message: Incoming) {
        let origin = &message.origin;
        match message.content {
            JupyterMessageContent::InterruptRequest(_) => {
                // The reply means that the kernel has accepted the interrupt, not that the cell has stopped.
                let _ = self.interrupts.send(interrupt::Request {
                    received: self.subshells.received(),
                });
                self.responder.answer(origin, InterruptReply::new());
            }
            JupyterMessageContent::ShutdownRequest(request) => {
                let restart = request.restart;
                self.responder.answer(
                    origin,
                    ShutdownReply {
                        restart,
                        ..Default::default()
                    },
                );
                let _ = self.shutdowns.send(Shutdown);
            }
            JupyterMessageContent::KernelInfoRequest(_) => {
                self.responder
                    .answer(origin, kernel_info::reply(&self.rust_version));
            }
            JupyterMessageContent::DebugRequest(request) => {
                let content = json!({
                    "type": "response",
                    "request_seq": request.content["seq"],
                    "success": false,
                    "command": request.content["command"],
                    "message": "corebook has no debugger",
                });
                self.responder
                    .answer(origin, jupyter_protocol::DebugReply { content });
            }
            JupyterMessageContent::UnknownMessage(unknown) => {
                match subshell_requests::reply(&unknown, &self.subshells) {
                    Some(reply) => {
                        self.responder
                            .answer(origin, JupyterMessageContent::UnknownMessage(reply));
                    }
                    None => self.responder.refuse(origin, &unknown.msg_type, "control"),
                }
            }
            other => self
                .responder
                .refuse(origin, other.message_type(), "control"),
        }
    }
}
