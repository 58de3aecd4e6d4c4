//! corebook: a Jupyter kernel for Rust that shows and measures parallel work.
//!
//! The rooms (modules) are listed from the top layer to the bottom one. A room imports only from rooms below it;
//! `kernel/tests/rooms.rs` fails on an import that goes up. `ARCHITECTURE.md` shows processes, threads and the life of
//! a cell.
//!
//! * [`cli`]: the command line
//! * `kernel`: binds sockets, starts the threads, ends them
//! * `requests`: shell, control and interrupt: a client's requests and their replies
//! * `introspection`: completion and inspection
//! * `evaluator`: runs cells, one at a time
//! * `evcxr`: starts evcxr and holds it, for the evaluator
//! * `outputs`: publishes what a cell shows
//! * `history`: the cells of this session and of earlier ones
//! * `shared`: values that several threads use
//!
//! Below the rooms are crates that do not depend on evcxr: `corebook_runner` (`corebook run`), `corebook_analysis`
//! (rust-analyzer in a process of its own), `corebook_processes` (supervisor and worker, and their link to the kernel)
//! and `corebook_jupyter` (sockets, messages, signatures).

pub mod cli;

mod evaluator;
mod evcxr;
mod history;
mod introspection;
mod kernel;
mod outputs;
mod requests;
mod shared;
