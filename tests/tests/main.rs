//! The real binary over real sockets. One test binary; each test starts a kernel of its own.

mod command_line;
mod errors;
mod interrupts;
mod messages;
mod pool;
mod queue;
mod requests;
mod shutdown;
mod sockets;
mod survival;
