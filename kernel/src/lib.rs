//! corebook: a Jupyter kernel for Rust that shows and measures parallel work.
//!
//! Rooms from the roof to the ground. A room imports only from rooms below it; a test draws the imports and fails on
//! any that goes up. `ARCHITECTURE.md` shows processes, threads and the life of a cell.
//!
//! * [`cli`]: the command line
//! * [`kernel`]: binds sockets, starts the threads, ends them
//! * `requests`: shell, control and interrupt: what a client asks, and who answers
//! * `introspection`: completion and inspection
//! * [`evaluator`]: runs cells, one at a time
//! * `evcxr`: starts evcxr and holds it, for the evaluator
//! * [`outputs`]: what a cell shows, on its way to the client
//! * `history`: the cells of this session and of earlier ones
//! * `shared`: what several threads look at
//!
//! Below them are crates that do without evcxr: `corebook_runner` (`corebook run`), `corebook_processes` (supervisor and
//! worker, and the link between them and the kernel) and `corebook_jupyter` (sockets, messages, signatures).

pub mod cli;
pub mod evaluator;
pub mod kernel;
pub mod outputs;

mod evcxr;
mod history;
mod introspection;
mod requests;
mod shared;
