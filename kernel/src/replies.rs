//! Requests that need no evaluator: request in, reply out. Pure but for the history's file.

pub mod comms;
pub mod history;
pub mod is_complete;
pub mod kernel_info;
