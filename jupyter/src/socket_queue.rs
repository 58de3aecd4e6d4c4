//! The way into a thread that owns a socket: other threads leave messages, the owner sends them.
//!
//! zmq sockets belong to one thread. Each owner therefore also has an inproc PULL socket that it polls
//! beside its own; a [`SocketSender`] is the other end of it.

use std::sync::{Arc, Mutex};

use super::wire::{Codec, Outgoing};

/// The frame that asks a socket's thread to end.
const STOP: &[u8] = b"stop";

/// Leaves messages for the thread that owns a socket. Cheap to clone; any thread may use it.
///
/// Senders: every thread that answers. Receiver: the owner's [`SocketReceiver`]. Unbounded: the number of messages
/// is bounded by the publisher's pace and the clients' requests.
#[derive(Clone)]
pub struct SocketSender {
    /// zmq lets a socket move between threads when a fence lies between; the mutex is that fence.
    socket: Arc<Mutex<zmq::Socket>>,
    codec: Arc<Codec>,
}

/// The owner's end.
pub struct SocketReceiver {
    socket: zmq::Socket,
}

/// What an owner finds in its queue.
pub enum SocketCommand {
    Send(Vec<Vec<u8>>),
    Stop,
}

/// A connected pair for the socket called `name`.
pub fn pair(
    context: &zmq::Context,
    codec: &Arc<Codec>,
    name: &str,
) -> zmq::Result<(SocketSender, SocketReceiver)> {
    let address = format!("inproc://{name}");
    let pull = context.socket(zmq::PULL)?;
    pull.set_rcvhwm(0)?;
    pull.bind(&address)?;
    let push = context.socket(zmq::PUSH)?;
    push.set_sndhwm(0)?;
    push.set_linger(0)?;
    push.connect(&address)?;
    let sender = SocketSender {
        socket: Arc::new(Mutex::new(push)),
        codec: Arc::clone(codec),
    };
    Ok((sender, SocketReceiver { socket: pull }))
}

impl SocketSender {
    /// Signs a message and leaves it to be sent.
    pub fn send(&self, message: Outgoing) {
        self.leave(self.codec.encode(message));
    }

    /// Asks the owner to end its thread after what was left before.
    pub fn stop(&self) {
        self.leave(vec![STOP.to_vec()]);
    }

    fn leave(&self, frames: Vec<Vec<u8>>) {
        let socket = self
            .socket
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = socket.send_multipart(frames, 0) {
            tracing::debug!("a message was left for a thread that has ended: {error}");
        }
    }
}

impl SocketReceiver {
    /// For polling beside the owner's socket.
    pub fn poll_item(&self) -> zmq::PollItem<'_> {
        self.socket.as_poll_item(zmq::POLLIN)
    }

    /// The next command, if one is there.
    pub fn take(&self) -> Option<SocketCommand> {
        let frames = self.socket.recv_multipart(zmq::DONTWAIT).ok()?;
        Some(if frames == [STOP] {
            SocketCommand::Stop
        } else {
            SocketCommand::Send(frames)
        })
    }
}
