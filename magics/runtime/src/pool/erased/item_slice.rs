//! Consecutive items of a map, and the loops over them. Of the work of a map, a cell compiles only these loops.

use std::ptr::NonNull;

use super::items::Place;

/// How many items a loop runs before it asks whether to go on. If items suddenly become slow, an interrupt waits for
/// this many. A higher number was measured to make cheap items slower, not faster.
const ITEMS_BETWEEN_CHECKS: usize = 512;

/// The function of a map that a cell compiles.
pub(crate) type SliceFn<'a> = dyn Fn(&mut ItemSlice) + Sync + 'a;

/// The function of a map in the background, which outlives the call that starts it.
pub(crate) type OwnedSliceFn = dyn Fn(&mut ItemSlice) + Send + Sync;

/// Consecutive items, and the memory of their results.
pub struct ItemSlice {
    pub(crate) items: Place,
    pub(crate) results: *mut u8,
    pub(crate) count: usize,
    /// The index of the first item.
    pub(crate) first: usize,
    /// Returns whether the function should return before all items are done. `None` means never.
    pub(crate) pause: Option<NonNull<dyn Fn() -> bool>>,
    /// Set by the function: the number of finished items.
    pub(crate) done: usize,
    /// Set by the function: it consumed the item after the finished ones and stopped there.
    pub(crate) is_stopped: bool,
}

impl ItemSlice {
    /// Calls `f` for each item and writes the results to their memory.
    ///
    /// # Safety
    ///
    /// The map's items are of type `T`, its results of type `R`, and this is its only function.
    #[inline]
    pub(crate) unsafe fn map<T, R>(&mut self, f: impl Fn(T) -> R) {
        let (mut items, results) = (self.items, self.results.cast::<R>());
        let mut done = Done {
            count: 0,
            slice: self,
        };
        loop {
            let end = done.slice.next_check(done.count);
            if done.count == end {
                return;
            }
            while done.count < end {
                // SAFETY: a slice has `count` items, each taken once, and memory for the same number of results.
                unsafe { results.add(done.count).write(f(items.take_next())) };
                done.count += 1;
            }
        }
    }

    /// Like [`Self::map`], but stops at an item for which `f` returns `None`. `f` also gets the index of the item.
    ///
    /// # Safety
    ///
    /// As for [`Self::map`].
    #[inline]
    pub(crate) unsafe fn try_map<T, R>(&mut self, f: impl Fn(usize, T) -> Option<R>) {
        let (mut items, results) = (self.items, self.results.cast::<R>());
        let mut done = Done {
            count: 0,
            slice: self,
        };
        while done.count < done.slice.next_check(done.count) {
            // SAFETY: as for `map`.
            match f(done.slice.first + done.count, unsafe { items.take_next() }) {
                // SAFETY: as for `map`.
                Some(result) => unsafe { results.add(done.count).write(result) },
                None => {
                    done.slice.is_stopped = true;
                    return;
                }
            }
            done.count += 1;
        }
    }

    /// Calls `step` with an accumulator and each item, and writes the accumulator to the memory of the result.
    ///
    /// # Safety
    ///
    /// As for [`Self::map`], for a reduction: the slice has exactly the items of one slot.
    #[inline]
    pub(crate) unsafe fn fold<T, A>(&mut self, new: impl Fn() -> A, step: impl Fn(&mut A, T)) {
        let (mut items, result) = (self.items, self.results.cast::<A>());
        let mut sum = new();
        let mut done = Done {
            count: 0,
            slice: self,
        };
        while done.count < done.slice.count {
            // SAFETY: a slice has `count` items, each taken once.
            step(&mut sum, unsafe { items.take_next() });
            done.count += 1;
        }
        drop(done);
        // SAFETY: this is the slot of these items.
        unsafe { result.write(sum) };
    }

    /// The number of finished items at which to ask again; `done` itself if the function should return now.
    fn next_check(&self, done: usize) -> usize {
        // SAFETY: it points into the block, which outlives its slices.
        let should_pause = || self.pause.is_some_and(|pause| unsafe { pause.as_ref()() });
        if done > 0 && should_pause() {
            done
        } else {
            self.count.min(done + ITEMS_BETWEEN_CHECKS)
        }
    }
}

/// Records the number of finished items when it is dropped, even by a panic. Until then the count can stay in a
/// register.
struct Done<'a> {
    count: usize,
    slice: &'a mut ItemSlice,
}

impl Drop for Done<'_> {
    #[inline]
    fn drop(&mut self) {
        self.slice.done = self.count;
    }
}
