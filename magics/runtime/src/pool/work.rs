//! The work of a map without its types: items, results, and a function that a cell has compiled.
//!
//! A map has one result for each item, a fold one for each part of the items. The cell's function is
//! given a [`Piece`] at a time: some items, and where their results go. Everything around it, what is
//! left after a panic included, is here and compiled once.

use std::cell::UnsafeCell;
use std::ptr::NonNull;

use super::Pool;
use super::items::Items;
use super::job::Block;
use super::memory::{Kind, Memory};
use super::outcome::{End, Outcome, first_item};
use super::piece::{Piece, PieceFn};

/// Into how many parts a reduction is cut at most: enough for any number of workers, and few enough
/// that their results cost nothing. Fixed, so that sums of floats do not depend on the machine.
const MOST_PARTS: usize = 8192;

/// Items, room for results, and which belong to which.
pub(super) struct Work {
    items: Items,
    results: Results,
    shape: Shape,
    /// How many results there are.
    parts: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// One result for each item.
    Map,
    /// The same, but a result belongs to the function as soon as it is written. Pieces are single items.
    Stream,
    /// One result for each part of the items.
    Fold,
}

/// The room can be taken out when the job has ended.
struct Results(UnsafeCell<Option<Memory>>);

// SAFETY: the memory is shared for writing to disjoint slots; it is taken out by `take`, whose callers
// promise that nobody uses it any more.
unsafe impl Sync for Results {}

impl Work {
    /// One result of kind `kind` for each item, in the item's place where it fits.
    pub(super) fn map(mut items: Items, kind: Kind) -> Self {
        let parts = items.count();
        let room = items.give_room(kind);
        Self {
            results: Results(UnsafeCell::new(Some(
                room.unwrap_or_else(|| Memory::new(kind, parts)),
            ))),
            shape: Shape::Map,
            parts,
            items,
        }
    }

    /// One result of kind `kind` for each part; parts of `chunk` items, or, with 0, as many as are good.
    pub(super) fn fold(items: Items, kind: Kind, chunk: usize) -> Self {
        let parts = if chunk == 0 {
            items.count().min(MOST_PARTS)
        } else {
            items.count().div_ceil(chunk)
        };
        Self {
            results: Results::new(kind, parts),
            shape: Shape::Fold,
            parts,
            items,
        }
    }

    /// One result of kind `kind` for each item, which the function gives away when it is there.
    pub(super) fn stream(items: Items, kind: Kind) -> Self {
        Self {
            shape: Shape::Stream,
            ..Self::map(items, kind)
        }
    }

    pub(super) fn parts(&self) -> usize {
        self.parts
    }

    pub(super) fn items(&self) -> usize {
        self.items.count()
    }

    /// Runs this work on a pool to its end. Returns the results; nothing if the function stopped.
    #[track_caller]
    pub(super) fn run(self, pool: Pool, verb: &str, function: &PieceFn<'_>) -> Option<Memory> {
        let chunk = if self.shape == Shape::Fold {
            pool.chunk.min(1)
        } else {
            pool.chunk
        };
        let outcome = pool.run(self.parts, self.items(), chunk, &|block: &mut Block<'_>| {
            // SAFETY: a job hands each unit out once.
            unsafe { self.run_block(block, function) };
        });
        // SAFETY: the job has ended, so nobody uses results any more.
        let results = unsafe { self.take_results(&outcome) };
        if results.is_none() {
            let items = self.items();
            drop(self);
            pool.fail(verb, items, outcome);
        }
        results
    }

    /// The same for a function that never stops by itself.
    #[track_caller]
    pub(super) fn run_all(self, pool: Pool, verb: &str, function: &PieceFn<'_>) -> Memory {
        self.run(pool, verb, function)
            .expect("a map that neither stops nor fails has all its results")
    }

    /// Runs the function on the items of a block of units.
    ///
    /// # Safety
    ///
    /// No other call is given any of the block's units.
    pub(super) unsafe fn run_block(&self, block: &mut Block<'_>, function: &PieceFn<'_>) {
        let Some(results) = self.results.get() else {
            return;
        };
        let (first, end) = (block.units.start, block.units.end);
        let (at, end) = (self.first_item(first), self.first_item(end));
        let mut rest = Rest {
            work: self,
            results,
            block,
            part: first,
            at,
            end,
        };
        while rest.at < rest.end {
            let (piece_end, slot) = match self.shape {
                Shape::Map => (rest.end, rest.at),
                Shape::Stream => (rest.at + 1, rest.at),
                Shape::Fold => (self.first_item(rest.part + 1), rest.part),
            };
            let piece = Piece {
                items: self.items.place(rest.at),
                results: results.at(slot),
                count: piece_end - rest.at,
                first: rest.at,
                pause: (self.shape == Shape::Map).then(|| erase(rest.block.should_pause)),
                done: 0,
                is_stopped: false,
            };
            if Progress::run(piece, &mut rest, function) {
                rest.block.is_stopped = true;
                return;
            }
            rest.part += 1;
            if rest.at < rest.end && (rest.block.should_pause)() {
                rest.block.reached = if self.shape == Shape::Fold {
                    rest.part
                } else {
                    rest.at
                };
                break;
            }
        }
        std::mem::forget(rest);
    }

    /// The results, if all exist. Otherwise drops those that do, and the items that nobody took.
    ///
    /// # Safety
    ///
    /// The job has ended with this outcome: nobody uses items or results any more.
    pub(super) unsafe fn take_results(&self, outcome: &Outcome) -> Option<Memory> {
        // SAFETY: the caller's promise.
        let results = unsafe { self.results.take() }?;
        if let End::Complete = outcome.end {
            return Some(results);
        }
        for finished in &outcome.finished {
            // SAFETY: the results of finished units exist, and nobody else drops them.
            unsafe { results.drop_range(finished.clone()) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.drop_untaken(outcome) };
        None
    }

    /// Drops the items that nobody took.
    ///
    /// # Safety
    ///
    /// As for [`Self::take_results`].
    pub(super) unsafe fn drop_untaken(&self, outcome: &Outcome) {
        let mut next = 0;
        for taken in &outcome.taken {
            // SAFETY: items are given away by units, and those between taken units were not.
            unsafe {
                self.items
                    .drop_range(next..self.first_item(taken.start).max(next))
            };
            next = self.first_item(taken.end);
        }
        // SAFETY: as above.
        unsafe { self.items.drop_range(next..self.items()) };
    }

    /// Where the result of a unit lies.
    pub(super) fn result_at(&self, unit: usize) -> *mut u8 {
        self.results
            .get()
            .map_or(std::ptr::null_mut(), |results| results.at(unit))
    }

    /// Drops the result of a unit.
    ///
    /// # Safety
    ///
    /// It exists and nobody uses it any more.
    pub(super) unsafe fn drop_result(&self, unit: usize) {
        if let Some(results) = self.results.get() {
            // SAFETY: the caller's promise.
            unsafe { results.drop_range(unit..unit + 1) };
        }
    }

    fn first_item(&self, part: usize) -> usize {
        first_item(part, self.parts, self.items())
    }
}

impl Results {
    fn new(kind: Kind, count: usize) -> Self {
        Self(UnsafeCell::new(Some(Memory::new(kind, count))))
    }

    fn get(&self) -> Option<&Memory> {
        // SAFETY: only `take` changes the cell, when nobody has a reference.
        unsafe { (*self.0.get()).as_ref() }
    }

    /// # Safety
    ///
    /// Nobody uses what `get` returned any more.
    unsafe fn take(&self) -> Option<Memory> {
        // SAFETY: the caller's promise.
        unsafe { (*self.0.get()).take() }
    }
}

/// What a panic or a stop leaves of a block: results that will never be asked for, and items.
struct Rest<'a, 'b, 'c> {
    work: &'a Work,
    results: &'a Memory,
    block: &'b mut Block<'c>,
    /// The unit that runs, and its first item that is not finished.
    part: usize,
    at: usize,
    /// The end of the block's items.
    end: usize,
}

impl Drop for Rest<'_, '_, '_> {
    fn drop(&mut self) {
        self.block.failed = self.at;
        self.block.failed_value = self.work.items.text(self.at);
        let start = self.block.units.start;
        let finished = match self.work.shape {
            Shape::Map => start..self.at,
            Shape::Stream => start..start,
            Shape::Fold => start..self.part,
        };
        // SAFETY: these have results, and a failed block's are nobody's; those of a stream are given
        // away. The part of a fold that panicked has dropped its own.
        unsafe { self.results.drop_range(finished) };
        // SAFETY: the item at `at` was moved into the function; those behind it were not touched.
        unsafe {
            self.work
                .items
                .drop_range((self.at + 1).min(self.end)..self.end)
        };
    }
}

/// Carries a piece's count over to the block, also when the function panics.
struct Progress<'a, 'b, 'c, 'd> {
    piece: Piece,
    rest: &'a mut Rest<'b, 'c, 'd>,
}

impl<'a, 'b, 'c, 'd> Progress<'a, 'b, 'c, 'd> {
    /// Returns whether the function stopped.
    fn run(piece: Piece, rest: &'a mut Rest<'b, 'c, 'd>, function: &PieceFn<'_>) -> bool {
        let mut progress = Self { piece, rest };
        function(&mut progress.piece);
        progress.piece.is_stopped
    }
}

impl Drop for Progress<'_, '_, '_, '_> {
    fn drop(&mut self) {
        self.rest.at += self.piece.done;
    }
}

/// Forgets a lifetime: a piece has none, so that cells compile less.
fn erase<'a>(pause: &'a (dyn Fn() -> bool + 'a)) -> NonNull<dyn Fn() -> bool> {
    let pause: NonNull<dyn Fn() -> bool + 'a> = NonNull::from(pause);
    // SAFETY: the same fat pointer; `run_block` drops the piece before the block that it points into.
    unsafe { std::mem::transmute(pause) }
}
