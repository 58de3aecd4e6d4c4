//! Memory for values of a type that only the cell knows, so that the code that handles the memory is compiled once.
//!
//! The only code of the user that this module runs are destructors.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::ptr::NonNull;

/// What is needed to move and drop values of a type.
#[derive(Clone, Copy)]
pub struct Kind {
    pub(crate) size: usize,
    align: usize,
    /// Drops a number of values that begin at an address. `None` for types without a destructor.
    drop: Option<unsafe fn(*mut u8, usize)>,
}

/// Memory for values. It does not own the values: the code that writes and reads them knows which exist.
pub struct Memory {
    kind: Kind,
    start: NonNull<u8>,
    capacity: usize,
    /// Whether another `Memory` frees it.
    is_lent: bool,
}

// SAFETY: a `Memory` owns no values; the functions that move values through it between threads require `Send`.
unsafe impl Send for Memory {}
// SAFETY: as above; only one thread at a time writes or reads a slot, see `ErasedMap`.
unsafe impl Sync for Memory {}

impl Kind {
    /// The kind of `T`.
    #[inline]
    pub(crate) const fn of<T>() -> Self {
        Self {
            size: size_of::<T>(),
            align: align_of::<T>(),
            drop: if const { std::mem::needs_drop::<T>() } {
                Some(drop_values::<T>)
            } else {
                None
            },
        }
    }

    fn layout(self, count: usize) -> Layout {
        let size = self.size.checked_mul(count);
        size.and_then(|size| Layout::from_size_align(size, self.align).ok())
            .unwrap_or_else(|| {
                panic!(
                    "{count} values of {} bytes are more than memory can hold",
                    self.size
                )
            })
    }
}

/// # Safety
///
/// `first` points to `count` values of `T` that are not used again.
unsafe fn drop_values<T>(first: *mut u8, count: usize) {
    // SAFETY: the caller promises it.
    unsafe { std::ptr::slice_from_raw_parts_mut(first.cast::<T>(), count).drop_in_place() }
}

impl Memory {
    pub(crate) fn new(kind: Kind, capacity: usize) -> Self {
        let mut memory = Self {
            kind,
            start: kind.dangling(),
            capacity: 0,
            is_lent: false,
        };
        memory.grow(capacity);
        memory
    }

    /// Takes over a vector's memory and the ownership of its values.
    #[inline]
    pub(crate) fn from_vec<T>(values: Vec<T>) -> (Self, usize) {
        let mut values = ManuallyDrop::new(values);
        let start = NonNull::from(values.as_mut_slice()).cast();
        (
            Self {
                kind: Kind::of::<T>(),
                start,
                capacity: values.capacity(),
                is_lent: false,
            },
            values.len(),
        )
    }

    /// Turns the memory into a vector, without a copy.
    ///
    /// # Safety
    ///
    /// The memory was made for `T`. Its first `count` values exist, and the caller owns them.
    #[inline]
    pub(crate) unsafe fn into_vec<T>(self, count: usize) -> Vec<T> {
        let memory = ManuallyDrop::new(self);
        // SAFETY: allocated as by a vector, with this capacity; the caller promises that the values exist.
        unsafe { Vec::from_raw_parts(memory.start.as_ptr().cast(), count, memory.capacity) }
    }

    /// Returns the same memory for values of another kind, if they have the same size and alignment. The returned
    /// `Memory` frees it, so it must not be dropped before the last use of `self`.
    pub(crate) fn give_room(&mut self, kind: Kind) -> Option<Self> {
        let is_alike = kind.size == self.kind.size && kind.align == self.kind.align;
        if !is_alike || kind.size == 0 || self.is_lent {
            return None;
        }
        self.is_lent = true;
        Some(Self {
            kind,
            is_lent: false,
            ..*self
        })
    }

    /// Makes room for at least `capacity` values.
    pub(crate) fn grow(&mut self, capacity: usize) {
        let old = self.kind.layout(self.capacity);
        let new = self.kind.layout(capacity);
        if new.size() > old.size() {
            // SAFETY: the new size is not 0, and what is reallocated was allocated here with `old`.
            let start = unsafe {
                if old.size() == 0 {
                    alloc(new)
                } else {
                    realloc(self.start.as_ptr(), old, new.size())
                }
            };
            self.start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(new));
        }
        self.capacity = self.capacity.max(capacity);
    }

    /// The address of a value, whether it exists or not.
    #[inline]
    pub(crate) fn at(&self, index: usize) -> *mut u8 {
        self.start.as_ptr().wrapping_add(index * self.kind.size)
    }

    /// Drops the values of a range.
    ///
    /// # Safety
    ///
    /// These values exist and are not used again.
    pub(crate) unsafe fn drop_range(&self, range: Range<usize>) {
        if let Some(drop) = self.kind.drop.filter(|_| !range.is_empty()) {
            // SAFETY: the caller promises it.
            unsafe { drop(self.at(range.start), range.len()) }
        }
    }
}

impl Kind {
    fn dangling(self) -> NonNull<u8> {
        // The address is the alignment, which is never 0. A vector does the same for types without size.
        NonNull::new(std::ptr::without_provenance_mut(self.align)).unwrap_or(NonNull::dangling())
    }
}

/// Frees the memory. Values in it are not dropped.
impl Drop for Memory {
    fn drop(&mut self) {
        let layout = self.kind.layout(self.capacity);
        if layout.size() > 0 && !self.is_lent {
            // SAFETY: allocated with this layout, here or by the vector it came from.
            unsafe { dealloc(self.start.as_ptr(), layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_once_and_only_to_values_that_fit() {
        let mut memory = Memory::new(Kind::of::<u64>(), 4);
        assert!(memory.give_room(Kind::of::<[u64; 2]>()).is_none());
        assert!(memory.give_room(Kind::of::<u32>()).is_none());
        assert!(memory.give_room(Kind::of::<[u8; 8]>()).is_none());
        assert!(memory.give_room(Kind::of::<()>()).is_none());
        let room = memory.give_room(Kind::of::<f64>()).expect("it fits");
        assert_eq!(room.at(3), memory.at(3));
        assert!(memory.give_room(Kind::of::<f64>()).is_none());
        drop(memory);
        // SAFETY: the memory has room for 4 values, and one of them is written.
        let values = unsafe {
            room.at(0).cast::<f64>().write(1.5);
            room.into_vec::<f64>(1)
        };
        assert_eq!((values.as_slice(), values.capacity()), (&[1.5][..], 4));
        assert!(
            Memory::new(Kind::of::<()>(), 4)
                .give_room(Kind::of::<()>())
                .is_none()
        );
    }

    #[test]
    fn memory_grows_and_keeps_its_values() {
        let mut memory = Memory::new(Kind::of::<u16>(), 0);
        memory.grow(2);
        // SAFETY: there is room for two values.
        unsafe { memory.at(1).cast::<u16>().write(7) };
        memory.grow(1000);
        memory.grow(3);
        assert_eq!(memory.capacity, 1000);
        // SAFETY: the value was written.
        assert_eq!(unsafe { memory.at(1).cast::<u16>().read() }, 7);
    }

    #[test]
    #[should_panic(expected = "values of 8 bytes are more than memory can hold")]
    fn too_many_values_are_refused() {
        drop(Memory::new(Kind::of::<u64>(), usize::MAX / 2));
    }
}
