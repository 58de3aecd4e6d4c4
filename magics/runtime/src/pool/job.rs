//! One job on a pool's workers: who works on it, when it stops, and what it did.
//!
//! * Between blocks of about [`BLOCK_NS`], a worker looks for an interrupt, a failure, and idle
//!   colleagues, to whom it gives half of the rest of its chunk.
//! * After a failure only units before it still run, so the lowest failing item is always found.
//! * A worker that has nothing to claim leaves, so that it is free for nested jobs and for rayon's.
//!
//! This module knows neither items nor results: a task does, and it is told ranges of units.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::claims::Claims;
use super::panics::{self, Caught, is_worker};
use super::workers::{Spawner, serve_own_pool};
use crate::cancel;
use crate::event::PanicReport;
use crate::progress::Bar;

/// How long a worker runs without looking up.
const BLOCK_NS: f64 = 20_000.0;
/// The longest block.
const BLOCK_UNITS: f64 = 8192.0;
/// A rest is worth sharing when its chunk has taken so long.
const SHARE_AFTER: Duration = Duration::from_micros(50);
/// How often a thread that waits looks for an interrupt.
const LOOK_UP: Duration = Duration::from_millis(20);
/// How often a worker that waits for another pool looks for work of its own.
pub(super) const SERVE_AGAIN: Duration = Duration::from_millis(1);

thread_local! {
    /// Whether this thread is inside a job: the time of nested jobs is already counted.
    static IS_WORKING: Cell<bool> = const { Cell::new(false) };
}

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

/// How a job ended, and what of it was done.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) end: End,
    /// Units whose results exist, in order, adjacent ranges joined.
    pub(super) finished: Vec<Range<usize>>,
    /// Units whose items are gone: the finished ones and those of failed blocks.
    pub(super) taken: Vec<Range<usize>>,
    pub(super) items_done: usize,
    pub(super) busy: Duration,
}

#[derive(Debug)]
pub(super) enum End {
    Complete,
    /// The task stopped at this item.
    Stopped,
    /// The task panicked at this item.
    Panicked {
        item: usize,
        report: PanicReport,
    },
    /// An interrupt.
    Interrupted,
    /// [`Job::cancel`].
    Cancelled,
}

pub(super) struct Job {
    plan: Plan,
    task: Task,
    spawner: Spawner,
    claims: Claims,
    bar: Option<Bar>,
    is_cancelled: AtomicBool,
    is_interrupted: AtomicBool,
    heeds_interrupts: bool,
    /// Helpers that ran out of work.
    idle: AtomicUsize,
    /// Helpers that a job on a worker may still ask for.
    unasked: AtomicUsize,
    record: Mutex<Record>,
    gate: Mutex<Gate>,
    changed: Condvar,
}

/// The function of a job.
enum Task {
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

#[derive(Default)]
struct Record {
    finished: Vec<Range<usize>>,
    failed: Vec<Range<usize>>,
    /// The lowest failing item; without a report it stopped.
    failure: Option<(usize, Option<PanicReport>)>,
    busy: Duration,
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
    fn ask(self: &Arc<Self>) -> bool {
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

    fn work(self: &Arc<Self>) {
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
        };
        let caught = catch_unwind(AssertUnwindSafe(|| match &self.task {
            Task::Owned(run) => run(&mut block),
            // SAFETY: this thread has entered, and who owns the function waits until it left.
            Task::Borrowed(run) => unsafe { (**run)(&mut block) },
        }));
        let failure = match caught.map_err(|payload| panics::look_up(&*payload, false)) {
            Ok(()) if !block.is_stopped => {
                let (start, end) = (units.start, block.reached);
                if let Some(bar) = &self.bar {
                    bar.add((self.first_item(end) - self.first_item(start)) as u64);
                }
                extend(&mut record.finished, start..end);
                return end;
            }
            Ok(()) => Some((block.failed, None)),
            Err(Caught::Panic(report)) => Some((block.failed, Some(report))),
            Err(Caught::Interrupted) => {
                self.is_interrupted.store(true, Ordering::Relaxed);
                self.is_cancelled.store(true, Ordering::Relaxed);
                None
            }
        };
        if let Some((item, report)) = failure {
            // What of the block comes before the item has been run.
            self.claims.lower_limit(units.start);
            record.fail(item, report);
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

    fn is_stopped(&self) -> bool {
        if self.heeds_interrupts && cancel::is_requested() {
            self.is_interrupted.store(true, Ordering::Relaxed);
            self.is_cancelled.store(true, Ordering::Relaxed);
        }
        self.is_cancelled.load(Ordering::Relaxed)
    }

    fn is_exhausted(&self) -> bool {
        self.is_stopped() || self.claims.is_exhausted()
    }

    fn merge(&self, record: Record) {
        let mut all = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        all.finished.extend(record.finished);
        all.failed.extend(record.failed);
        all.busy += record.busy;
        if let Some((item, report)) = record.failure {
            all.fail(item, report);
        }
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
            Some((item, Some(report))) => End::Panicked { item, report },
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

    fn first_item(&self, unit: usize) -> usize {
        first_item(unit, self.plan.units, self.plan.items)
    }

    fn lock_gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outcome {
    /// Of a job without units.
    pub(super) fn of_nothing() -> Self {
        let (finished, taken) = (Vec::new(), Vec::new());
        Self {
            end: End::Complete,
            finished,
            taken,
            items_done: 0,
            busy: Duration::ZERO,
        }
    }

    /// Words for an end before the end.
    pub(super) fn describe(&self, verb: &str, items: usize) -> String {
        format!("{verb} after {} of {items} items", self.items_done)
    }
}

impl Record {
    fn fail(&mut self, item: usize, report: Option<PanicReport>) {
        if self
            .failure
            .as_ref()
            .is_none_or(|(lowest, _)| item < *lowest)
        {
            self.failure = Some((item, report));
        }
    }
}

/// Where a unit's items begin, when `items` are spread over `units` as evenly as can be.
pub(super) fn first_item(unit: usize, units: usize, items: usize) -> usize {
    if units == items {
        return unit;
    }
    match unit.checked_mul(items) {
        Some(product) => product / units.max(1),
        // In 128 bits nothing overflows, and the quotient is at most `items`.
        None => (unit as u128 * items as u128 / units.max(1) as u128) as usize,
    }
}

fn extend(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    }
}

fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined = Vec::new();
    ranges
        .into_iter()
        .for_each(|range| extend(&mut joined, range));
    joined
}

/// Borrowed tasks must not be left to others by a panic that this module did not expect.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        std::process::abort();
    }
}
