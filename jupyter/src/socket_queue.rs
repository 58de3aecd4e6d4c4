//! The queue of a thread that owns a socket: other threads put messages into it, the owner sends them.
//!
//! A zmq socket belongs to one thread. Each owner therefore also has an inproc PULL socket, which it polls together
//! with its own. A [`SocketSender`] is the other end. Never touches the owner's socket.

use std::sync::{Arc, Mutex};

use super::wire::{Codec, Outgoing};

/// The frame that asks a socket's thread to end.
const STOP: &[u8] = b"stop";

/// Puts messages into the queue of the thread that owns a socket. Cheap to clone; any thread may use it.
///
/// Senders: every thread that answers or publishes. Receiver: the [`SocketReceiver`] of the owner. Unbounded, because
/// the pace of output and the number of requests bound the number of messages.
#[derive(Clone)]
pub struct SocketSender {
    /// zmq allows a socket to move between threads with a memory fence in between. The mutex is that fence.
    socket: Arc<Mutex<zmq::Socket>>,
    codec: Arc<Codec>,
}

/// The end of the queue that the owner of a socket reads.
pub struct SocketReceiver {
    socket: zmq::Socket,
}

/// An entry of the queue.
pub enum SocketCommand {
    Send(Vec<Vec<u8>>),
    Stop,
}

/// Both ends of a queue for the socket called `name`.
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
    /// Signs a message and puts it into the queue.
    pub fn send(&self, message: Outgoing) {
        self.put(self.codec.encode(message));
    }

    /// Asks the owner to end its thread after it has sent what is in the queue.
    pub fn stop(&self) {
        self.put(vec![STOP.to_vec()]);
    }

    fn put(&self, frames: Vec<Vec<u8>>) {
        let socket = self
            .socket
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = socket.send_multipart(frames, 0) {
            tracing::debug!("a message for a thread that has ended: {error}");
        }
    }
}

impl SocketReceiver {
    /// Waits until `socket`, which the same thread owns, has a message or this queue has a command.
    pub fn wait(&self, socket: &zmq::Socket) -> zmq::Result<()> {
        let mut items = [
            socket.as_poll_item(zmq::POLLIN),
            self.socket.as_poll_item(zmq::POLLIN),
        ];
        match zmq::poll(&mut items, -1) {
            // A signal: the owner looks and waits again.
            Ok(_) | Err(zmq::Error::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The next command, if the queue is not empty.
    pub fn take(&self) -> Option<SocketCommand> {
        let frames = self.socket.recv_multipart(zmq::DONTWAIT).ok()?;
        Some(if frames == [STOP] {
            SocketCommand::Stop
        } else {
            SocketCommand::Send(frames)
        })
    }
}
