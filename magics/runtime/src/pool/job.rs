//! One job on a pool's workers: who works on it, when it stops, and what it did.
//!
//! A worker that has nothing to claim leaves, so that it is free for nested jobs and for rayon's. What
//! it does meanwhile is in `shift`.
//!
//! This module knows neither items nor results: a task does, and it is told ranges of units.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::claims::Claims;
use super::outcome::{End, Outcome, Record, first_item, joined};
use super::panics::is_worker;
use super::workers::{Spawner, serve_own_pool};
use crate::progress::Bar;

/// How often a thread that waits looks for an interrupt.
const LOOK_UP: Duration = Duration::from_millis(20);
/// How often a worker that waits for another pool looks for work of its own.
pub(super) const SERVE_AGAIN: Duration = Duration::from_millis(1);

/// What a job runs for a block of units.
pub(super) type Run<'a> = dyn Fn(&mut Block<'_>) + Sync + 'a;

/// The same for a job that nobody waits for.
pub(super) type OwnedRun = dyn Fn(&mut Block<'_>) + Send + Sync;

/// One call of a job's task.
pub(super) struct Block<'a> {
    /// The units to run.
    pub(super) units: Range<usize>,
    /// Whether the task should return early, between two units. For it to ask every now and then.
    pub(super) should_pause: &'a dyn Fn() -> bool,
    /// Set by the task: the first unit that it has not run.
    pub(super) reached: usize,
    /// Set by the task: it stopped at the item `failed`, without a panic. Nothing of the block is left.
    pub(super) is_stopped: bool,
    /// Set by the task: the item at which it stopped or panicked.
    pub(super) failed: usize,
    /// Set by the task: that item as text, where it can be told.
    pub(super) failed_value: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// At most as many as items: a unit is one item or several.
    pub(super) units: usize,
    pub(super) items: usize,
    /// Units per chunk; 0 adapts.
    pub(super) chunk: usize,
    /// The label of a progress bar.
    pub(super) label: Option<&'static str>,
    /// Whether it goes on when a cell is interrupted.
    pub(super) is_background: bool,
}

pub(super) struct Job {
    pub(super) plan: Plan,
    pub(super) task: Task,
    spawner: Spawner,
    pub(super) claims: Claims,
    pub(super) bar: Option<Bar>,
    pub(super) is_cancelled: AtomicBool,
    pub(super) is_interrupted: AtomicBool,
    pub(super) heeds_interrupts: bool,
    /// Helpers that ran out of work.
    pub(super) idle: AtomicUsize,
    /// Helpers that a job on a worker may still ask for.
    unasked: AtomicUsize,
    pub(super) record: Mutex<Record>,
    gate: Mutex<Gate>,
    changed: Condvar,
}

/// The function of a job.
pub(super) enum Task {
    /// Followed only between `enter` and `leave`, while its owner waits.
    Borrowed(*const Run<'static>),
    Owned(Box<OwnedRun>),
}

/// Called once, on whatever thread ends the job.
type OnEnd = Box<dyn FnOnce(Outcome) + Send>;

// SAFETY: both functions are Sync, and a borrowed one is followed only as its comment says.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

struct Gate {
    /// Whether workers may still enter.
    is_open: bool,
    active: usize,
    on_end: Option<OnEnd>,
    has_ended: bool,
}

impl Job {
    fn new(plan: Plan, task: Task, on_end: Option<OnEnd>, spawner: Spawner) -> Arc<Self> {
        Arc::new(Self {
            claims: Claims::new(plan.units, plan.chunk, spawner.count),
            bar: plan.label.map(|label| Bar::new(label, plan.items as u64)),
            is_cancelled: AtomicBool::new(false),
            is_interrupted: AtomicBool::new(false),
            // A map inside of a destructor must not begin a second panic.
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
            task,
            spawner,
        })
    }

    /// Runs a borrowed task to its end.
    pub(super) fn run(plan: Plan, task: &Run<'_>, spawner: Spawner) -> Outcome {
        // SAFETY: the same fat pointer; only its lifetime is forgotten. It is followed by those who
        // entered, and this function does not end, by return or by unwinding, before they left.
        let task = Task::Borrowed(unsafe {
            std::mem::transmute::<*const Run<'_>, *const Run<'static>>(task)
        });
        let job = Self::new(plan, task, None, spawner);
        let unwinding = AbortOnUnwind;
        job.start();
        job.wait();
        std::mem::forget(unwinding);
        job.outcome()
    }

    /// Starts a job that nobody waits for; `on_end` is called once, on whatever thread ends it.
    pub(super) fn start_background(
        plan: Plan,
        run: Box<OwnedRun>,
        on_end: OnEnd,
        spawner: Spawner,
    ) -> Arc<Self> {
        let job = Self::new(plan, Task::Owned(run), Some(on_end), spawner);
        job.start();
        job.settle();
        job
    }

    /// Asks workers for help. On a worker, this thread works first and asks for one helper, which
    /// asks for the next: most nested jobs are too short for more.
    fn start(self: &Arc<Self>) {
        let chunks = self.plan.units.div_ceil(self.plan.chunk.max(1));
        let helpers = self.spawner.count.min(chunks);
        if self.spawner.is_here() && !self.plan.is_background {
            self.unasked
                .store(helpers.saturating_sub(1), Ordering::Relaxed);
            self.help();
        } else {
            let asked = (0..helpers).filter(|_| self.ask()).count();
            if asked == 0 {
                // The pool was closed by one of its own workers since this job got hold of it.
                self.help();
            }
        }
    }

    /// Waits until the job has ended. Works on it meanwhile if this thread is one of the workers,
    /// since with all of them waiting nobody would.
    fn wait(self: &Arc<Self>) {
        if self.spawner.is_here() {
            self.help();
            // What is left is on other workers, and most often a matter of microseconds.
            for _ in 0..100 {
                if self.settle() {
                    return;
                }
                std::thread::yield_now();
            }
        }
        while !self.settle() {
            self.wait_for(LOOK_UP);
        }
    }

    /// Waits for at most `timeout`, or until there may be something to [`Self::settle`].
    pub(super) fn wait_for(&self, timeout: Duration) {
        if !self.spawner.is_here() && serve_own_pool() {
            return;
        }
        let timeout = if is_worker() {
            timeout.min(SERVE_AGAIN)
        } else {
            timeout
        };
        let gate = self.lock_gate();
        let can_settle = gate.is_open && gate.active == 0 && self.is_exhausted();
        if !gate.has_ended && !can_settle {
            drop(self.changed.wait_timeout(gate, timeout));
        }
    }

    /// Works on the job if this thread is one of the workers.
    pub(super) fn help_here(self: &Arc<Self>) {
        if self.spawner.is_here() {
            self.help();
            self.settle();
        }
    }

    /// Ends the job if nothing is left to do. Returns whether it has ended.
    pub(super) fn settle(&self) -> bool {
        let mut gate = self.lock_gate();
        if gate.is_open && gate.active == 0 && self.is_exhausted() {
            gate.is_open = false;
            if let Some(on_end) = gate.on_end.take() {
                drop(gate);
                // A destructor of a result may panic. The hook has told; whoever waits must not hang.
                drop(catch_unwind(AssertUnwindSafe(|| on_end(self.outcome()))));
                gate = self.lock_gate();
            }
            gate.has_ended = true;
            self.changed.notify_all();
        }
        gate.has_ended
    }

    /// Stops handing units out. What runs already runs to its end.
    pub(super) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
        self.settle();
    }

    /// Works on this thread for as long as there are units to claim. Returns whether it could.
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

    /// Asks one more worker for help. Returns whether the pool still takes work.
    pub(super) fn ask(self: &Arc<Self>) -> bool {
        let job = Arc::clone(self);
        self.spawner.spawn(move || {
            if job.help() {
                job.idle.fetch_add(1, Ordering::Relaxed);
                if job.plan.is_background {
                    job.settle();
                }
            }
        })
    }

    /// What the job did. For whoever ends it: the record is handed out once.
    fn outcome(&self) -> Outcome {
        if let Some(bar) = &self.bar {
            bar.end();
        }
        let record =
            std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner));
        let finished = joined(record.finished);
        let taken = joined(finished.iter().cloned().chain(record.failed).collect());
        let is_complete = finished.iter().map(Range::len).sum::<usize>() == self.plan.units;
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

    pub(super) fn first_item(&self, unit: usize) -> usize {
        first_item(unit, self.plan.units, self.plan.items)
    }

    fn lock_gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Borrowed tasks must not be left to others by a panic that this module did not expect.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}
