//! From items to results: the generic shells of every map, as thin as they can be.
//!
//! A cell compiles what is in this file anew, so it holds loops over a block and nothing else. What
//! can be said without the types of items and results is in `job`, `items` and `handle`.

use std::ops::Range;

use super::Pool;
use super::items::Supply;
use super::job::{Block, End, Outcome, first_item};

/// Into how many parts a reduction is cut at most: enough for any number of workers, and few enough
/// that their results cost nothing. Fixed, so that sums of floats do not depend on the machine.
const MOST_PARTS: usize = 8192;

/// The results of `f` for each item, in order; nothing if `f` stopped at an item by returning nothing.
#[track_caller]
pub(super) fn fill<T: Send, R: Send>(
    pool: Pool,
    verb: &str,
    supply: &Supply<T>,
    f: impl Fn(usize, T) -> Option<R> + Sync,
) -> Option<Vec<R>> {
    let count = supply.count();
    let results = Results::with_capacity(count);
    let slots = results.slots();
    let outcome = pool.run(count, count, pool.chunk, &|block: &mut Block| {
        // SAFETY: a job hands each unit out once, and units are items here.
        unsafe { fill_block(supply, slots, block, &f) };
    });
    if let End::Complete = outcome.end {
        // SAFETY: all units are finished, so all results are written.
        return Some(unsafe { results.into_vec(count) });
    }
    supply.drop_untaken(&outcome.taken);
    // SAFETY: the results of finished units are written, and nobody else drops them.
    unsafe { slots.drop_ranges(&outcome.finished) };
    pool.fail(verb, count, outcome);
    None
}

/// Runs `f` on the items of a block and writes the results to their slots.
///
/// # Safety
///
/// No other call is given any of the block's units.
#[inline]
pub(super) unsafe fn fill_block<T, R>(
    supply: &Supply<T>,
    slots: Slots<R>,
    block: &mut Block,
    f: impl Fn(usize, T) -> Option<R>,
) {
    let mut written = Written {
        slots,
        range: block.units.start..block.units.start,
    };
    let step = |index, item| match f(index, item) {
        Some(result) => {
            // SAFETY: the slots of the block are written by this call only, in order.
            unsafe { written.push(result) };
            true
        }
        None => false,
    };
    // SAFETY: the caller gives these units, which are items, to nobody else.
    block.is_stopped = !unsafe { supply.take(block.units.clone(), &mut block.failed, step) };
    if !block.is_stopped {
        std::mem::forget(written);
    }
}

/// One accumulator for each part of the items, in order. Parts do not depend on timing or workers.
#[track_caller]
pub(super) fn fold<T: Send, A: Send>(
    pool: Pool,
    verb: &str,
    supply: &Supply<T>,
    new: impl Fn() -> A + Sync,
    step: impl Fn(&mut A, T) + Sync,
) -> Vec<A> {
    let count = supply.count();
    let (parts, chunk) = match pool.chunk {
        0 => (count.min(MOST_PARTS), 0),
        chunk => (count.div_ceil(chunk), 1),
    };
    let results = Results::with_capacity(parts);
    let slots = results.slots();
    let outcome = pool.run(parts, count, chunk, &|block: &mut Block| {
        let mut written = Written {
            slots,
            range: block.units.start..block.units.start,
        };
        let items =
            first_item(block.units.start, parts, count)..first_item(block.units.end, parts, count);
        let mut part_end = first_item(block.units.start + 1, parts, count);
        let mut sum = new();
        let add = |index, item| {
            if index == part_end {
                // SAFETY: as below.
                unsafe { written.push(std::mem::replace(&mut sum, new())) };
                part_end = first_item(written.range.end + 1, parts, count);
            }
            step(&mut sum, item);
            true
        };
        // SAFETY: a job hands each unit out once, and no item belongs to two units.
        unsafe { supply.take(items, &mut block.failed, add) };
        // SAFETY: the slots of this block's parts are written by this call only, in order; no part is
        // empty, so the last one is still to be written.
        unsafe { written.push(sum) };
        std::mem::forget(written);
    });
    if let End::Complete = outcome.end {
        // SAFETY: all units are finished, so all results are written.
        return unsafe { results.into_vec(parts) };
    }
    let items = |range: &Range<usize>| {
        first_item(range.start, parts, count)..first_item(range.end, parts, count)
    };
    supply.drop_untaken(&outcome.taken.iter().map(items).collect::<Vec<_>>());
    // SAFETY: the results of finished units are written, and nobody else drops them.
    unsafe { slots.drop_ranges(&outcome.finished) };
    pool.fail(verb, count, outcome);
    Vec::new()
}

/// Room for results, none of which belongs to the vector yet.
pub(super) struct Results<R>(Vec<R>);

/// Where results go. Workers share it; each slot is written once.
pub(super) struct Slots<R>(pub(super) *mut R);

// SAFETY: through it results are moved to other threads, which `R: Send` allows, and no slot is shared.
unsafe impl<R: Send> Sync for Slots<R> {}
// SAFETY: as above.
unsafe impl<R: Send> Send for Slots<R> {}

impl<R> Clone for Slots<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Slots<R> {}

impl<R> Results<R> {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    pub(super) fn slots(&self) -> Slots<R> {
        Slots(self.0.as_ptr().cast_mut())
    }

    /// # Safety
    ///
    /// The first `count` slots are written.
    pub(super) unsafe fn into_vec(mut self, count: usize) -> Vec<R> {
        // SAFETY: the caller's promise; the capacity was made for them.
        unsafe { self.0.set_len(count) };
        self.0
    }
}

impl<R> Slots<R> {
    /// Drops the results in `ranges`.
    ///
    /// # Safety
    ///
    /// They are written, and nobody uses them any more.
    pub(super) unsafe fn drop_ranges(self, ranges: &[Range<usize>]) {
        if std::mem::needs_drop::<R>() {
            for range in ranges {
                let first = self.0.wrapping_add(range.start);
                // SAFETY: the caller's promise.
                unsafe { std::ptr::slice_from_raw_parts_mut(first, range.len()).drop_in_place() };
            }
        }
    }
}

/// The results of a block that is not finished; dropped when it never will be.
struct Written<R> {
    slots: Slots<R>,
    range: Range<usize>,
}

impl<R> Written<R> {
    /// # Safety
    ///
    /// The next slot is within the results, and nobody else writes to it.
    #[inline]
    unsafe fn push(&mut self, result: R) {
        // SAFETY: the caller's promise.
        unsafe { self.slots.0.add(self.range.end).write(result) };
        self.range.end += 1;
    }
}

impl<R> Drop for Written<R> {
    fn drop(&mut self) {
        // SAFETY: the range grows when a slot is written, and the results of failed blocks are nobody's.
        unsafe { self.slots.drop_ranges(std::slice::from_ref(&self.range)) };
    }
}

/// Words for what ended a job.
pub(super) fn describe(verb: &str, items: usize, outcome: &Outcome) -> String {
    format!("{verb} after {} of {items} items", outcome.items_done)
}
