//! corebook: a Jupyter kernel for Rust that shows and measures parallel work.
//!
//! Modules in reading order; `kernel` shows how the threads hang together:
//!
//! * [`cli`]: the command line
//! * [`kernel`]: binds, spawns, ends
//! * [`connection`]: the connection file
//! * [`wire`]: frames <-> typed messages
//! * `outbox`, `router`: sockets and the threads around them
//! * `heartbeat`, `iopub`, `shell`, `control`: one socket, one thread, one file
//! * `replies`: requests that need no evaluator
//! * `shells`: which subshells there are, and what waits in vain
//! * `history`: the cells of this session and of earlier ones
//! * `introspection`: completion and inspection
//! * [`evaluator`]: the only user of evcxr
//! * `host`, `cpus`, `checkpoints`: what the kernel answers when a magic asks
//! * `memory`: giving memory back
//! * `answering`: a reply between busy and idle
//! * `activity`, `interrupt`, `input`: what the evaluator does now, stopping it, asking for it
//! * [`supervisor`]: the processes between evcxr and a notebook's code
//! * `endings`: how those processes end, in words
//! * `reports`, [`outputs`], [`charts`], `markup`: what that code shows, on its way to iopub
//! * [`runner`]: `corebook run`, a client of all this without Jupyter
//! * `terminal`: names of others on a terminal
//! * `program`: where this program's own file is
//! * `surroundings`: the folder and the environment it was started in

pub mod charts;
pub mod cli;
pub mod connection;
pub mod evaluator;
pub mod kernel;
pub mod outputs;
pub mod runner;
pub mod supervisor;
pub mod wire;

mod activity;
mod answering;
mod checkpoints;
mod control;
mod cpus;
mod endings;
mod heartbeat;
mod history;
mod host;
mod input;
mod interrupt;
mod introspection;
mod iopub;
mod markup;
mod memory;
mod outbox;
mod program;
mod replies;
mod reports;
mod router;
mod shell;
mod shells;
mod surroundings;
mod terminal;
