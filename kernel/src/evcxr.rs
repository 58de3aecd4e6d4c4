//! Starts evcxr and owns it. Only the evaluator uses this room. `build/src/evcxr/README.md` lists all limits of evcxr
//! and where each is worked around.
//!
//! * [`startup`]: starts evcxr in a session
//! * [`interpreter`]: the running evcxr
//! * [`definitions`]: what the cells define, in the order of the notebook
//! * [`std_source`]: controls how much of the standard library rust-analyzer reads, and when
//! * [`user_settings`]: reads the user's settings for all notebooks

mod definitions;
pub mod interpreter;
pub mod startup;
mod std_source;
pub mod user_settings;
