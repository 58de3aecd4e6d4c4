//! Requests that need no evaluator: request in, reply out. Pure.

pub mod comms;
pub mod is_complete;
pub mod kernel_info;
pub mod subshells;

use serde_json::{Value, json};

/// The content of a reply that says why there is no other.
pub fn error(name: &str, value: &str) -> Value {
    json!({ "status": "error", "ename": name, "evalue": value, "traceback": [] })
}
