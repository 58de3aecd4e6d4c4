//! Jupyter's side of the kernel: connection file, sockets, messages and signatures. Knows nothing about cells.
//!
//! zmq is used in this crate only.
//!
//! * [`connection_file`]: what Jupyter writes for a kernel
//! * [`wire`]: frames to typed messages and back
//! * [`sockets`]: the five sockets, bound; [`socket_queue`]: the way into a socket's thread
//! * [`router`], [`iopub`], [`heartbeat`]: one kind of socket each
//! * [`reply`]: a reply between busy and idle
//! * [`client`]: the other end of the sockets, for `corebook run`

pub mod client;
pub mod connection_file;
pub mod heartbeat;
pub mod iopub;
pub mod reply;
pub mod router;
pub mod socket_queue;
pub mod sockets;
pub mod wire;

#[cfg(test)]
mod tests;
