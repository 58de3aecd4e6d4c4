//! The chunk queue of a job: a counter of claimed slots, and chunks that workers have given back.
//!
//! This module only decides which slots a worker gets. It runs no code and starts no thread.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How long a chunk of an adaptive job should take, in nanoseconds: much longer than claiming it, much shorter than
/// what people notice.
const CHUNK_NS: f64 = 100_000.0;

/// How long a chunk of an adaptive job should take at least, in nanoseconds, except for the last one: a shorter chunk
/// is not worth sharing.
const LEAST_CHUNK_NS: f64 = 1_000.0;

/// The slots of a job that are not claimed yet.
pub(crate) struct ChunkQueue {
    slots: usize,
    /// Slots per chunk; 0 if the size adapts.
    chunk: usize,
    workers: usize,
    /// The first slot that was never claimed.
    next: AtomicUsize,
    /// Slots from this one on are not filled any more.
    limit: AtomicUsize,
    has_returned: AtomicBool,
    /// The parts of chunks that were given back.
    returned: Mutex<Vec<Range<usize>>>,
}

impl ChunkQueue {
    pub(crate) fn new(slots: usize, chunk: usize, workers: usize) -> Self {
        Self {
            slots,
            chunk,
            workers,
            next: AtomicUsize::new(0),
            limit: AtomicUsize::new(slots),
            has_returned: AtomicBool::new(false),
            returned: Mutex::default(),
        }
    }

    /// Claims the next chunk.
    ///
    /// * `slot_ns`: how long the last slots of this worker took on average; `None` before its first chunk.
    pub(crate) fn claim(&self, slot_ns: Option<f64>) -> Option<Range<usize>> {
        if let Some(chunk) = self.take_returned() {
            return Some(chunk);
        }
        let mut start = self.next.load(Ordering::Relaxed);
        loop {
            let left = self.limit().saturating_sub(start);
            if left == 0 {
                return None;
            }
            // The length depends on all slots that are left, not only those below the limit, so that a failure does not
            // change where chunks begin.
            let length = chunk_length(self.slots - start, self.chunk, self.workers, slot_ns);
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

    /// Offers a part of a chunk to other workers.
    pub(crate) fn give_back(&self, chunk: Range<usize>) {
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        returned.push(chunk);
        self.has_returned.store(true, Ordering::Release);
    }

    /// The first slot that is not filled any more: the first of a failed block, or the number of slots.
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Removes all slots from `slot` on.
    pub(crate) fn lower_limit(&self, slot: usize) {
        self.limit.fetch_min(slot, Ordering::Relaxed);
    }

    /// Returns whether no chunk is left to claim.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.limit()
            && !self.has_returned.load(Ordering::Acquire)
    }

    fn take_returned(&self) -> Option<Range<usize>> {
        if !self.has_returned.load(Ordering::Acquire) {
            return None;
        }
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = self.limit();
        returned.retain(|chunk| chunk.start < limit);
        let lowest = (0..returned.len()).min_by_key(|&index| returned[index].start);
        let chunk = lowest.map(|index| returned.swap_remove(index));
        self.has_returned
            .store(!returned.is_empty(), Ordering::Release);
        chunk
    }
}

/// The number of slots of the next chunk.
///
/// It is at most a share of the slots that are left: a chunk of c slots is claimed only while at least `(2P - 1) c`
/// are left for the other workers. So it does not end last, and equal slots take `ceil(n / P)` rounds. An exception
/// are slots that take nanoseconds, which are not worth claiming one by one.
fn chunk_length(left: usize, chunk: usize, workers: usize, slot_ns: Option<f64>) -> usize {
    if chunk > 0 {
        return chunk.min(left);
    }
    // The conversion saturates. A worker that has no time yet begins with one slot.
    let within =
        |nanoseconds: f64| slot_ns.map_or(1, |slot_ns| (nanoseconds / slot_ns.max(0.01)) as usize);
    let share = left / (2 * workers);
    within(CHUNK_NS)
        .min(share)
        .max(within(LEAST_CHUNK_NS))
        .clamp(1, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simulates workers on a queue whose slots all take `slot_ns`. Returns how many rounds they need.
    fn rounds(slots: usize, workers: usize, slot_ns: f64) -> usize {
        let queue = ChunkQueue::new(slots, 0, workers);
        let mut free_at = vec![0; workers];
        let mut measured_ns = vec![None; workers];
        loop {
            let worker = (0..workers).min_by_key(|&worker| free_at[worker]).unwrap();
            let Some(chunk) = queue.claim(measured_ns[worker]) else {
                break;
            };
            free_at[worker] += chunk.len();
            measured_ns[worker] = Some(slot_ns);
        }
        free_at.into_iter().max().unwrap()
    }

    #[test]
    fn equal_slots_take_the_fewest_rounds() {
        for workers in 1..=16 {
            for slots in (1..200).chain([1000, 9999]) {
                for slot_ns in [1e3, 1e4, 1e8] {
                    let found = rounds(slots, workers, slot_ns);
                    assert_eq!(
                        found,
                        slots.div_ceil(workers),
                        "{slots} slots, {workers} workers, {slot_ns} ns"
                    );
                }
            }
        }
    }

    #[test]
    fn a_fixed_chunk_is_exact() {
        let queue = ChunkQueue::new(10, 4, 2);
        let chunks: Vec<_> = std::iter::from_fn(|| queue.claim(Some(1.0))).collect();
        assert_eq!(chunks, [0..4, 4..8, 8..10]);
    }

    #[test]
    fn trivial_slots_come_in_few_chunks() {
        let queue = ChunkQueue::new(1_000_000, 0, 4);
        let chunks = std::iter::from_fn(|| queue.claim(Some(1.0))).count();
        assert!(chunks < 80, "{chunks} chunks");
    }

    #[test]
    fn a_failure_leaves_only_the_slots_before_it() {
        let queue = ChunkQueue::new(100, 10, 2);
        assert_eq!(queue.claim(None), Some(0..10));
        queue.give_back(5..10);
        queue.give_back(20..30);
        queue.lower_limit(7);
        assert_eq!(queue.claim(None), Some(5..10));
        assert_eq!(queue.claim(None), None);
        assert!(queue.is_exhausted());
    }
}
