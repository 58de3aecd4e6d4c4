//! Which units of a job go to whom: one counter, and the rests that were given back.
//!
//! Pure bookkeeping: this module runs nothing and starts no thread.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How long a chunk of an adaptive job should take: long against the cost of claiming it, short
/// against what a person notices.
const CHUNK_NS: f64 = 100_000.0;

/// What is not worth sharing: a chunk of an adaptive job that is not the last takes at least so long.
const LEAST_CHUNK_NS: f64 = 1_000.0;

/// The units of a job that are still to be claimed.
pub(super) struct Claims {
    units: usize,
    /// Units per chunk; 0 adapts.
    chunk: usize,
    workers: usize,
    /// The first unit that nobody has claimed.
    next: AtomicUsize,
    /// Units from here on are not run any more.
    limit: AtomicUsize,
    has_returned: AtomicBool,
    /// Rests of chunks that were given back.
    returned: Mutex<Vec<Range<usize>>>,
}

impl Claims {
    pub(super) fn new(units: usize, chunk: usize, workers: usize) -> Self {
        Self {
            units,
            chunk,
            workers,
            next: AtomicUsize::new(0),
            limit: AtomicUsize::new(units),
            has_returned: AtomicBool::new(false),
            returned: Mutex::default(),
        }
    }

    /// The next chunk for a worker whose last units took `unit_ns` each; unknown before its first.
    pub(super) fn claim(&self, unit_ns: Option<f64>) -> Option<Range<usize>> {
        if let Some(rest) = self.take_returned() {
            return Some(rest);
        }
        let mut start = self.next.load(Ordering::Relaxed);
        loop {
            let left = self.limit().saturating_sub(start);
            if left == 0 {
                return None;
            }
            // What is left of all units, not of those below the limit, so that a failure does not
            // change where chunks begin.
            let length = chunk_units(self.units - start, self.chunk, self.workers, unit_ns);
            let end = start + length;
            match self
                .next
                .compare_exchange_weak(start, end, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some(start..end),
                Err(now) => start = now,
            }
        }
    }

    /// Offers the rest of a chunk to others.
    pub(super) fn give_back(&self, rest: Range<usize>) {
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        returned.push(rest);
        self.has_returned.store(true, Ordering::Release);
    }

    /// Where units are not run any more: the lowest failing unit, or the end.
    pub(super) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Gives all units from `unit` on up.
    pub(super) fn lower_limit(&self, unit: usize) {
        self.limit.fetch_min(unit, Ordering::Relaxed);
    }

    /// Whether nothing is left to claim.
    pub(super) fn is_exhausted(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.limit()
            && !self.has_returned.load(Ordering::Acquire)
    }

    fn take_returned(&self) -> Option<Range<usize>> {
        if !self.has_returned.load(Ordering::Acquire) {
            return None;
        }
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = self.limit();
        returned.retain(|rest| rest.start < limit);
        let lowest = (0..returned.len()).min_by_key(|&index| returned[index].start);
        let rest = lowest.map(|index| returned.swap_remove(index));
        self.has_returned
            .store(!returned.is_empty(), Ordering::Release);
        rest
    }
}

/// How many units a chunk has.
///
/// Never more than a share of what is left: a chunk of c units is only claimed while the others have
/// at least `(2P - 1) c` left, so it never ends last, and equal units take `ceil(n / P)` rounds. Units
/// of nanoseconds are not handed out one by one for that.
fn chunk_units(left: usize, chunk: usize, workers: usize, unit_ns: Option<f64>) -> usize {
    if chunk > 0 {
        return chunk.min(left);
    }
    // The conversion saturates, and a worker that knows nothing yet begins with one unit.
    let within =
        |nanoseconds: f64| unit_ns.map_or(1, |unit_ns| (nanoseconds / unit_ns.max(0.01)) as usize);
    let share = left / (2 * workers);
    within(CHUNK_NS)
        .min(share)
        .max(within(LEAST_CHUNK_NS))
        .clamp(1, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rounds that P workers take when every unit lasts `unit_ns`, by simulation of the claims.
    fn rounds(units: usize, workers: usize, unit_ns: f64) -> usize {
        let claims = Claims::new(units, 0, workers);
        let mut free_at = vec![0; workers];
        let mut knows = vec![None; workers];
        loop {
            let worker = (0..workers).min_by_key(|&worker| free_at[worker]).unwrap();
            let Some(chunk) = claims.claim(knows[worker]) else {
                break;
            };
            free_at[worker] += chunk.len();
            knows[worker] = Some(unit_ns);
        }
        free_at.into_iter().max().unwrap()
    }

    #[test]
    fn equal_units_take_the_fewest_rounds() {
        for workers in 1..=16 {
            for units in (1..200).chain([1000, 9999]) {
                for unit_ns in [1e3, 1e4, 1e8] {
                    let found = rounds(units, workers, unit_ns);
                    assert_eq!(
                        found,
                        units.div_ceil(workers),
                        "{units} units, {workers} workers, {unit_ns} ns"
                    );
                }
            }
        }
    }

    #[test]
    fn a_fixed_chunk_is_exact() {
        let claims = Claims::new(10, 4, 2);
        let chunks: Vec<_> = std::iter::from_fn(|| claims.claim(Some(1.0))).collect();
        assert_eq!(chunks, [0..4, 4..8, 8..10]);
    }

    #[test]
    fn trivial_units_come_in_few_chunks() {
        let claims = Claims::new(1_000_000, 0, 4);
        let chunks = std::iter::from_fn(|| claims.claim(Some(1.0))).count();
        assert!(chunks < 80, "{chunks} chunks");
    }

    #[test]
    fn a_failure_leaves_only_what_is_before_it() {
        let claims = Claims::new(100, 10, 2);
        assert_eq!(claims.claim(None), Some(0..10));
        claims.give_back(5..10);
        claims.give_back(20..30);
        claims.lower_limit(7);
        assert_eq!(claims.claim(None), Some(5..10));
        assert_eq!(claims.claim(None), None);
        assert!(claims.is_exhausted());
    }
}
