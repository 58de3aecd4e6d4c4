//! A ROUTER socket and the thread around it: requests in, replies out.
//!
//! Shell, control and stdin differ only in their handlers. Knows no message types.

use std::sync::Arc;

use super::socket_queue::{SocketCommand, SocketReceiver};
use super::wire::{Codec, Incoming, Seen};

/// zmq closes a connection that sends a larger message. No cell of a notebook is that long.
const LARGEST_MESSAGE_BYTES: i64 = 256 * 1024 * 1024;

/// How long a closed socket may still send what is in its queue, in milliseconds.
pub const LINGER_MS: i32 = 500;

/// A bound ROUTER socket with the receiver of its thread.
pub struct Router {
    socket: zmq::Socket,
    receiver: SocketReceiver,
    codec: Arc<Codec>,
    name: &'static str,
}

impl Router {
    pub fn bind(
        context: &zmq::Context,
        url: &str,
        name: &'static str,
        receiver: SocketReceiver,
        codec: &Arc<Codec>,
    ) -> zmq::Result<Self> {
        let socket = context.socket(zmq::ROUTER)?;
        socket.set_linger(LINGER_MS)?;
        socket.set_maxmsgsize(LARGEST_MESSAGE_BYTES)?;
        // A client that reconnects under its old identity takes it over.
        socket.set_router_handover(true)?;
        socket.bind(url)?;
        Ok(Self {
            socket,
            receiver,
            codec: Arc::clone(codec),
            name,
        })
    }

    /// Serves until the receiver gets a stop. Calls `handle` with each message; it answers through the socket's queue.
    pub fn serve(self, mut handle: impl FnMut(Incoming)) {
        let mut seen = Seen::default();
        loop {
            if let Err(error) = self.receiver.wait(&self.socket) {
                tracing::error!("{}: {error}", self.name);
                return;
            }
            while let Some(command) = self.receiver.take() {
                match command {
                    SocketCommand::Stop => return,
                    SocketCommand::Send(frames) => {
                        if let Err(error) = self.socket.send_multipart(frames, zmq::DONTWAIT) {
                            tracing::warn!("{}: a reply was not sent: {error}", self.name);
                        }
                    }
                }
            }
            let Ok(frames) = self.socket.recv_multipart(zmq::DONTWAIT) else {
                continue;
            };
            match self.codec.decode(frames, &mut seen) {
                Ok(message) => {
                    tracing::debug!("{}: {}", self.name, message.message_type);
                    handle(message);
                }
                Err(error) => tracing::warn!("{}: dropped {error}", self.name),
            }
        }
    }
}
