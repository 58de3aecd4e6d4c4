//! Decides which worker runs which slots of a job, and when to stop. Knows neither items nor results.
//!
//! * `job`: one job, and the threads that work on it or wait for it
//! * `work_loop`: what a worker does in a job
//! * `chunk_queue`: the chunks that are still to be claimed
//! * `outcome`: what a job did

pub(crate) mod chunk_queue;
pub(crate) mod job;
pub(crate) mod outcome;
mod work_loop;
