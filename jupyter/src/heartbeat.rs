//! The heartbeat socket: sends every message back unchanged.

use super::router::LINGER_MS;
use super::socket_queue::{SocketCommand, SocketReceiver};

/// The bound socket with the receiver of its thread.
pub struct Heartbeat {
    socket: zmq::Socket,
    receiver: SocketReceiver,
}

impl Heartbeat {
    pub fn bind(context: &zmq::Context, url: &str, receiver: SocketReceiver) -> zmq::Result<Self> {
        // ROUTER, not REP: a client that sends twice without reading must not stall the others.
        let socket = context.socket(zmq::ROUTER)?;
        socket.set_linger(LINGER_MS)?;
        socket.bind(url)?;
        Ok(Self { socket, receiver })
    }

    /// Echoes until the receiver gets a stop.
    pub fn serve(self) {
        loop {
            if self.receiver.wait(&self.socket).is_err() {
                return;
            }
            if let Some(SocketCommand::Stop) = self.receiver.take() {
                return;
            }
            if let Ok(frames) = self.socket.recv_multipart(zmq::DONTWAIT) {
                // Fails only if the client has gone.
                let _ = self.socket.send_multipart(frames, zmq::DONTWAIT);
            }
        }
    }
}
