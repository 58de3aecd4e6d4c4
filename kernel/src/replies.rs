//! Requests that need no evaluator: request in, reply out. Pure.

pub mod comms;
pub mod is_complete;
pub mod kernel_info;
