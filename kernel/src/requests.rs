//! Handles requests on shell and control, and interrupts. Passes requests that need the evaluator on to it.
//!
//! * [`shell`], [`control`]: the handler of each socket; each runs in a thread of its own
//! * [`interrupt`]: stops a cell
//! * [`kernel_info`], [`is_complete`], [`comms`], [`subshell_requests`]: make a reply, without the evaluator

pub mod comms;
pub mod control;
pub mod interrupt;
pub mod is_complete;
pub mod kernel_info;
pub mod shell;
pub mod subshell_requests;
