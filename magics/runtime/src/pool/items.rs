//! Where the items of a map come from: a range of integers, or values in memory.
//!
//! A range is never written out: each block's items are made when the block runs. Everything else is
//! collected first. The generic part is small on purpose, because each cell compiles it anew; filling
//! a buffer with integers is compiled once, here.
//!
//! This module starts no thread and calls none of the caller's functions.

use std::any::TypeId;
use std::mem::MaybeUninit;
use std::ops::{Range, RangeInclusive};

/// The items of one map, owned.
pub(super) struct Supply<T> {
    source: Source,
    count: usize,
    /// Holds the memory that `source` points to. Its length is 0: whoever reads an item owns it.
    memory: Vec<T>,
}

/// The same without the type of the items.
#[derive(Clone, Copy)]
enum Source {
    Integers(Integers),
    Memory(*const u8),
}

/// Consecutive integers, as the two's complement bits of the first.
#[derive(Clone, Copy)]
pub(super) struct Integers {
    first: u128,
    bytes: u8,
}

/// Room for a block's worth of integers of any width.
pub(super) type Buffer = [MaybeUninit<u128>; BUFFER_ITEMS];

const BUFFER_ITEMS: usize = 64;

// SAFETY: sharing a supply shares nothing but the right to take items out, each once (see `take`),
// on whatever thread, which is what `T: Send` allows.
unsafe impl<T: Send> Sync for Supply<T> {}
// SAFETY: the pointer in `source` points into `memory`, which moves along.
unsafe impl<T: Send> Send for Supply<T> {}

impl<T> Supply<T> {
    pub(super) fn new<I: IntoIterator<Item = T>>(items: I) -> Self {
        // No range has a destructor: for a `Vec` the branch and its code vanish.
        if !std::mem::needs_drop::<I>() {
            let address = (&raw const items).cast::<u8>();
            // SAFETY: `address` points to a value of the type that the id names.
            if let Some((integers, count)) = unsafe { integers_of(typeid::of::<I>(), address) } {
                return Self {
                    source: Source::Integers(integers),
                    count,
                    memory: Vec::new(),
                };
            }
        }
        let mut memory: Vec<T> = items.into_iter().collect();
        let count = memory.len();
        // SAFETY: 0 is within the capacity, and no element needs to be initialised for it.
        unsafe { memory.set_len(0) };
        Self {
            source: Source::Memory(memory.as_ptr().cast()),
            count,
            memory,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Takes the items of `range` out, in order, and hands each to `step` with its index, while that
    /// returns true.
    ///
    /// When `step` panics or returns false, the rest of the range is dropped and `failed` set to the
    /// item's index. Returns whether all went through.
    ///
    /// # Safety
    ///
    /// `range` lies within the count, and no item of it is taken or dropped by another call.
    #[inline]
    pub(super) unsafe fn take(
        &self,
        range: Range<usize>,
        failed: &mut usize,
        mut step: impl FnMut(usize, T) -> bool,
    ) -> bool {
        let mut rest = Rest {
            supply: self,
            at: range.start,
            end: range.end,
            failed,
        };
        let mut buffer: Buffer = [const { MaybeUninit::uninit() }; BUFFER_ITEMS];
        while rest.at < rest.end {
            let (items, count) = self.fetch(rest.at..rest.end, &mut buffer);
            for index in 0..count {
                // SAFETY: `fetch` returned `count` values of T, and each is read once.
                if !step(rest.at, unsafe { items.add(index).read() }) {
                    return false;
                }
                rest.at += 1;
            }
        }
        std::mem::forget(rest);
        true
    }

    /// Drops the items that no block has taken. `taken` is sorted and disjoint.
    pub(super) fn drop_untaken(&self, taken: &[Range<usize>]) {
        let ends = taken.iter().map(|range| range.start).chain([self.count]);
        let starts = [0].into_iter().chain(taken.iter().map(|range| range.end));
        for (start, end) in starts.zip(ends) {
            self.drop_range(start..end.max(start));
        }
    }

    fn drop_range(&self, range: Range<usize>) {
        if let (true, Source::Memory(_)) = (std::mem::needs_drop::<T>(), self.source) {
            let first = self.memory.as_ptr().cast_mut();
            let range =
                std::ptr::slice_from_raw_parts_mut(first.wrapping_add(range.start), range.len());
            // SAFETY: the callers own these items, which were initialised by `new` and not taken since.
            unsafe { std::ptr::drop_in_place(range) };
        }
    }

    #[inline]
    fn fetch(&self, range: Range<usize>, buffer: &mut Buffer) -> (*const T, usize) {
        let (items, count) = fetch(&self.source, size_of::<T>(), range, buffer);
        (items.cast(), count)
    }
}

/// What a panic or a stop leaves of a block's items.
struct Rest<'a, T> {
    supply: &'a Supply<T>,
    at: usize,
    end: usize,
    failed: &'a mut usize,
}

impl<T> Drop for Rest<'_, T> {
    fn drop(&mut self) {
        *self.failed = self.at;
        // The item at `at` was moved into the function that ended the block.
        self.supply
            .drop_range((self.at + 1).min(self.end)..self.end);
    }
}

/// Where the first items of `range` lie, and how many.
fn fetch(
    source: &Source,
    size: usize,
    range: Range<usize>,
    buffer: &mut Buffer,
) -> (*const u8, usize) {
    match source {
        Source::Memory(base) => (base.wrapping_add(range.start * size), range.len()),
        Source::Integers(integers) => {
            let count = range.len().min(BUFFER_ITEMS);
            let first = integers.first.wrapping_add(range.start as u128);
            match integers.bytes {
                1 => fill(buffer, count, |index| {
                    (first as u8).wrapping_add(index as u8)
                }),
                2 => fill(buffer, count, |index| {
                    (first as u16).wrapping_add(index as u16)
                }),
                4 => fill(buffer, count, |index| {
                    (first as u32).wrapping_add(index as u32)
                }),
                8 => fill(buffer, count, |index| {
                    (first as u64).wrapping_add(index as u64)
                }),
                _ => fill(buffer, count, |index| first.wrapping_add(index as u128)),
            }
            (buffer.as_ptr().cast(), count)
        }
    }
}

/// Writes `count` integers, at most [`BUFFER_ITEMS`], one behind the other.
#[inline]
fn fill<T>(buffer: &mut Buffer, count: usize, value: impl Fn(usize) -> T) {
    const { assert!(size_of::<T>() <= size_of::<u128>() && align_of::<T>() <= align_of::<u128>()) };
    let slots = buffer.as_mut_ptr().cast::<T>();
    for index in 0..count.min(BUFFER_ITEMS) {
        // SAFETY: the buffer holds BUFFER_ITEMS values of 16 bytes, and a T is no larger nor more aligned.
        unsafe { slots.add(index).write(value(index)) };
    }
}

/// The integers of a range, if `id` is the type of one, and how many there are.
///
/// # Safety
///
/// `address` points to a value of the type that `id` names.
unsafe fn integers_of(id: TypeId, address: *const u8) -> Option<(Integers, usize)> {
    macro_rules! try_widths {
        ($($integer:ty)*) => { $(
            if id == TypeId::of::<Range<$integer>>() {
                // SAFETY: the caller promises the type; it has no lifetime that the id could hide.
                let range = unsafe { &*address.cast::<Range<$integer>>() };
                return Some(integers(range.start as u128, range.end as u128, size_of::<$integer>(), range.is_empty(), false));
            }
            if id == TypeId::of::<RangeInclusive<$integer>>() {
                // SAFETY: as above.
                let range = unsafe { &*address.cast::<RangeInclusive<$integer>>() };
                return Some(integers(*range.start() as u128, *range.end() as u128, size_of::<$integer>(), range.is_empty(), true));
            }
        )* };
    }
    try_widths!(i32 usize i64 u64 u32 u8 i8 i16 u16 isize u128 i128);
    None
}

fn integers(
    first: u128,
    end: u128,
    bytes: usize,
    is_empty: bool,
    is_inclusive: bool,
) -> (Integers, usize) {
    // Sign extension makes the difference right for negative bounds, too.
    let count = if is_empty {
        0
    } else {
        end.wrapping_sub(first).saturating_add(is_inclusive as u128)
    };
    let count = usize::try_from(count)
        .unwrap_or_else(|_| panic!("{count} items are more than this machine can count"));
    // At most 16: the width of the widest integer.
    (
        Integers {
            first,
            bytes: bytes as u8,
        },
        count,
    )
}
