//! The handle to a pool, and how a map runs on it. It owns no thread.

use std::time::Instant;

use super::{builder, labels};
use crate::pool::erased::erased_map::ErasedMap;
use crate::pool::erased::item_slice::SliceFn;
use crate::pool::erased::memory::Memory;
use crate::pool::schedule::job::{Block, BlockFn, Job, Plan};
use crate::pool::schedule::outcome::{End, Outcome};
use crate::pool::status;
use crate::pool::threads::panics;
use crate::pool::threads::registry::{self, Lease};

/// A handle to a pool of threads.
///
/// Maps take the function first and the items second, like Python's `multiprocessing.Pool`. Items are whatever a
/// `for` loop takes: ranges of any integer type, collections by value or by reference, any iterator. Results come in
/// the order of the items.
///
/// * **Scheduling.** Items start in order. P workers take n equal items in `ceil(n / P)` rounds. Workers claim cheap
///   items in chunks, whose size depends on how long the last items took.
/// * **Nesting.** A map inside a map runs on the same workers.
/// * **Panics.** If an item panics, no new items start, finished results are dropped, and the caller panics with
///   `panicked in item 3 (of 24): …`, which names the first item that panicked. If the item is a number, a text or a
///   reference to one, and differs from its position, the message has its value too: `item 3 (of 24), 13: …`. The
///   pool stays usable.
/// * **Interrupts.** In a notebook, an interrupt stops a map between two items.
///
/// # Panics
///
/// All methods that run code panic when the pool is closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pool {
    pub(super) number: u32,
    /// Items per chunk; 0 adapts.
    pub(super) chunk: usize,
    /// The label of a progress bar.
    pub(super) label: Option<&'static str>,
}

impl Pool {
    pub(super) fn from_number(number: u32) -> Self {
        Self {
            number,
            chunk: 0,
            label: None,
        }
    }

    /// Returns a handle to the same pool, whose maps have chunks of `items` items. Only the last chunk may have fewer.
    ///
    /// By default the size adapts to how long items take, which is rarely slower. `chunksize(1)` makes workers claim
    /// one item at a time.
    ///
    /// # Panics
    ///
    /// When `items` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let halves = pool.chunksize(64).map(|x| f64::from(x) / 2.0, 0..1000);
    /// assert_eq!(halves[3], 1.5);
    /// ```
    #[track_caller]
    pub fn chunksize(self, items: usize) -> Self {
        assert!(
            items > 0,
            "chunksize 0 gives tasks nothing to do: use at least 1"
        );
        Self {
            chunk: items,
            ..self
        }
    }

    /// Returns a handle to the same pool, whose maps show a progress bar.
    ///
    /// * `label`: the text before the bar. It is kept in memory until the process ends, so use few different labels.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let lengths = pool.progress("measuring").map(|word: &str| word.len(), ["a", "bc"]);
    /// assert_eq!(lengths, [1, 2]);
    /// ```
    pub fn progress(self, label: &str) -> Self {
        Self {
            label: Some(labels::keep(label)),
            ..self
        }
    }

    /// Runs `operation` on a worker and waits for its result. Functions of rayon in it (`par_iter`, `join`, `scope`)
    /// use the workers of the pool.
    ///
    /// `operation` does not see the thread-local variables of this thread. An interrupt stops it only in the maps
    /// that it calls.
    ///
    /// # Panics
    ///
    /// When `operation` panics, with the same payload, and when the pool is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use rayon::prelude::*;
    ///
    /// # let pool = corebook::pool::Pool::new(2);
    /// let sum: u64 = pool.install(|| (0..1000u64).into_par_iter().sum());
    /// assert_eq!(sum, 499_500);
    /// ```
    #[track_caller]
    pub fn install<R: Send>(self, operation: impl FnOnce() -> R + Send) -> R {
        let lease = self.lease();
        let run = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(operation));
        match lease.in_flight.workers().install(run) {
            Ok(result) => result,
            Err(payload) => {
                drop(lease);
                panics::pass_on(payload)
            }
        }
    }

    /// Returns the number of workers.
    ///
    /// # Panics
    ///
    /// When the pool is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(corebook::pool::Pool::new(2).workers(), 2);
    /// ```
    #[track_caller]
    pub fn workers(self) -> usize {
        self.lease().in_flight.workers().count()
    }

    /// Runs a map to its end. Returns the results, or `None` if the function stopped.
    #[track_caller]
    pub(super) fn run(self, map: ErasedMap, verb: &str, function: &SliceFn<'_>) -> Option<Memory> {
        let outcome = self.run_job(&map, &|block: &mut Block<'_>| {
            // SAFETY: a job hands each slot out once.
            unsafe { map.run_items(block, function) };
        });
        // SAFETY: the job has ended, so no thread uses results any more.
        let results = unsafe { map.take_results(&outcome) };
        if results.is_none() {
            let items = map.items();
            drop(map);
            fail(verb, items, outcome);
        }
        results
    }

    /// Like [`Self::run`], for a function that never stops by itself.
    #[track_caller]
    pub(super) fn run_whole(self, map: ErasedMap, verb: &str, function: &SliceFn<'_>) -> Memory {
        self.run(map, verb, function)
            .expect("a map that neither stops nor fails has all its results")
    }

    /// Runs a job for the slots of a map and records its use of the workers.
    #[track_caller]
    fn run_job(self, map: &ErasedMap, function: &BlockFn<'_>) -> Outcome {
        let lease = self.lease();
        if map.slots() == 0 {
            return Outcome::of_nothing();
        }
        let started = Instant::now();
        let plan = Plan {
            slots: map.slots(),
            items: map.items(),
            chunk: map.slots_per_chunk(self.chunk),
            label: self.label,
            is_background: false,
        };
        let outcome = Job::run(plan, function, lease.in_flight.workers().spawner());
        lease.record(outcome.items_done, outcome.busy, started.elapsed());
        outcome
    }

    /// Registers a use of the workers.
    ///
    /// # Panics
    ///
    /// When the pool is closed.
    #[track_caller]
    pub(super) fn lease(self) -> Lease {
        match registry::lease(self.number) {
            Ok(lease) => lease,
            Err(message) => panics::fail(message),
        }
    }
}

/// Panics in the caller if the job panicked or was interrupted. Returns if the function stopped by itself.
#[track_caller]
fn fail(verb: &str, items: usize, outcome: Outcome) {
    match outcome.end {
        End::Panicked { item, panic } => panics::raise(panic.in_item(item, items)),
        End::Interrupted => panics::interrupt(&outcome.describe(verb, items)),
        End::Complete | End::Stopped | End::Cancelled => {}
    }
}

/// The default pool, with one worker for each physical core that this process may use. Every call returns the same
/// pool.
impl Default for Pool {
    fn default() -> Self {
        builder::default_pool()
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&status::describe(self.number))
    }
}
