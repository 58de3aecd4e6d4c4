//! A job on the workers of a pool: which threads work on it, when it ends, and what it did.
//!
//! A job counts slots, the places of results: a map has one for each item, a reduction one for several items. Workers
//! call the function of the job with blocks of slots; see `work_loop`. A worker that finds no chunk leaves the job, so
//! that it is free for nested jobs and for tasks of rayon.
//!
//! This module never touches items or results: only the function of the job does.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::chunk_queue::ChunkQueue;
use super::outcome::{End, Outcome, Record, first_item, joined};
use crate::pool::threads::panics::is_worker;
use crate::pool::threads::workers::{Spawner, serve_own_pool};
use crate::progress::Bar;

/// How often a thread that waits for a job checks for an interrupt.
pub(crate) const INTERRUPT_CHECK: Duration = Duration::from_millis(20);
/// How often a worker that waits for another pool checks for tasks of its own pool.
pub(crate) const SERVE_AGAIN: Duration = Duration::from_millis(1);

/// The function of a job, which runs a block.
pub(crate) type BlockFn<'a> = dyn Fn(&mut Block<'_>) + Sync + 'a;

/// The function of a job in the background, which outlives the call that starts it.
pub(crate) type OwnedBlockFn = dyn Fn(&mut Block<'_>) + Send + Sync;

/// One call of a job's function.
pub(crate) struct Block<'a> {
    /// The slots to fill.
    pub(crate) slots: Range<usize>,
    /// Returns whether the function should return early, between two slots. The function calls it now and then.
    pub(crate) should_pause: &'a dyn Fn() -> bool,
    /// Set by the function: the first slot that was not filled.
    pub(crate) reached: usize,
    /// Set by the function: it stopped at the item `failed`, without a panic. The block has no results and no items
    /// left.
    pub(crate) is_stopped: bool,
    /// Set by the function: the item at which it stopped or panicked.
    pub(crate) failed: usize,
    /// Set by the function: this item as text, if its type can be shown.
    pub(crate) failed_value: Option<String>,
}

/// What a job has to do.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The number of slots, at most that of items: a slot has the result of one or several items.
    pub(crate) slots: usize,
    pub(crate) items: usize,
    /// Slots per chunk; 0 if the size adapts.
    pub(crate) chunk: usize,
    /// The label of a progress bar.
    pub(crate) label: Option<&'static str>,
    /// Whether the job ignores interrupts.
    pub(crate) is_background: bool,
}

pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) function: JobFn,
    spawner: Spawner,
    pub(crate) chunks: ChunkQueue,
    pub(crate) bar: Option<Bar>,
    pub(crate) is_cancelled: AtomicBool,
    pub(crate) is_interrupted: AtomicBool,
    pub(crate) heeds_interrupts: bool,
    /// Helpers that found no chunk any more.
    pub(crate) idle: AtomicUsize,
    /// How many more helpers a job that was started on a worker may ask for.
    unasked: AtomicUsize,
    pub(crate) record: Mutex<Record>,
    gate: Mutex<Gate>,
    changed: Condvar,
}

/// The function of a job.
pub(crate) enum JobFn {
    /// Dereferenced only by threads that have entered the job, while the owner of the function waits.
    Borrowed(*const BlockFn<'static>),
    Owned(Box<OwnedBlockFn>),
}

/// Called once, on the thread that ends the job.
type OnEnd = Box<dyn FnOnce(Outcome) + Send>;

// SAFETY: both functions are `Sync`, and a borrowed one is dereferenced only as its comment says.
unsafe impl Send for JobFn {}
// SAFETY: as above.
unsafe impl Sync for JobFn {}

struct Gate {
    /// Whether threads may still enter the job.
    is_open: bool,
    active: usize,
    on_end: Option<OnEnd>,
    has_ended: bool,
}

impl Job {
    pub(super) fn new(
        plan: Plan,
        function: JobFn,
        on_end: Option<OnEnd>,
        spawner: Spawner,
    ) -> Arc<Self> {
        Arc::new(Self {
            chunks: ChunkQueue::new(plan.slots, plan.chunk, spawner.count),
            bar: plan.label.map(|label| Bar::new(label, plan.items as u64)),
            is_cancelled: AtomicBool::new(false),
            is_interrupted: AtomicBool::new(false),
            // A map in a destructor must not begin a second panic.
            heeds_interrupts: !plan.is_background && !std::thread::panicking(),
            idle: AtomicUsize::new(0),
            unasked: AtomicUsize::new(0),
            record: Mutex::default(),
            gate: Mutex::new(Gate {
                is_open: true,
                active: 0,
                on_end,
                has_ended: false,
            }),
            changed: Condvar::new(),
            plan,
            function,
            spawner,
        })
    }

    /// Runs a job with a borrowed function to its end.
    pub(crate) fn run(plan: Plan, function: &BlockFn<'_>, spawner: Spawner) -> Outcome {
        // SAFETY: the same fat pointer without its lifetime. Only threads that have entered the job dereference it, and
        // this function neither returns nor unwinds before they have left.
        let function = JobFn::Borrowed(unsafe {
            std::mem::transmute::<*const BlockFn<'_>, *const BlockFn<'static>>(function)
        });
        let job = Self::new(plan, function, None, spawner);
        let unwinding = AbortOnUnwind;
        job.start();
        job.wait();
        std::mem::forget(unwinding);
        job.outcome()
    }

    /// Starts a job in the background; `on_end` is called once, on the thread that ends it.
    pub(crate) fn start_background(
        plan: Plan,
        function: Box<OwnedBlockFn>,
        on_end: OnEnd,
        spawner: Spawner,
    ) -> Arc<Self> {
        let job = Self::new(plan, JobFn::Owned(function), Some(on_end), spawner);
        job.start();
        job.try_end();
        job
    }

    /// Asks workers for help. A thread that is a worker itself asks for one helper, which asks for the next, and
    /// begins to work: most nested jobs are too short for more helpers.
    fn start(self: &Arc<Self>) {
        let chunks = self.plan.slots.div_ceil(self.plan.chunk.max(1));
        let helpers = self.spawner.count.min(chunks);
        if self.spawner.is_here() && !self.plan.is_background {
            self.unasked
                .store(helpers.saturating_sub(1), Ordering::Relaxed);
            self.help();
        } else {
            let asked = (0..helpers).filter(|_| self.ask()).count();
            if asked == 0 {
                // A worker of the pool has closed the pool since this job got its spawner.
                self.help();
            }
        }
    }

    /// Waits until the job has ended. A thread that is a worker works on the job meanwhile: if all workers only
    /// waited, the job would never end.
    fn wait(self: &Arc<Self>) {
        if self.spawner.is_here() {
            self.help();
            // The last blocks run on other workers, and most often end within microseconds.
            for _ in 0..100 {
                if self.try_end() {
                    return;
                }
                std::thread::yield_now();
            }
        }
        while !self.try_end() {
            self.wait_for(INTERRUPT_CHECK);
        }
    }

    /// Waits for at most `timeout`, or until [`Self::try_end`] may end the job.
    pub(crate) fn wait_for(&self, timeout: Duration) {
        if !self.spawner.is_here() && serve_own_pool() {
            return;
        }
        let timeout = if is_worker() {
            timeout.min(SERVE_AGAIN)
        } else {
            timeout
        };
        let gate = self.lock_gate();
        let can_end = gate.is_open && gate.active == 0 && self.is_exhausted();
        if !gate.has_ended && !can_end {
            drop(self.changed.wait_timeout(gate, timeout));
        }
    }

    /// Works on the job if this thread is a worker of its pool.
    pub(crate) fn help_here(self: &Arc<Self>) {
        if self.spawner.is_here() {
            self.help();
            self.try_end();
        }
    }

    /// Ends the job if no work is left. Returns whether it has ended.
    pub(crate) fn try_end(&self) -> bool {
        let mut gate = self.lock_gate();
        if gate.is_open && gate.active == 0 && self.is_exhausted() {
            gate.is_open = false;
            if let Some(on_end) = gate.on_end.take() {
                drop(gate);
                // The destructor of a result may panic. The hook has reported this panic, and threads that wait must
                // not hang.
                drop(catch_unwind(AssertUnwindSafe(|| on_end(self.outcome()))));
                gate = self.lock_gate();
            }
            gate.has_ended = true;
            self.changed.notify_all();
        }
        gate.has_ended
    }

    /// Stops workers from claiming chunks. Items that already run are finished.
    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        self.try_end();
    }

    /// Enters the job, works until no chunk is left, and leaves it. Returns false if the job was closed already.
    fn help(self: &Arc<Self>) -> bool {
        let mut gate = self.lock_gate();
        if !gate.is_open {
            return false;
        }
        gate.active += 1;
        drop(gate);
        if self
            .unasked
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok()
        {
            self.ask();
        }
        self.work();
        let mut gate = self.lock_gate();
        gate.active -= 1;
        if gate.active == 0 {
            self.changed.notify_all();
        }
        true
    }

    /// Asks one more worker for help. Returns false if the pool was closed.
    pub(crate) fn ask(self: &Arc<Self>) -> bool {
        let job = Arc::clone(self);
        self.spawner.spawn(move || {
            if job.help() {
                job.idle.fetch_add(1, Ordering::Relaxed);
                if job.plan.is_background {
                    job.try_end();
                }
            }
        })
    }

    /// Returns what the job did. Called once, by the thread that ends the job, because it takes the record.
    fn outcome(&self) -> Outcome {
        if let Some(bar) = &self.bar {
            bar.end();
        }
        let record =
            std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner));
        let finished = joined(record.finished);
        let taken = joined(finished.iter().cloned().chain(record.failed).collect());
        let is_complete = finished.iter().map(Range::len).sum::<usize>() == self.plan.slots;
        let end = match record.failure {
            Some((item, Some(panic))) => End::Panicked { item, panic },
            Some((_, None)) => End::Stopped,
            None if is_complete => End::Complete,
            None if self.is_interrupted.load(Ordering::Relaxed) => End::Interrupted,
            None => End::Cancelled,
        };
        let items =
            |range: &Range<usize>| self.first_item(range.end) - self.first_item(range.start);
        let items_done = finished.iter().map(items).sum();
        Outcome {
            end,
            finished,
            taken,
            items_done,
            busy: record.busy,
        }
    }

    pub(crate) fn first_item(&self, slot: usize) -> usize {
        first_item(slot, self.plan.slots, self.plan.items)
    }

    fn lock_gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Aborts if this module itself panics: unwinding would free a borrowed function while other threads call it.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}

#[cfg(test)]
pub(super) mod tests;
