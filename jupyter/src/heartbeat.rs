//! The heartbeat socket: every message comes back as it was sent.

use super::router::LINGER_MS;
use super::socket_queue::{SocketCommand, SocketReceiver};

/// The bound socket.
pub fn bind(context: &zmq::Context, url: &str) -> zmq::Result<zmq::Socket> {
    // ROUTER, not REP: a client that sends twice without reading must not stall the others.
    let socket = context.socket(zmq::ROUTER)?;
    socket.set_linger(LINGER_MS)?;
    socket.bind(url)?;
    Ok(socket)
}

/// Echoes until the receiver says stop.
pub fn serve(socket: &zmq::Socket, receiver: &SocketReceiver) {
    loop {
        let mut items = [socket.as_poll_item(zmq::POLLIN), receiver.poll_item()];
        if zmq::poll(&mut items, -1).is_err_and(|error| error != zmq::Error::EINTR) {
            return;
        }
        if let Some(SocketCommand::Stop) = receiver.take() {
            return;
        }
        if let Ok(frames) = socket.recv_multipart(zmq::DONTWAIT) {
            // A client that has gone needs no echo.
            let _ = socket.send_multipart(frames, zmq::DONTWAIT);
        }
    }
}
