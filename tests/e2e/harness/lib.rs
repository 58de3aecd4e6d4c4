//! What the end-to-end tests are made of: the real binary, real sockets, and a client that lets no message
//! pass unread.
//!
//! Modules in reading order:
//!
//! * [`binary`]: where the program under test is
//! * [`connection`]: the connection file, as Jupyter writes it
//! * [`message`]: frames <-> messages, signed and checked
//! * [`process`]: the kernel's process and its children
//! * [`client`]: the sockets; every message is asserted or fails the test
//! * [`toolchain`]: a Rust toolchain that lacks something, [`rustup`]: a rustup with toolchains of a test's own
//! * [`traps`]: a folder full of what must neither run nor be read
//! * [`notebook`]: a kernel and its client, with [`execution`]'s cells
//!
//! Nothing here imports the kernel: what it should say is written down a second time, on purpose.

pub mod binary;
pub mod client;
pub mod connection;
pub mod execution;
pub mod message;
pub mod notebook;
pub mod process;
pub mod rustup;
pub mod toolchain;
pub mod traps;

use std::time::Duration;

/// How long anything may take before a test gives up. Not a measure: only a hang takes that long.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How long the first cell may take: a kernel that nobody prepared first compiles its runtime.
pub const FIRST_CELL_PATIENCE: Duration = Duration::from_secs(300);
