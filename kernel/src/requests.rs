//! What a client asks on shell and control, and interrupts. What needs the evaluator is passed on to it.
//!
//! * [`shell`], [`control`]: one socket, one thread, one file
//! * [`interrupt`]: stopping a cell
//! * [`kernel_info`], [`is_complete`], [`comms`], [`subshell_requests`]: request in, reply out, without the evaluator

pub mod comms;
pub mod control;
pub mod interrupt;
pub mod is_complete;
pub mod kernel_info;
pub mod shell;
pub mod subshell_requests;
