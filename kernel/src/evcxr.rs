//! Starts evcxr and holds it; only the evaluator uses it. All of evcxr's limits, and where each is worked around, are
//! in `build/src/evcxr/README.md`.
//!
//! * [`startup`]: making evcxr ready in a session
//! * [`interpreter`]: evcxr itself
//! * [`definitions`]: what the cells define, in the order of the notebook
//! * [`std_source`]: how much rust-analyzer knows of the standard library, and when
//! * [`user_settings`]: what users have set for every notebook

mod definitions;
pub mod interpreter;
pub mod startup;
mod std_source;
pub mod user_settings;
