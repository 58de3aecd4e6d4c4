//! The threads of pools. Nothing here knows jobs or items.
//!
//! * `workers`: the threads of one pool; the only module that uses rayon
//! * `registry`: all pools of the process, by number
//! * `panics`: how a panic on a worker reaches the thread that asked for the work

pub(crate) mod panics;
pub(crate) mod registry;
pub(crate) mod workers;
