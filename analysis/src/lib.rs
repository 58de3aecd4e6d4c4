//! rust-analyzer in a process of its own. It answers questions about code that is being typed, so that running cells
//! never wait for it, and so that its memory is returned when the process ends.
//!
//! ```text
//! kernel ── client ──── stdin, stdout ──── server ── host ── project, library
//! ```
//!
//! Runs no code of a notebook, and knows nothing about cells: it answers about the source of a crate.
//!
//! * [`protocol`]: the messages between the two processes
//! * [`client`]: the kernel's end; starts and ends the process
//! * [`mode`]: when it is started
//! * [`server`]: the loop of the process
//! * `host`: rust-analyzer, with a project loaded
//! * `project`: reads a project with its dependencies from its folder; `library`: the standard library
//! * `completions`: converts rust-analyzer's completions

pub mod client;
mod completions;
mod host;
mod library;
pub mod mode;
mod project;
pub mod protocol;
pub mod server;

/// Value of [`corebook_processes::ROLE_VARIABLE`] for the analysis process.
pub const ANALYSIS_ROLE: &str = "analysis";
