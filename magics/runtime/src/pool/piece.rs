//! Some items of a map, and the loops over them: all that a cell compiles of a map's work.

use std::ptr::NonNull;

use super::items::Place;

/// How many items a loop does between looks at whether to go on: what an interrupt waits for when items
/// suddenly turn slow. Measured: longer stretches make cheap items slower, not faster.
const STRETCH: usize = 512;

/// What a cell compiles.
pub(super) type PieceFn<'a> = dyn Fn(&mut Piece) + Sync + 'a;

/// The same for work in the background.
pub(super) type OwnedPieceFn = dyn Fn(&mut Piece) + Send + Sync;

/// Some items, and where their results go.
pub struct Piece {
    pub(super) items: Place,
    pub(super) results: *mut u8,
    pub(super) count: usize,
    /// The index of the first item.
    pub(super) first: usize,
    /// Whether the function may return before all items are done, when [`Piece::next_stretch`] says so.
    pub(super) pause: Option<NonNull<dyn Fn() -> bool>>,
    /// Set by the function: how many items it has finished.
    pub(super) done: usize,
    /// Set by the function: it stopped at the item behind the finished ones, which it has consumed.
    pub(super) is_stopped: bool,
}

impl Piece {
    /// Calls `f` for each item and writes the results down.
    ///
    /// # Safety
    ///
    /// The work's items are of type `T`, its results of type `R`, and this is its only function.
    #[inline]
    pub(super) unsafe fn map<T, R>(&mut self, f: impl Fn(T) -> R) {
        let (mut items, results) = (self.items, self.results.cast::<R>());
        let mut done = Done {
            count: 0,
            piece: self,
        };
        loop {
            let end = done.piece.next_stretch(done.count);
            if done.count == end {
                return;
            }
            while done.count < end {
                // SAFETY: a piece has `count` items, each taken once, and room for as many results.
                unsafe { results.add(done.count).write(f(items.take_next())) };
                done.count += 1;
            }
        }
    }

    /// Like [`Self::map`], but stops at an item for which `f` returns nothing. `f` is told its index.
    ///
    /// # Safety
    ///
    /// As for [`Self::map`].
    #[inline]
    pub(super) unsafe fn try_map<T, R>(&mut self, f: impl Fn(usize, T) -> Option<R>) {
        let (mut items, results) = (self.items, self.results.cast::<R>());
        let mut done = Done {
            count: 0,
            piece: self,
        };
        while done.count < done.piece.next_stretch(done.count) {
            // SAFETY: as for `map`.
            match f(done.piece.first + done.count, unsafe { items.take_next() }) {
                // SAFETY: as for `map`.
                Some(result) => unsafe { results.add(done.count).write(result) },
                None => {
                    done.piece.is_stopped = true;
                    return;
                }
            }
            done.count += 1;
        }
    }

    /// Calls `step` with an accumulator and each item, and writes the accumulator down.
    ///
    /// # Safety
    ///
    /// As for [`Self::map`], with a fold's work.
    #[inline]
    pub(super) unsafe fn fold<T, A>(&mut self, new: impl Fn() -> A, step: impl Fn(&mut A, T)) {
        let (mut items, result) = (self.items, self.results.cast::<A>());
        let mut sum = new();
        let mut done = Done {
            count: 0,
            piece: self,
        };
        while done.count < done.piece.count {
            // SAFETY: a piece has `count` items, each taken once.
            step(&mut sum, unsafe { items.take_next() });
            done.count += 1;
        }
        drop(done);
        // SAFETY: the slot of the part that these items are.
        unsafe { result.write(sum) };
    }

    /// How far to go before asking again; `done` itself when the rest is not to be done now.
    fn next_stretch(&self, done: usize) -> usize {
        // SAFETY: it points into the block, which outlives its pieces.
        let should_pause = || self.pause.is_some_and(|pause| unsafe { pause.as_ref()() });
        if done > 0 && should_pause() {
            done
        } else {
            self.count.min(done + STRETCH)
        }
    }
}

/// Tells how many items are finished, also after a panic. It keeps the count out of memory meanwhile.
struct Done<'a> {
    count: usize,
    piece: &'a mut Piece,
}

impl Drop for Done<'_> {
    #[inline]
    fn drop(&mut self) {
        self.piece.done = self.count;
    }
}
