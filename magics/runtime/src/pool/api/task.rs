//! Work in the background: `map_async` and `apply_async`. The caller goes on and never runs an item, unless it is a
//! worker of the same pool.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handle::Pool;
use super::map::{Shared, ThroughArcMutexOrAtomic};
use crate::cancel;
use crate::event::PanicReport;
use crate::pool::erased::erased_map::ErasedMap;
use crate::pool::erased::item_slice::{ItemSlice, OwnedSliceFn};
use crate::pool::erased::items::Items;
use crate::pool::erased::memory::{Kind, Memory};
use crate::pool::schedule::job::{Block, INTERRUPT_CHECK, Job, OwnedBlockFn, Plan};
use crate::pool::schedule::outcome::{End, Outcome};
use crate::pool::threads::panics;

/// Work in the background, and its result. Made by [`Pool::map_async`] and [`Pool::apply_async`].
///
/// Dropping a task does not stop the work; [`Task::cancel`] does. Closing the pool finishes the work first, and the
/// result stays available. An interrupt stops only the task that a cell waits for.
#[must_use = "the result is lost without this handle: use for_each to wait, or keep the handle"]
pub struct Task<T> {
    background: Background,
    output: Arc<Output>,
    convert: fn(Memory, usize) -> T,
}

/// The job of a task or of an iterator.
pub(crate) struct Background {
    pub(crate) job: Arc<Job>,
    verb: &'static str,
    items: usize,
    /// The process whose threads do the work.
    process: u32,
}

struct Output(Mutex<Slot>);

struct Slot {
    result: Option<Result<Memory, Failure>>,
    /// The handle was dropped: a panic is reported at once.
    is_abandoned: bool,
}

/// Why work in the background has no result.
pub(crate) enum Failure {
    Panicked(PanicReport),
    Cancelled(String),
}

impl Pool {
    /// Starts a map and returns at once. [`Task::get`] returns the results.
    ///
    /// * `f`: as for [`Pool::map`], but it must own what it captures: write `move`, and share with an `Arc`.
    /// * `items`: as for [`Pool::map`].
    ///
    /// # Panics
    ///
    /// When the pool is closed. If `f` panics, [`Task::get`] does.
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
        let map = ErasedMap::map(Items::of(items), Kind::of::<R>());
        // SAFETY: the map is made for these types.
        let function = move |slice: &mut ItemSlice| unsafe { slice.map(&f) };
        // SAFETY: the results of a map are the values of a vector.
        let convert = |results: Memory, count| unsafe { results.into_vec(count) };
        Task::start(self, "pool.map_async", map, Box::new(function), convert)
    }

    /// Starts `f` on a worker and returns at once. [`Task::get`] returns the result.
    ///
    /// # Panics
    ///
    /// When the pool is closed. If `f` panics, [`Task::get`] does.
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
        let map = ErasedMap::map(Items::one(), Kind::of::<R>());
        let once = Mutex::new(Some(f));
        let function = move |slice: &mut ItemSlice| {
            let call = |(): ()| {
                let f = once.lock().unwrap_or_else(PoisonError::into_inner).take();
                f.expect("a job hands its only slot out once")()
            };
            // SAFETY: the map is made for these types.
            unsafe { slice.map(call) };
        };
        // SAFETY: there is one result, and it is read once.
        let convert = |results: Memory, _| unsafe { results.at(0).cast::<R>().read() };
        Task::start(self, "pool.apply_async", map, Box::new(function), convert)
    }
}

impl<T> Task<T> {
    #[track_caller]
    fn start(
        pool: Pool,
        verb: &'static str,
        map: ErasedMap,
        function: Box<OwnedSliceFn>,
        convert: fn(Memory, usize) -> T,
    ) -> Self {
        let (background, output) = start(pool, verb, map, function);
        Self {
            background,
            output,
            convert,
        }
    }

    /// Waits until the work is done, has failed or was cancelled. If the work panicked, only [`Task::get`] panics.
    ///
    /// # Panics
    ///
    /// When an interrupt was requested, with [`Interrupted`](crate::cancel::Interrupted) as the payload, and in a
    /// fork of the process that ran the work.
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
        self.background.wait();
    }

    /// Waits for the result and returns it.
    ///
    /// # Panics
    ///
    /// When the function panicked, with `panicked in item 3 (of 24): …`; when the task was cancelled before its end;
    /// and as [`Task::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let tasks: Vec<_> = (1..=3).map(|x| pool.apply_async(move || x * x)).collect();
    /// let squares: Vec<i32> = tasks.into_iter().map(|task| task.get()).collect();
    /// assert_eq!(squares, [1, 4, 9]);
    /// ```
    #[track_caller]
    pub fn get(self) -> T {
        self.wait();
        let result = self.output.lock().result.take();
        match result {
            Some(Ok(results)) => (self.convert)(results, self.background.items),
            Some(Err(Failure::Panicked(report))) => panics::raise(report),
            Some(Err(Failure::Cancelled(message))) => panics::fail(message),
            None => unreachable!("a task that has ended has put its result, and get takes it once"),
        }
    }

    /// Returns at once whether the work is done, has failed or was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let task = pool.apply_async(|| 6 * 7);
    /// while !task.is_ready() {
    ///     std::thread::yield_now();
    /// }
    /// assert_eq!(task.get(), 42);
    /// ```
    pub fn is_ready(&self) -> bool {
        self.background.job.try_end()
    }

    /// Stops new items from starting, and returns at once. Items that already run are finished.
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
        self.background.job.cancel();
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(results) = self.output.abandon() {
            drop((self.convert)(results, self.background.items));
        }
    }
}

impl<T> std::fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = if self.is_ready() { "ready" } else { "running" };
        write!(
            f,
            "Task {{ {}, {} items, {state} }}",
            self.background.verb, self.background.items
        )
    }
}

/// Starts a map in the background.
#[track_caller]
fn start(
    pool: Pool,
    verb: &'static str,
    map: ErasedMap,
    function: Box<OwnedSliceFn>,
) -> (Background, Arc<Output>) {
    let output = Arc::new(Output(Mutex::new(Slot {
        result: None,
        is_abandoned: false,
    })));
    let slot = Arc::clone(&output);
    let (items, map) = (map.items(), Arc::new(map));
    let ended = Arc::clone(&map);
    let on_end = move |outcome: Outcome| {
        // SAFETY: the job has ended.
        let results = unsafe { ended.take_results(&outcome) };
        slot.put(
            results.ok_or_else(|| Failure::of(verb, items, outcome)),
            items,
        );
    };
    // SAFETY: a job hands each slot out once.
    let run = move |block: &mut Block<'_>| unsafe { map.run_items(block, &*function) };
    (
        Background::start(pool, verb, items, Box::new(run), Box::new(on_end)),
        output,
    )
}

impl Output {
    fn put(&self, result: Result<Memory, Failure>, items: usize) {
        let mut slot = self.lock();
        if !slot.is_abandoned {
            slot.result = Some(result);
            return;
        }
        drop(slot);
        match result {
            // SAFETY: all results exist, and no handle is left that could read them.
            Ok(results) => unsafe { results.drop_range(0..items) },
            Err(Failure::Panicked(report)) => panics::report_unobserved(report),
            Err(Failure::Cancelled(_)) => {}
        }
    }

    /// Marks the result as not needed. Returns it if it is there, so that the caller can drop it.
    fn abandon(&self) -> Option<Memory> {
        let mut slot = self.lock();
        slot.is_abandoned = true;
        let result = slot.result.take();
        drop(slot);
        match result {
            Some(Ok(results)) => return Some(results),
            Some(Err(Failure::Panicked(report))) => panics::report_unobserved(report),
            Some(Err(Failure::Cancelled(_))) | None => {}
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    pub(crate) fn of(verb: &str, items: usize, outcome: Outcome) -> Self {
        match outcome.end {
            End::Panicked { panic, .. } if verb == "pool.apply_async" => {
                Self::Panicked(panic.report)
            }
            End::Panicked { item, panic } => Self::Panicked(panic.in_item(item, items)),
            _ => Self::Cancelled(format!("cancelled: {}", outcome.describe(verb, items))),
        }
    }
}

impl Background {
    /// Starts a job; `on_end` is called once, on the thread that ends it.
    #[track_caller]
    pub(crate) fn start(
        pool: Pool,
        verb: &'static str,
        items: usize,
        run: Box<OwnedBlockFn>,
        on_end: Box<dyn FnOnce(Outcome) + Send>,
    ) -> Self {
        let lease = pool.lease();
        let spawner = lease.in_flight.workers().spawner();
        let started = std::time::Instant::now();
        let plan = Plan {
            slots: items,
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
    pub(crate) fn wait(&self) {
        self.help();
        while !self.job.try_end() {
            self.check();
            self.job.wait_for(INTERRUPT_CHECK);
        }
    }

    /// On a worker of the pool, works on the job: if all workers only waited, it would never end.
    pub(crate) fn help(&self) {
        self.job.help_here();
    }

    /// Panics on an interrupt, or if the work was lost in a fork.
    #[track_caller]
    pub(crate) fn check(&self) {
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
