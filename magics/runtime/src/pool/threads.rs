//! The threads of pools.
//!
//! * `workers`: the threads of one pool; the only place where rayon enters this crate
//! * `registry`: every pool of the process, by number
//! * `panics`: how a panic on a worker reaches the thread that asked for the work

pub(crate) mod panics;
pub(crate) mod registry;
pub(crate) mod workers;
