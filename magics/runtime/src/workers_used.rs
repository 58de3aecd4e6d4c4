//! How many workers some code used: pools report it here, and `%compare` reads it.
//!
//! Both use this module, so measuring does not depend on pools. It knows neither pools nor threads, only numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// The most workers of any pool that finished items since [`during`] began.
static MOST: Most = Most(AtomicU64::new(0));

/// Records that a pool of `workers` finished items.
pub(crate) fn note(workers: usize) {
    MOST.note(workers as u64);
}

/// Runs `code`. Returns its result and how many workers it used: those of the largest pool that finished an item, or
/// 0 without one.
///
/// Pools that other threads use meanwhile count too. If two calls overlap on different threads, one may miss a pool;
/// nested calls are exact.
pub(crate) fn during<R>(code: impl FnOnce() -> R) -> (R, u64) {
    MOST.during(code)
}

// All accesses are relaxed: no other data depends on the number, and a map records its workers before it returns to
// the thread that asks.
struct Most(AtomicU64);

impl Most {
    fn note(&self, workers: u64) {
        self.0.fetch_max(workers, Ordering::Relaxed);
    }

    fn during<R>(&self, code: impl FnOnce() -> R) -> (R, u64) {
        let outer = self.0.swap(0, Ordering::Relaxed);
        let result = code();
        let used = self.0.fetch_max(outer, Ordering::Relaxed);
        (result, used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_pool_of_the_code_counts() {
        let most = Most(AtomicU64::new(0));
        most.note(8);
        assert_eq!(most.during(|| 1), (1, 0));
        let ((), used) = most.during(|| {
            most.note(2);
            most.note(4);
            most.note(1);
        });
        assert_eq!(used, 4);
    }

    #[test]
    fn inner_code_counts_for_the_outer_too() {
        let most = Most(AtomicU64::new(0));
        let (inner, outer) = most.during(|| {
            most.note(3);
            most.during(|| most.note(2)).1
        });
        assert_eq!((inner, outer), (2, 3));
    }
}
