//! What a worker does in a job: claims chunks, runs them block by block, and looks up in between.
//!
//! * Between blocks of about [`BLOCK_NS`], a worker looks for an interrupt, a failure, and idle
//!   colleagues, to whom it gives half of the rest of its chunk.
//! * After a failure only units before it still run, so the lowest failing item is always found.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::job::{Block, Job, Task};
use super::outcome::{ItemPanic, Record, extend};
use super::panics::{self, Caught};
use crate::cancel;
use crate::panic_report::From;

/// How long a worker runs without looking up.
const BLOCK_NS: f64 = 20_000.0;
/// The longest block.
const BLOCK_UNITS: f64 = 8192.0;
/// A rest is worth sharing when its chunk has taken so long.
const SHARE_AFTER: Duration = Duration::from_micros(50);

thread_local! {
    /// Whether this thread is inside a job: the time of nested jobs is already counted.
    static IS_WORKING: Cell<bool> = const { Cell::new(false) };
}

impl Job {
    /// Works for as long as there are units to claim.
    pub(super) fn work(self: &Arc<Self>) {
        let is_nested = IS_WORKING.replace(true);
        let mut record = Record::default();
        let mut unit_ns = None;
        while let Some(chunk) = (!self.is_stopped())
            .then(|| self.claims.claim(unit_ns))
            .flatten()
        {
            let started = Instant::now();
            let (units, first) = (chunk.len(), chunk.start);
            let rest = self.work_on(chunk, unit_ns, started, &mut record);
            let elapsed = started.elapsed();
            record.busy += elapsed;
            let done = units.min(rest - first).max(1);
            unit_ns = Some(elapsed.as_nanos() as f64 / done as f64);
        }
        IS_WORKING.set(is_nested);
        if is_nested {
            record.busy = Duration::ZERO;
        }
        self.merge(record);
    }

    /// Runs a chunk block by block. Returns the first unit that it did not run.
    fn work_on(
        self: &Arc<Self>,
        mut chunk: Range<usize>,
        mut unit_ns: Option<f64>,
        started: Instant,
        record: &mut Record,
    ) -> usize {
        while !chunk.is_empty() && chunk.start < self.claims.limit() && !self.is_stopped() {
            // The conversion saturates; a worker that knows nothing yet begins with one unit.
            let length = unit_ns.map_or(1, |unit_ns| {
                (BLOCK_NS / unit_ns).clamp(1.0, BLOCK_UNITS) as usize
            });
            let first = chunk.start;
            chunk.start = self.run_block(first..chunk.end.min(first + length), record);
            if unit_ns.is_none() && !chunk.is_empty() {
                let done = (chunk.start - first).max(1);
                unit_ns = Some(started.elapsed().as_nanos() as f64 / done as f64);
            }
            if self.should_share() {
                chunk = self.share(chunk, started);
            }
        }
        chunk.start
    }

    /// Runs a block, at least its first unit. Returns the first unit that it did not run.
    fn run_block(&self, units: Range<usize>, record: &mut Record) -> usize {
        let should_pause = || self.is_stopped() || self.should_share();
        let mut block = Block {
            units: units.clone(),
            should_pause: &should_pause,
            reached: units.end,
            is_stopped: false,
            failed: 0,
            failed_value: None,
        };
        let caught = catch_unwind(AssertUnwindSafe(|| match &self.task {
            Task::Owned(run) => run(&mut block),
            // SAFETY: this thread has entered, and who owns the function waits until it left.
            Task::Borrowed(run) => unsafe { (**run)(&mut block) },
        }));
        let failure = match caught.map_err(|payload| panics::look_up(&*payload, From::ThisThread)) {
            Ok(()) if !block.is_stopped => {
                let (start, end) = (units.start, block.reached);
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
            // What of the block comes before the item has been run.
            self.claims.lower_limit(units.start);
            record.fail(item, panic);
        }
        let end = units.end;
        record.failed.push(units);
        end
    }

    /// Whether somebody has nothing to do while this job's chunks may be shared.
    fn should_share(&self) -> bool {
        self.idle.load(Ordering::Relaxed) > 0 && self.plan.chunk == 0
    }

    /// Gives half of a chunk's rest to an idle worker, if it is worth it. Returns what is kept.
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
        self.claims.give_back(middle..chunk.end);
        self.ask();
        chunk.start..middle
    }

    /// Whether no more units are to be run.
    pub(super) fn is_stopped(&self) -> bool {
        if self.heeds_interrupts && cancel::is_requested() {
            self.is_interrupted.store(true, Ordering::Relaxed);
            self.is_cancelled.store(true, Ordering::Relaxed);
        }
        self.is_cancelled.load(Ordering::Relaxed)
    }

    /// Whether no units are left to claim.
    pub(super) fn is_exhausted(&self) -> bool {
        self.is_stopped() || self.claims.is_exhausted()
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
