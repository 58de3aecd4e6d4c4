//! Starts evcxr and owns it. Only the evaluator uses this room. `build/src/evcxr/README.md` lists all limits of evcxr
//! and where each is worked around.
//!
//! * [`startup`]: starts evcxr in a session
//! * [`interpreter`]: the running evcxr, and the notebook that it runs
//! * [`commands`]: commands such as `:dep`, and those that the kernel answers itself
//! * [`user_settings`]: reads the user's settings for all notebooks

pub mod commands;
pub mod interpreter;
pub mod startup;
pub mod user_settings;
