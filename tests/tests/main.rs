//! The real binary over real sockets. One test binary; each test starts a kernel of its own.

mod command_line;
mod pool;
