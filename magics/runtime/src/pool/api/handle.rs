//! The handle to a pool, and how a map runs on it.

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
/// Maps take the function first and the items second, as Python's `multiprocessing.Pool` does. Items
/// are whatever a `for` loop takes: ranges of any integer, collections by value or by reference, any
/// iterator. Results come in the order of the items.
///
/// * **Scheduling.** Items start in order. P workers take n equal items in `ceil(n / P)` rounds; cheap
///   items are handed out in chunks, sized by how long the last ones took.
/// * **Nesting.** A map inside a map runs on the same workers.
/// * **Panics.** When an item panics, no new items start, finished results are dropped, and the caller
///   panics with `panicked in item 3 (of 24): …`, naming the lowest item that did. Where an item is a number,
///   a text or a reference to one and says more than its index, it is named too: `item 3 (of 24), 13: …`.
///   The pool lives on.
/// * **Interrupts.** In a notebook, an interrupt stops a map between two items.
///
/// # Panics
///
/// All methods that run something panic when the pool is closed.
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

    /// The same pool, but its maps hand out `items` items at a time; only the last chunk may have fewer.
    ///
    /// Without it the number adapts to how long items take, which is rarely worse. `chunksize(1)` hands out items
    /// one by one.
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

    /// The same pool, but its maps show a bar that counts finished items.
    ///
    /// * `label`: the text before the bar. It is kept for the rest of the process, so use few different ones.
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

    /// Runs `operation` on a worker and waits for its result. Rayon's own functions in it (`par_iter`, `join`,
    /// `scope`) use the pool's workers.
    ///
    /// `operation` does not see this thread's thread-local variables. An interrupt does not stop it, except in
    /// maps of pools that it calls.
    ///
    /// # Panics
    ///
    /// When `operation` does, with the same payload, and when the pool is closed.
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

    /// The number of workers.
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

    /// Runs a map to its end. Returns the results; `None` if the function stopped.
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

    /// The same for a function that never stops by itself.
    #[track_caller]
    pub(super) fn run_whole(self, map: ErasedMap, verb: &str, function: &SliceFn<'_>) -> Memory {
        self.run(map, verb, function)
            .expect("a map that neither stops nor fails has all its results")
    }

    /// Runs a job for a map's slots and records what it used.
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

    /// A use of the pool's workers.
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

/// Ends the caller as the job ended. Returns only when the function stopped by itself.
#[track_caller]
fn fail(verb: &str, items: usize, outcome: Outcome) {
    match outcome.end {
        End::Panicked { item, panic } => panics::raise(panic.in_item(item, items)),
        End::Interrupted => panics::interrupt(&outcome.describe(verb, items)),
        End::Complete | End::Stopped | End::Cancelled => {}
    }
}

/// The default pool: one worker for each physical core that this process may use.
///
/// It is opened once; every call returns the same pool.
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
