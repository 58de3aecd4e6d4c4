//! Jobs that no worker touches.

use std::time::Instant;

use super::*;
use crate::pool::threads::workers::Workers;

/// Makes a job in the background whose workers have ended, so that only the test works on it.
pub(in crate::pool::schedule) fn job_alone(
    slots: usize,
    chunk: usize,
    run: Box<OwnedBlockFn>,
) -> Arc<Job> {
    let workers = Workers::start("ended", 1, Vec::new()).expect("one thread starts");
    let spawner = workers.spawner();
    workers.close();
    let plan = Plan {
        slots,
        items: slots,
        chunk,
        label: None,
        is_background: true,
    };
    Job::new(plan, JobFn::Owned(run), None, spawner)
}

fn job() -> Arc<Job> {
    job_alone(10, 0, Box::new(|_| {}))
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(30);

#[test]
fn wait_lasts_until_the_job_can_end() {
    let job = job();
    let start = Instant::now();
    job.wait_for(SHORT);
    assert!(start.elapsed() >= SHORT, "slots are left");
    job.work();
    job.wait_for(LONG);
    assert!(start.elapsed() < LONG, "it can end");
    assert!(job.try_end());
    job.wait_for(LONG);
    assert!(start.elapsed() < LONG, "it has ended");
}

#[test]
fn job_does_not_end_while_a_thread_works_on_it() {
    let job = job();
    assert!(!job.try_end(), "slots are left");
    job.work();
    job.lock_gate().active = 1;
    assert!(!job.try_end());
    let start = Instant::now();
    job.wait_for(SHORT);
    assert!(start.elapsed() >= SHORT);
    job.lock_gate().active = 0;
    assert!(job.try_end());
    assert!(!job.help(), "it is closed");
    assert!(matches!(job.outcome().end, End::Complete));
}

#[test]
fn end_says_why_slots_are_left() {
    let cancelled = job();
    cancelled.cancel();
    assert!(matches!(cancelled.outcome().end, End::Cancelled));
    let interrupted = job();
    interrupted.is_interrupted.store(true, Ordering::Relaxed);
    assert!(matches!(interrupted.outcome().end, End::Interrupted));
}

#[test]
fn closed_pool_is_not_asked_for_help() {
    let job = job();
    assert!(!job.ask());
    job.start();
    assert!(job.try_end(), "this thread did all of it");
    assert_eq!(job.outcome().items_done, 10);
}
