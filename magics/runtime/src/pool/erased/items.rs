//! The items of a map: a range of integers, or values in memory.
//!
//! The integers of a range are never stored: they are made when a block runs. Everything else is collected first. Few
//! functions here are generic, because each cell compiles those.
//!
//! This module starts no thread. The only code of the user that it runs are iterators and destructors.

use std::any::TypeId;
use std::hint::unreachable_unchecked;
use std::mem::{ManuallyDrop, transmute_copy};
use std::ops::{Range, RangeInclusive};

use super::memory::{Kind, Memory};

/// The longest text of an item, in characters.
const LONGEST_TEXT: usize = 60;

/// The items of one map, in order. It owns those that were not taken from their [`Place`].
pub struct Items {
    source: Source,
    count: usize,
    /// The type of the items.
    id: TypeId,
}

enum Source {
    /// Consecutive integers. `first` has the bits of the first one, in two's complement.
    Integers {
        first: u128,
    },
    Memory(Memory),
}

/// The position of the next item. Small, so that a loop can keep it in registers.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The low and the high half of the bits of the next integer. A loop counts in the low half only, so that the
    /// compiler can vectorise it.
    Integers(u64, u64),
    Memory(*const u8),
}

impl Place {
    fn of_integers(first: u128) -> Self {
        Self::Integers(first as u64, (first >> 64) as u64)
    }

    /// Takes the next item out.
    ///
    /// # Safety
    ///
    /// The items have type `T`, and there is another one, which was not taken.
    #[inline]
    pub(crate) unsafe fn take_next<T>(&mut self) -> T {
        match self {
            Self::Memory(next) => {
                let item = next.cast::<T>();
                *next = item.wrapping_add(1).cast();
                // SAFETY: the caller promises it.
                unsafe { item.read() }
            }
            Self::Integers(low, high) => {
                let integer = *low;
                *low = integer.wrapping_add(1);
                // The width is known at compile time, so that the compiler can vectorise loops.
                match const { size_of::<T>() } {
                    // SAFETY: `T` is an integer of this size, for which all bits are valid.
                    1 => unsafe { transmute_copy(&(integer as u8)) },
                    // SAFETY: as above.
                    2 => unsafe { transmute_copy(&(integer as u16)) },
                    // SAFETY: as above.
                    4 => unsafe { transmute_copy(&(integer as u32)) },
                    // SAFETY: as above.
                    8 => unsafe { transmute_copy(&integer) },
                    16 => {
                        let whole = u128::from(*high) << 64 | u128::from(integer);
                        *high = high.wrapping_add(u64::from(*low == 0));
                        // SAFETY: as above.
                        unsafe { transmute_copy(&whole) }
                    }
                    // SAFETY: no integer has another size.
                    _ => unsafe { unreachable_unchecked() },
                }
            }
        }
    }
}

impl Items {
    /// Makes items from a collection. Ranges of integers and vectors are used as they are; anything else is collected.
    #[inline]
    pub(crate) fn of<I: IntoIterator>(items: I) -> Self {
        // Ranges have no destructor and vectors have one, so only one of the two branches is compiled.
        if const { !std::mem::needs_drop::<I>() } {
            // SAFETY: the address is that of a value of the type that the id names.
            let range = unsafe { Self::of_range(typeid::of::<I>(), (&raw const items).cast()) };
            if let Some(items) = range {
                return items;
            }
        } else if const { size_of::<I>() == size_of::<Vec<I::Item>>() }
            && typeid::of::<I>() == typeid::of::<Vec<I::Item>>()
        {
            // SAFETY: both are the same type. An id ignores lifetimes, but the item type of a vector, lifetimes
            // included, is its parameter. The original is not used again.
            let items = unsafe {
                (&raw const *ManuallyDrop::new(items))
                    .cast::<Vec<I::Item>>()
                    .read()
            };
            let (memory, count) = Memory::from_vec(items);
            return Self {
                source: Source::Memory(memory),
                count,
                id: typeid::of::<I::Item>(),
            };
        }
        let items = items.into_iter();
        let mut collected = Collected::new(Kind::of::<I::Item>(), items.size_hint().0);
        for item in items {
            if collected.count == collected.room {
                collected.grow();
            }
            let slot = collected
                .start
                .cast::<I::Item>()
                .wrapping_add(collected.count);
            // SAFETY: the memory was made for items of this kind and has room for one more.
            unsafe { slot.write(item) };
            collected.count += 1;
        }
        collected.finish(typeid::of::<I::Item>())
    }

    /// Makes one item without a value, for a single call.
    pub(crate) fn one() -> Self {
        Self {
            source: Source::Memory(Memory::new(Kind::of::<()>(), 1)),
            count: 1,
            id: TypeId::of::<()>(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Returns the memory of the items for results of another kind, if they fit there. This saves a map half of its
    /// memory. A result must not be written before its item was taken, and the memory must not be dropped before the
    /// items.
    pub(crate) fn give_room(&mut self, kind: Kind) -> Option<Memory> {
        match &mut self.source {
            Source::Memory(memory) => memory.give_room(kind),
            Source::Integers { .. } => None,
        }
    }

    /// The place of the items from `index` on. The caller owns an item after taking it.
    pub(crate) fn place(&self, index: usize) -> Place {
        match &self.source {
            Source::Memory(memory) => Place::Memory(memory.at(index)),
            Source::Integers { first } => Place::of_integers(first.wrapping_add(index as u128)),
        }
    }

    /// Writes an item as text, even after it was taken, if it is a number, a character, a boolean, or a reference to
    /// one or to text: these types are `Copy`, and their `Debug` is known here. `None` for any other type.
    pub(crate) fn text(&self, index: usize) -> Option<String> {
        if index >= self.count {
            return None;
        }
        let mut place = self.place(index);
        macro_rules! try_types {
            ($($copied:ty)*) => { $(
                if self.id == typeid::of::<$copied>() {
                    // SAFETY: the id is that of the type of the items, except for lifetimes, and what they refer to
                    // lives as long as they do. The type is `Copy`: a taken item is still there.
                    return Some(shortened(format!("{:?}", unsafe { place.take_next::<$copied>() })));
                }
            )* };
        }
        try_types!(i32 usize i64 u64 u32 u8 i8 i16 u16 isize u128 i128 f64 f32 bool char);
        try_types!(
            &i32 & usize
                & i64
                & u64
                & u32
                & u8
                & i8
                & i16
                & u16
                & isize
                & u128
                & i128
                & f64
                & f32
                & bool
                & char
        );
        try_types!(&str && str & String);
        None
    }

    /// Drops items.
    ///
    /// # Safety
    ///
    /// `range` lies within the count, and no item in it was taken.
    pub(crate) unsafe fn drop_range(&self, range: Range<usize>) {
        if let Source::Memory(memory) = &self.source {
            // SAFETY: the caller promises it; all items exist until they are taken.
            unsafe { memory.drop_range(range) };
        }
    }

    /// The integers of a range, if `id` is the type of one.
    ///
    /// # Safety
    ///
    /// `address` points to a value of the type that `id` names.
    unsafe fn of_range(id: TypeId, address: *const u8) -> Option<Self> {
        macro_rules! try_widths {
            ($($integer:ty)*) => { $(
                if id == TypeId::of::<Range<$integer>>() {
                    // SAFETY: the caller promises the type, which has no lifetime that the id could ignore.
                    let range = unsafe { &*address.cast::<Range<$integer>>() };
                    let bounds = (!range.is_empty()).then_some((range.start as u128, range.end as u128));
                    return Some(Self::integers(bounds, 0, TypeId::of::<$integer>()));
                }
                if id == TypeId::of::<RangeInclusive<$integer>>() {
                    // SAFETY: as above.
                    let range = unsafe { &*address.cast::<RangeInclusive<$integer>>() };
                    let bounds = (!range.is_empty()).then_some((*range.start() as u128, *range.end() as u128));
                    return Some(Self::integers(bounds, 1, TypeId::of::<$integer>()));
                }
            )* };
        }
        try_widths!(i32 usize i64 u64 u32 u8 i8 i16 u16 isize u128 i128);
        None
    }

    /// * `bounds`: the first and last integer, sign-extended; `None` for an empty range.
    /// * `more`: 1 if the last one is included, else 0.
    /// * `id`: the type of the integers.
    fn integers(bounds: Option<(u128, u128)>, more: u128, id: TypeId) -> Self {
        // With sign extension the difference is right for negative bounds, too.
        let count = bounds.map_or(0, |(first, last)| {
            last.wrapping_sub(first).saturating_add(more)
        });
        let count = usize::try_from(count)
            .unwrap_or_else(|_| panic!("{count} items are more than this machine can count"));
        let first = bounds.map_or(0, |(first, _)| first);
        Self {
            source: Source::Integers { first },
            count,
            id,
        }
    }
}

/// Cuts long text, which would hide the rest of a message.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Items that are being collected. Drops them if the iterator panics.
struct Collected {
    memory: Option<Memory>,
    /// The begin of the memory, and the number of items for which it has room.
    start: *mut u8,
    room: usize,
    count: usize,
}

impl Collected {
    fn new(kind: Kind, capacity: usize) -> Self {
        let memory = Memory::new(kind, capacity);
        Self {
            start: memory.at(0),
            room: capacity,
            memory: Some(memory),
            count: 0,
        }
    }

    /// Makes room for more.
    #[cold]
    fn grow(&mut self) {
        let memory = self
            .memory
            .as_mut()
            .expect("the memory stays until all items are in");
        self.room = (self.count * 2).max(16);
        memory.grow(self.room);
        self.start = memory.at(0);
    }

    fn finish(mut self, id: TypeId) -> Items {
        let memory = self
            .memory
            .take()
            .expect("the memory stays until all items are in");
        Items {
            source: Source::Memory(memory),
            count: self.count,
            id,
        }
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            // SAFETY: the first `count` items are written, and they are used only here.
            unsafe { memory.drop_range(0..self.count) };
        }
    }
}
