//! Work that goes on while the caller does something else: `map_async`, `apply_async`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::fill::{Results, fill_block};
use super::items::Supply;
use super::job::{Block, End, Job, Outcome, Plan};
use super::map::{Shared, ThroughArcMutexOrAtomic};
use super::{Pool, fill, panics};
use crate::cancel;
use crate::event::PanicReport;

/// How often a waiting thread looks for an interrupt.
pub(super) const LOOK_UP: Duration = Duration::from_millis(20);

/// Work in the background, and its result when it is done.
///
/// Dropping a task does not stop it; [`Task::cancel`] does. Closing the pool finishes it first, so its
/// result can be had afterwards. An interrupt stops a task that is being waited for, and no other.
#[must_use = "without its handle nobody gets the result: use for_each to wait, or keep the handle"]
pub struct Task<T> {
    work: Background,
    output: Arc<Output<T>>,
}

/// The job behind a task or an iterator.
pub(super) struct Background {
    pub(super) job: Arc<Job>,
    verb: &'static str,
    items: usize,
    /// The process whose threads do the work.
    process: u32,
}

struct Output<T>(Mutex<Slot<T>>);

struct Slot<T> {
    result: Option<Result<T, Failure>>,
    /// The handle is gone, so nobody will learn of a panic from it.
    is_abandoned: bool,
}

/// Why work in the background has no result.
pub(super) enum Failure {
    Panicked(PanicReport),
    Cancelled(String),
}

impl Pool {
    /// Starts a map and returns at once. The results come from [`Task::get`].
    ///
    /// What the closure captures must be its own: write `move`, and share with an `Arc`.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let task = pool.map_async(|x| x * x, 0..4);
    /// // … something else …
    /// assert_eq!(task.get(), [0, 1, 4, 9]);
    /// ```
    #[track_caller]
    pub fn map_async<F, I, R>(self, f: F, items: I) -> Task<Vec<R>>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Shared<ThroughArcMutexOrAtomic> + Send + 'static,
        R: Send + 'static,
    {
        let supply = Arc::new(Supply::new(items));
        let count = supply.count();
        let results = Results::with_capacity(count);
        let slots = results.slots();
        let items = Arc::clone(&supply);
        let run = move |block: &mut Block| {
            // SAFETY: a job hands each unit out once, and units are items here.
            unsafe { fill_block(&items, slots, block, |_, item| Some(f(item))) };
        };
        let take = move |outcome: &Outcome| {
            if let End::Complete = outcome.end {
                // SAFETY: all units are finished, so all results are written.
                return Some(unsafe { results.into_vec(count) });
            }
            supply.drop_untaken(&outcome.taken);
            // SAFETY: the results of finished units are written, and nobody else drops them.
            unsafe { slots.drop_ranges(&outcome.finished) };
            None
        };
        Task::start(self, "pool.map_async", count, Box::new(run), take)
    }

    /// Starts `f` on a worker and returns at once. The result comes from [`Task::get`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let task = pool.apply_async(|| 6 * 7);
    /// assert_eq!(task.get(), 42);
    /// ```
    #[track_caller]
    pub fn apply_async<F, R>(self, f: F) -> Task<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let function = Mutex::new(Some(f));
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let run = move |_: &mut Block| {
            let function = function
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            let result = function.map(|function| function());
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = result;
        };
        let take = move |_: &Outcome| result.lock().unwrap_or_else(PoisonError::into_inner).take();
        Task::start(self, "pool.apply_async", 1, Box::new(run), take)
    }
}

impl<T: Send + 'static> Task<T> {
    #[track_caller]
    fn start(
        pool: Pool,
        verb: &'static str,
        items: usize,
        run: Box<dyn Fn(&mut Block) + Send + Sync>,
        take: impl FnOnce(&Outcome) -> Option<T> + Send + 'static,
    ) -> Self {
        let output = Arc::new(Output(Mutex::new(Slot {
            result: None,
            is_abandoned: false,
        })));
        let slot = Arc::clone(&output);
        let on_end = move |outcome: Outcome| {
            let result = take(&outcome);
            slot.put(result.ok_or_else(|| Failure::of(verb, items, outcome)));
        };
        Self {
            work: Background::start(pool, verb, items, run, Box::new(on_end)),
            output,
        }
    }
}

impl<T> Task<T> {
    /// Waits until the work is done, has failed or was cancelled. Does not panic for the work's panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let task = pool.map_async(|x| x + 1, 0..100);
    /// task.wait();
    /// assert!(task.is_ready());
    /// # task.get();
    /// ```
    #[track_caller]
    pub fn wait(&self) {
        self.work.wait();
    }

    /// Waits for the result.
    ///
    /// # Panics
    ///
    /// With `panicked in item 3 (of 24): …` when the function did, and when the task was cancelled
    /// before its end.
    #[track_caller]
    pub fn get(self) -> T {
        self.wait();
        let result = self.output.lock().result.take();
        match result {
            Some(Ok(result)) => result,
            Some(Err(Failure::Panicked(report))) => panics::raise(report),
            Some(Err(Failure::Cancelled(message))) => panics::fail(message),
            None => unreachable!("a task that has ended has put its result, and get takes it once"),
        }
    }

    /// Whether the work is done, has failed or was cancelled.
    pub fn is_ready(&self) -> bool {
        self.work.job.settle()
    }

    /// Stops new items from starting. What runs already runs to its end.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let task = pool.map_async(|_| std::thread::sleep(std::time::Duration::from_millis(1)), 0..100_000);
    /// task.cancel();
    /// task.wait();
    /// ```
    pub fn cancel(&self) {
        self.work.job.cancel();
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        let mut slot = self.output.lock();
        slot.is_abandoned = true;
        let result = slot.result.take();
        drop(slot);
        if let Some(Err(Failure::Panicked(report))) = result {
            panics::report_unobserved(report);
        }
    }
}

impl<T> std::fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = if self.is_ready() { "ready" } else { "running" };
        write!(
            f,
            "Task {{ {}, {} items, {state} }}",
            self.work.verb, self.work.items
        )
    }
}

impl<T> Output<T> {
    fn put(&self, result: Result<T, Failure>) {
        let mut slot = self.lock();
        if !slot.is_abandoned {
            slot.result = Some(result);
        } else if let Err(Failure::Panicked(report)) = result {
            panics::report_unobserved(report);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slot<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    pub(super) fn of(verb: &str, items: usize, outcome: Outcome) -> Self {
        match outcome.end {
            End::Panicked { report, .. } if verb == "pool.apply_async" => Self::Panicked(report),
            End::Panicked { item, report } => Self::Panicked(panics::in_item(report, item, items)),
            _ => Self::Cancelled(format!(
                "cancelled: {}",
                fill::describe(verb, items, &outcome)
            )),
        }
    }
}

impl Background {
    /// Starts a job that nobody waits for yet; `on_end` is called once, on any thread.
    #[track_caller]
    pub(super) fn start(
        pool: Pool,
        verb: &'static str,
        items: usize,
        run: Box<dyn Fn(&mut Block) + Send + Sync>,
        on_end: Box<dyn FnOnce(Outcome) + Send>,
    ) -> Self {
        let lease = pool.lease();
        let spawner = lease.in_flight.workers().spawner();
        let started = std::time::Instant::now();
        let plan = Plan {
            units: items,
            items,
            chunk: pool.chunk,
            label: pool.label,
            is_background: true,
        };
        let on_end = Box::new(move |outcome: Outcome| {
            lease.record(outcome.items_done, outcome.busy, started.elapsed());
            on_end(outcome);
        });
        let job = Job::start_background(plan, run, on_end, spawner);
        Self {
            job,
            verb,
            items,
            process: std::process::id(),
        }
    }

    /// Waits for the end; an interrupt stops the work.
    #[track_caller]
    pub(super) fn wait(&self) {
        self.help();
        while !self.job.settle() {
            self.check();
            self.job.wait_for(LOOK_UP);
        }
    }

    /// On one of the pool's workers, does what is left to do: with all of them waiting nobody would.
    pub(super) fn help(&self) {
        self.job.help_here();
    }

    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// Looks for an interrupt, and whether there is still something to wait for.
    #[track_caller]
    pub(super) fn check(&self) {
        if self.process != std::process::id() {
            panics::fail(format!(
                "{} was lost with the process that ran it: start it again",
                self.verb
            ));
        }
        if cancel::is_requested() && !std::thread::panicking() {
            self.job.cancel();
            panics::interrupt(&format!("{} of {} items", self.verb, self.items));
        }
    }
}
