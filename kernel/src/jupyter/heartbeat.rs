//! The heartbeat socket: every message comes back as it was sent.

use super::outbox::{Inbox, Letter};
use super::router::LINGER_MS;

/// The bound socket.
pub fn bind(context: &zmq::Context, url: &str) -> zmq::Result<zmq::Socket> {
    // ROUTER, not REP: a client that sends twice without reading must not stall the others.
    let socket = context.socket(zmq::ROUTER)?;
    socket.set_linger(LINGER_MS)?;
    socket.bind(url)?;
    Ok(socket)
}

/// Echoes until the inbox says stop.
pub fn serve(socket: &zmq::Socket, inbox: &Inbox) {
    loop {
        let mut items = [socket.as_poll_item(zmq::POLLIN), inbox.poll_item()];
        if zmq::poll(&mut items, -1).is_err_and(|error| error != zmq::Error::EINTR) {
            return;
        }
        if let Some(Letter::Stop) = inbox.take() {
            return;
        }
        if let Ok(frames) = socket.recv_multipart(zmq::DONTWAIT) {
            // A client that has gone needs no echo.
            let _ = socket.send_multipart(frames, zmq::DONTWAIT);
        }
    }
}
