//! How a worker divides a chunk, on jobs that no other worker touches.

use std::slice::from_ref;

use super::super::job::tests::job_alone;
use super::*;

/// Makes a job that runs nothing, with this size of chunks.
fn idle_job(chunk: usize) -> Arc<Job> {
    job_alone(20_000, chunk, Box::new(|_| {}))
}

/// A time so long ago that a chunk is worth sharing.
fn long_ago() -> Instant {
    let past = Instant::now().checked_sub(Duration::from_secs(1));
    past.expect("the machine has run for a second")
}

/// A time that counts as now for a minute.
fn just_now() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[test]
fn one_idle_worker_gets_half_of_the_rest() {
    let job = idle_job(0);
    assert_eq!(job.share(2..9, long_ago()), 2..9, "no worker is idle");
    assert_eq!(job.chunks.claim(None), Some(0..1), "nothing was given back");
    job.idle.store(1, Ordering::Relaxed);
    assert_eq!(job.share(8..9, long_ago()), 8..9, "too short");
    assert_eq!(job.share(2..9, just_now()), 2..9, "too early");
    assert_eq!(job.idle.load(Ordering::Relaxed), 1);
    assert_eq!(job.share(2..9, long_ago()), 2..6);
    assert_eq!(job.idle.load(Ordering::Relaxed), 0);
    assert_eq!(job.chunks.claim(None), Some(6..9));
    job.idle.store(2, Ordering::Relaxed);
    assert_eq!(job.share(4..6, long_ago()), 4..5);
    assert_eq!(job.idle.load(Ordering::Relaxed), 1);
}

#[test]
fn chunks_of_a_fixed_size_are_not_shared() {
    for (chunk, idle, expected) in [(0, 0, false), (0, 1, true), (5, 1, false), (5, 0, false)] {
        let job = idle_job(chunk);
        job.idle.store(idle, Ordering::Relaxed);
        assert_eq!(job.should_share(), expected, "{chunk} {idle}");
    }
}

#[test]
fn chunk_is_shared_between_blocks() {
    let job = idle_job(0);
    job.idle.store(1, Ordering::Relaxed);
    let mut record = Record::default();
    // Slots of 2 µs come in blocks of 10.
    let reached = job.run_chunk(0..100, Some(2000.0), long_ago(), &mut record);
    assert_eq!(reached, 55);
    assert_eq!(record.finished, from_ref(&(0..55)));
    assert_eq!(job.chunks.claim(None), Some(55..100));
}

/// Runs slots in one chunk, and returns the lengths of the blocks.
fn blocks(slot_ns: Option<f64>, slots: usize, started: Instant) -> Vec<usize> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let send = move |block: &mut Block<'_>| {
        let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.send(block.slots.len()).expect("the test receives");
    };
    let job = job_alone(20_000, 0, Box::new(send));
    let mut record = Record::default();
    let reached = job.run_chunk(0..slots, slot_ns, started, &mut record);
    assert_eq!(reached, slots);
    assert_eq!(record.finished, from_ref(&(0..slots)));
    receiver.try_iter().collect()
}

#[test]
fn blocks_take_20_microseconds() {
    assert_eq!(blocks(Some(2000.0), 25, long_ago()), [10, 10, 5]);
    assert_eq!(blocks(Some(1e9), 3, long_ago()), [1, 1, 1]);
    assert_eq!(blocks(Some(0.0), 10_000, long_ago()), [8192, 1808]);
    // The first slot is measured.
    assert_eq!(blocks(None, 3, long_ago()), [1, 1, 1]);
    assert_eq!(blocks(None, 10_000, just_now()), [1, 8192, 1807]);
}

/// The time of a slot decides how many come next.
#[test]
fn slow_slots_come_one_by_one_to_the_end() {
    let pause = Duration::from_micros(300);
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let sleep = move |block: &mut Block<'_>| {
        std::thread::sleep(pause);
        let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender.send(block.slots.len()).expect("the test receives");
    };
    job_alone(300, 0, Box::new(sleep)).work();
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [1; 300]);
}

#[test]
fn chunk_ends_at_the_limit_and_when_the_job_stops() {
    let job = idle_job(0);
    job.chunks.lower_limit(15);
    let mut record = Record::default();
    let reached = job.run_chunk(0..100, Some(2000.0), long_ago(), &mut record);
    assert_eq!(reached, 20);
    assert_eq!(record.finished, from_ref(&(0..20)));
    job.cancel();
    let reached = job.run_chunk(0..10, Some(2000.0), long_ago(), &mut record);
    assert_eq!(reached, 0);
    assert_eq!(record.finished, from_ref(&(0..20)));
}

/// A block of slow items ends early for either reason.
#[test]
fn block_pauses_for_an_idle_worker_and_when_the_job_stops() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let ask = move |block: &mut Block<'_>| {
        let sender = sender.lock().unwrap_or_else(PoisonError::into_inner);
        sender
            .send((block.should_pause)())
            .expect("the test receives");
    };
    let job = job_alone(10, 0, Box::new(ask));
    let mut record = Record::default();
    job.run_block(0..1, &mut record);
    job.idle.store(1, Ordering::Relaxed);
    job.run_block(1..2, &mut record);
    job.idle.store(0, Ordering::Relaxed);
    job.cancel();
    job.run_block(2..3, &mut record);
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [false, true, true]);
}

/// The time of a job on a worker counts once, for the outermost job.
#[test]
fn time_of_a_nested_job_counts_for_the_outer_one() {
    let pause = Duration::from_millis(2);
    let sleep = move |_: &mut Block<'_>| std::thread::sleep(pause);
    let inner = job_alone(1, 0, Box::new(sleep));
    let for_outer = Arc::clone(&inner);
    let outer = job_alone(1, 0, Box::new(move |_| for_outer.work()));
    outer.work();
    let busy = |job: &Job| {
        let record = job.record.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(record.finished, from_ref(&(0..1)));
        record.busy
    };
    assert_eq!(busy(&inner), Duration::ZERO);
    assert!(busy(&outer) >= pause);
    let next = job_alone(1, 0, Box::new(sleep));
    next.work();
    assert!(busy(&next) >= pause, "no job is running any more");
}
