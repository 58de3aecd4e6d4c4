//! The iopub socket: messages to all clients. Nothing else publishes.
//!
//! It is a verbose XPUB socket, so it sees each subscription and answers it with `iopub_welcome`
//! (<https://jupyter.org/enhancement-proposals/65-jupyter-xpub/jupyter-xpub.html>): a client that has received
//! its welcome misses nothing from then on.

use std::sync::Arc;

use jupyter_protocol::{IoPubWelcome, JupyterMessageContent};
use serde_json::json;

use super::router::LINGER_MS;
use super::socket_queue::{SocketCommand, SocketReceiver, SocketSender};
use super::wire::{Codec, Origin, Outgoing};

/// Publishes messages from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    sender: SocketSender,
}

impl Publisher {
    pub fn new(sender: SocketSender) -> Self {
        Self { sender }
    }

    /// Publishes `content` as caused by `parent`.
    pub fn publish(&self, parent: &Origin, content: impl Into<JupyterMessageContent>) {
        let content = content.into();
        let topic = format!("kernel.{}", content.message_type()).into_bytes();
        self.sender.send(Outgoing {
            content,
            metadata: json!({}),
            parent_header: parent.header.clone(),
            identities: vec![topic],
        });
    }
}

/// The bound socket with the receiver of its thread.
pub struct Iopub {
    socket: zmq::Socket,
    receiver: SocketReceiver,
    codec: Arc<Codec>,
}

impl Iopub {
    pub fn bind(
        context: &zmq::Context,
        url: &str,
        receiver: SocketReceiver,
        codec: &Arc<Codec>,
    ) -> zmq::Result<Self> {
        let socket = context.socket(zmq::XPUB)?;
        socket.set_xpub_verbose(true)?;
        socket.set_linger(LINGER_MS)?;
        // No limit: a full queue would drop messages silently. The kernel's outputs thread limits the pace of output.
        socket.set_sndhwm(0)?;
        socket.bind(url)?;
        Ok(Self {
            socket,
            receiver,
            codec: Arc::clone(codec),
        })
    }

    /// Publishes until the receiver gets a stop.
    pub fn serve(self) {
        loop {
            if self.receiver.wait(&self.socket).is_err() {
                return;
            }
            while let Ok(frame) = self.socket.recv_bytes(zmq::DONTWAIT) {
                // The first byte is 1 for a subscription and 0 for its end; the topic follows.
                if let [1, topic @ ..] = frame.as_slice() {
                    self.send(self.codec.encode(welcome(topic)));
                }
            }
            while let Some(command) = self.receiver.take() {
                match command {
                    SocketCommand::Stop => return,
                    SocketCommand::Send(frames) => self.send(frames),
                }
            }
        }
    }

    fn send(&self, frames: Vec<Vec<u8>>) {
        if let Err(error) = self.socket.send_multipart(frames, 0) {
            tracing::warn!("iopub: a message was not published: {error}");
        }
    }
}

fn welcome(topic: &[u8]) -> Outgoing {
    Outgoing {
        content: IoPubWelcome::new(String::from_utf8_lossy(topic).into_owned()).into(),
        metadata: json!({}),
        parent_header: Vec::new(),
        identities: vec![topic.to_vec()],
    }
}
