//! A map without its types: items, results, and a function that a cell has compiled.
//!
//! A map has one slot for each item, a reduction one for several items. The function is called with one [`ItemSlice`]
//! after the other: consecutive items and the memory of their results. Everything else, including the cleanup after a
//! panic, is compiled once. This module never decides which thread runs which slots.

use std::cell::UnsafeCell;
use std::ptr::NonNull;

use super::item_slice::{ItemSlice, SliceFn};
use super::items::Items;
use super::memory::{Kind, Memory};
use crate::pool::schedule::job::Block;
use crate::pool::schedule::outcome::{End, Outcome, first_item};

/// The most slots of a reduction: enough for any number of workers, and so few that their results cost little. It is
/// constant, so that sums of floats do not depend on the machine.
const MOST_SLOTS_OF_A_FOLD: usize = 8192;

/// Items, memory for results, and which items belong to which slot.
pub(crate) struct ErasedMap {
    items: Items,
    results: Results,
    shape: Shape,
    /// How many results there are.
    slots: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One result for each item.
    Map,
    /// The same, but the function owns a result as soon as it is written. Each slice has one item.
    Stream,
    /// One result for several items.
    Fold,
}

/// The memory for results. It can be taken out when the job has ended.
struct Results(UnsafeCell<Option<Memory>>);

// SAFETY: threads share the memory to write to disjoint slots. `take` takes it out; its callers promise that no thread
// uses it any more.
unsafe impl Sync for Results {}

impl ErasedMap {
    /// A map with one result of kind `kind` for each item, in the memory of the items if it fits there.
    pub(crate) fn map(mut items: Items, kind: Kind) -> Self {
        let slots = items.count();
        let room = items.give_room(kind);
        Self {
            results: Results(UnsafeCell::new(Some(
                room.unwrap_or_else(|| Memory::new(kind, slots)),
            ))),
            shape: Shape::Map,
            slots,
            items,
        }
    }

    /// A reduction with one result of kind `kind` for each `chunk` items. With 0 there are at most
    /// [`MOST_SLOTS_OF_A_FOLD`] results.
    pub(crate) fn fold(items: Items, kind: Kind, chunk: usize) -> Self {
        let slots = if chunk == 0 {
            items.count().min(MOST_SLOTS_OF_A_FOLD)
        } else {
            items.count().div_ceil(chunk)
        };
        Self {
            results: Results::new(kind, slots),
            shape: Shape::Fold,
            slots,
            items,
        }
    }

    /// A map with one result of kind `kind` for each item, which the function sends on when it is written.
    pub(crate) fn stream(items: Items, kind: Kind) -> Self {
        Self {
            shape: Shape::Stream,
            ..Self::map(items, kind)
        }
    }

    pub(crate) fn slots(&self) -> usize {
        self.slots
    }

    pub(crate) fn items(&self) -> usize {
        self.items.count()
    }

    /// The number of slots in a chunk, if the pool asks for `chunk` items; 0 if the size adapts.
    pub(crate) fn slots_per_chunk(&self, chunk: usize) -> usize {
        match self.shape {
            // Each slot already has `chunk` items.
            Shape::Fold => chunk.min(1),
            Shape::Map | Shape::Stream => chunk,
        }
    }

    /// Runs the function on the items of a block.
    ///
    /// # Safety
    ///
    /// No other call has a slot of this block.
    pub(crate) unsafe fn run_items(&self, block: &mut Block<'_>, function: &SliceFn<'_>) {
        let Some(results) = self.results.get() else {
            return;
        };
        let (first, end) = (block.slots.start, block.slots.end);
        let (at, end) = (self.first_item(first), self.first_item(end));
        let mut open = OpenBlock {
            map: self,
            results,
            block,
            slot: first,
            at,
            end,
        };
        while open.at < open.end {
            let (slice_end, slot) = match self.shape {
                Shape::Map => (open.end, open.at),
                Shape::Stream => (open.at + 1, open.at),
                Shape::Fold => (self.first_item(open.slot + 1), open.slot),
            };
            let slice = ItemSlice {
                items: self.items.place(open.at),
                results: results.at(slot),
                count: slice_end - open.at,
                first: open.at,
                pause: (self.shape == Shape::Map).then(|| erase(open.block.should_pause)),
                done: 0,
                is_stopped: false,
            };
            if SliceProgress::run(slice, &mut open, function) {
                open.block.is_stopped = true;
                return;
            }
            open.slot += 1;
            if open.at < open.end && (open.block.should_pause)() {
                open.block.reached = if self.shape == Shape::Fold {
                    open.slot
                } else {
                    open.at
                };
                break;
            }
        }
        std::mem::forget(open);
    }

    /// Returns the results if all exist. Otherwise drops those that exist and the items that were not taken.
    ///
    /// # Safety
    ///
    /// The job has ended with this outcome, so no thread uses items or results any more.
    pub(crate) unsafe fn take_results(&self, outcome: &Outcome) -> Option<Memory> {
        // SAFETY: the caller promises it.
        let results = unsafe { self.results.take() }?;
        if let End::Complete = outcome.end {
            return Some(results);
        }
        for finished in &outcome.finished {
            // SAFETY: the results of finished slots exist, and are dropped only here.
            unsafe { results.drop_range(finished.clone()) };
        }
        // SAFETY: the caller promises it.
        unsafe { self.drop_untaken(outcome) };
        None
    }

    /// Drops the items that were not taken.
    ///
    /// # Safety
    ///
    /// As for [`Self::take_results`].
    pub(crate) unsafe fn drop_untaken(&self, outcome: &Outcome) {
        let mut next = 0;
        for taken in &outcome.taken {
            // SAFETY: the items of a slot are taken together, and those between taken slots were not.
            unsafe {
                self.items
                    .drop_range(next..self.first_item(taken.start).max(next))
            };
            next = self.first_item(taken.end);
        }
        // SAFETY: as above.
        unsafe { self.items.drop_range(next..self.items()) };
    }

    /// The address of a slot.
    pub(crate) fn result_at(&self, slot: usize) -> *mut u8 {
        self.results
            .get()
            .map_or(std::ptr::null_mut(), |results| results.at(slot))
    }

    /// Drops the result in a slot.
    ///
    /// # Safety
    ///
    /// The result exists and is not used again.
    pub(crate) unsafe fn drop_result(&self, slot: usize) {
        if let Some(results) = self.results.get() {
            // SAFETY: the caller promises it.
            unsafe { results.drop_range(slot..slot + 1) };
        }
    }

    fn first_item(&self, slot: usize) -> usize {
        first_item(slot, self.slots, self.items())
    }
}

impl Results {
    fn new(kind: Kind, count: usize) -> Self {
        Self(UnsafeCell::new(Some(Memory::new(kind, count))))
    }

    fn get(&self) -> Option<&Memory> {
        // SAFETY: only `take` changes the cell, when no other reference exists.
        unsafe { (*self.0.get()).as_ref() }
    }

    /// # Safety
    ///
    /// No reference that `get` returned is used any more.
    unsafe fn take(&self) -> Option<Memory> {
        // SAFETY: the caller promises it.
        unsafe { (*self.0.get()).take() }
    }
}

/// A running block. It is forgotten when all its items are done. If a panic or a stop drops it, it drops the results,
/// which will not be read, and the items that were not taken.
struct OpenBlock<'a, 'b, 'c> {
    map: &'a ErasedMap,
    results: &'a Memory,
    block: &'b mut Block<'c>,
    /// The slot that is being filled, and the first item that is not finished.
    slot: usize,
    at: usize,
    /// The end of the block's items.
    end: usize,
}

impl Drop for OpenBlock<'_, '_, '_> {
    fn drop(&mut self) {
        self.block.failed = self.at;
        self.block.failed_value = self.map.items.text(self.at);
        let start = self.block.slots.start;
        let finished = match self.map.shape {
            Shape::Map => start..self.at,
            Shape::Stream => start..start,
            Shape::Fold => start..self.slot,
        };
        // SAFETY: these slots have results, which are not read because the block failed. The results of a stream were
        // sent already. The accumulator of the slot that panicked was dropped by unwinding.
        unsafe { self.results.drop_range(finished) };
        // SAFETY: the item at `at` was moved into the function; those after it were not taken.
        unsafe {
            self.map
                .items
                .drop_range((self.at + 1).min(self.end)..self.end)
        };
    }
}

/// Adds the finished items of a slice to the block, even if the function panics.
struct SliceProgress<'a, 'b, 'c, 'd> {
    slice: ItemSlice,
    open: &'a mut OpenBlock<'b, 'c, 'd>,
}

impl<'a, 'b, 'c, 'd> SliceProgress<'a, 'b, 'c, 'd> {
    /// Returns whether the function stopped.
    fn run(slice: ItemSlice, open: &'a mut OpenBlock<'b, 'c, 'd>, function: &SliceFn<'_>) -> bool {
        let mut progress = Self { slice, open };
        function(&mut progress.slice);
        progress.slice.is_stopped
    }
}

impl Drop for SliceProgress<'_, '_, '_, '_> {
    fn drop(&mut self) {
        self.open.at += self.slice.done;
    }
}

/// Removes a lifetime: a slice has none, so that cells compile less.
fn erase<'a>(pause: &'a (dyn Fn() -> bool + 'a)) -> NonNull<dyn Fn() -> bool> {
    let pause: NonNull<dyn Fn() -> bool + 'a> = NonNull::from(pause);
    // SAFETY: the same fat pointer; `run_items` drops the slice before the block that it points into.
    unsafe { std::mem::transmute(pause) }
}
