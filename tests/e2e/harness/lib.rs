//! What the end-to-end tests are made of: the real binary, real sockets, and a client that fails the test on every
//! message that was not asserted.
//!
//! Modules in reading order:
//!
//! * [`binary`]: where the program under test is
//! * [`connection`]: the connection file, as Jupyter writes it
//! * [`message`]: frames <-> messages, signed and checked
//! * [`process`]: the kernel's process and its children
//! * [`client`]: the sockets; every message is asserted or fails the test
//! * [`toolchain`]: a Rust toolchain that lacks something, [`rustup`]: a rustup with its own toolchains
//! * [`traps`]: a folder full of files that must not be run or read
//! * [`notebook`]: a kernel and its client, with [`execution`]'s cells
//! * [`random`]: random numbers that a seed repeats
//! * [`skip`]: tests that cannot run on this machine
//!
//! This package does not import the kernel: what the kernel should say is written here a second time, on purpose.

pub mod binary;
pub mod client;
pub mod connection;
pub mod execution;
pub mod message;
pub mod notebook;
pub mod process;
pub mod random;
pub mod rustup;
pub mod skip;
pub mod toolchain;
pub mod traps;

use std::time::Duration;

/// How long to wait for anything before a test fails. Not a measure: only a hang takes that long.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// How long the first cell may take: without a template the kernel compiles its runtime first.
pub const FIRST_CELL_PATIENCE: Duration = Duration::from_secs(300);
