//! The work loop: a worker claims chunks of a job and runs them block by block. It starts and ends no job.
//!
//! * Between blocks of about [`BLOCK_NS`], a worker checks for an interrupt, a failure and idle workers. It gives
//!   half of the rest of its chunk to an idle worker.
//! * After a failure only slots before it are filled, so the lowest failing item is always found.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::job::{Block, Job, JobFn};
use super::outcome::{ItemPanic, Record, extend};
use crate::cancel;
use crate::panic_report::From;
use crate::pool::threads::panics::{self, Caught};

/// How long a block should take, in nanoseconds.
const BLOCK_NS: f64 = 20_000.0;
/// The longest block, in slots.
const LONGEST_BLOCK: f64 = 8192.0;
/// The rest of a chunk is worth sharing once the chunk has taken this long.
const SHARE_AFTER: Duration = Duration::from_micros(50);

thread_local! {
    /// Whether this thread works on a job. The time of nested jobs counts for the outermost one.
    static IS_WORKING: Cell<bool> = const { Cell::new(false) };
}

impl Job {
    /// Claims and runs chunks until none is left.
    pub(crate) fn work(self: &Arc<Self>) {
        let is_nested = IS_WORKING.replace(true);
        let mut record = Record::default();
        let mut slot_ns = None;
        while let Some(chunk) = (!self.is_stopped())
            .then(|| self.chunks.claim(slot_ns))
            .flatten()
        {
            let started = Instant::now();
            let first = chunk.start;
            let reached = self.run_chunk(chunk, slot_ns, started, &mut record);
            let elapsed = started.elapsed();
            record.busy += elapsed;
            let done = (reached - first).max(1);
            slot_ns = Some(elapsed.as_nanos() as f64 / done as f64);
        }
        IS_WORKING.set(is_nested);
        if is_nested {
            record.busy = Duration::ZERO;
        }
        self.merge(record);
    }

    /// Runs a chunk block by block. Returns the first slot that was not filled.
    fn run_chunk(
        self: &Arc<Self>,
        mut chunk: Range<usize>,
        mut slot_ns: Option<f64>,
        started: Instant,
        record: &mut Record,
    ) -> usize {
        while !chunk.is_empty() && chunk.start < self.chunks.limit() && !self.is_stopped() {
            // The conversion saturates. A worker that has no time yet begins with one slot.
            let length = slot_ns.map_or(1, |slot_ns| {
                (BLOCK_NS / slot_ns).clamp(1.0, LONGEST_BLOCK) as usize
            });
            let first = chunk.start;
            chunk.start = self.run_block(first..chunk.end.min(first + length), record);
            if slot_ns.is_none() && !chunk.is_empty() {
                // The block had one slot.
                slot_ns = Some(started.elapsed().as_nanos() as f64);
            }
            if self.should_share() {
                chunk = self.share(chunk, started);
            }
        }
        chunk.start
    }

    /// Runs a block, at least its first slot. Returns the first slot that was not filled.
    fn run_block(&self, slots: Range<usize>, record: &mut Record) -> usize {
        let should_pause = || self.is_stopped() || self.should_share();
        let mut block = Block {
            slots: slots.clone(),
            should_pause: &should_pause,
            reached: slots.end,
            is_stopped: false,
            failed: 0,
            failed_value: None,
        };
        let caught = catch_unwind(AssertUnwindSafe(|| match &self.function {
            JobFn::Owned(run) => run(&mut block),
            // SAFETY: this thread has entered the job, and the owner of the function waits until the thread leaves it.
            JobFn::Borrowed(run) => unsafe { (**run)(&mut block) },
        }));
        let failure = match caught.map_err(|payload| panics::look_up(&*payload, From::ThisThread)) {
            Ok(()) if !block.is_stopped => {
                let (start, end) = (slots.start, block.reached);
                if let Some(bar) = &self.bar {
                    bar.add((self.first_item(end) - self.first_item(start)) as u64);
                }
                extend(&mut record.finished, start..end);
                return end;
            }
            Ok(()) => Some((block.failed, None)),
            Err(Caught::Panic(report)) => {
                let value = block.failed_value.take();
                Some((block.failed, Some(ItemPanic { value, report })))
            }
            Err(Caught::Interrupted) => {
                self.is_interrupted.store(true, Ordering::Relaxed);
                self.is_cancelled.store(true, Ordering::Relaxed);
                None
            }
        };
        if let Some((item, panic)) = failure {
            // The items of the block before the failing one have run already.
            self.chunks.lower_limit(slots.start);
            record.fail(item, panic);
        }
        let end = slots.end;
        record.failed.push(slots);
        end
    }

    /// Returns whether a worker is idle and the size of chunks is not fixed.
    fn should_share(&self) -> bool {
        self.idle.load(Ordering::Relaxed) > 0 && self.plan.chunk == 0
    }

    /// Gives half of the rest of a chunk to an idle worker, if the chunk is worth it. Returns what this worker keeps.
    fn share(self: &Arc<Self>, chunk: Range<usize>, started: Instant) -> Range<usize> {
        if chunk.len() < 2 || started.elapsed() < SHARE_AFTER {
            return chunk;
        }
        let took_one = self
            .idle
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |idle| {
                idle.checked_sub(1)
            });
        if took_one.is_err() {
            return chunk;
        }
        let middle = chunk.start + chunk.len().div_ceil(2);
        self.chunks.give_back(middle..chunk.end);
        self.ask();
        chunk.start..middle
    }

    /// Returns whether no more slots are to be filled. Checks for an interrupt.
    pub(crate) fn is_stopped(&self) -> bool {
        if self.heeds_interrupts && cancel::is_requested() {
            self.is_interrupted.store(true, Ordering::Relaxed);
            self.is_cancelled.store(true, Ordering::Relaxed);
        }
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Returns whether no chunk is left to claim.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_stopped() || self.chunks.is_exhausted()
    }

    fn merge(&self, record: Record) {
        let mut all = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        all.finished.extend(record.finished);
        all.failed.extend(record.failed);
        all.busy += record.busy;
        if let Some((item, panic)) = record.failure {
            all.fail(item, panic);
        }
    }
}

#[cfg(test)]
mod tests;
