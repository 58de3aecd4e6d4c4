//! No memory leaks where values move as bytes. Alone in its file, because it counts all memory of the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use corebook::__private::cell::VariableStore;
use corebook::pool::Pool;

/// The allocator of the system, which counts the bytes in use.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the allocator of the system, whose other methods have defaults.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: the caller keeps the conditions of this function, which are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(address, layout) }
    }
}

/// How many bytes more are in use after 100 calls than after the first one.
fn growth(mut call: impl FnMut()) -> isize {
    call();
    let before = IN_USE.load(Ordering::Relaxed);
    (0..100).for_each(|_| call());
    IN_USE.load(Ordering::Relaxed) - before
}

/// All calls together use many megabytes, so a leak shows among what rayon keeps for itself. The array is small enough
/// for the stack of an unoptimised test.
#[test]
fn maps_and_variables_free_what_they_use() {
    const MEGABYTE: usize = 1 << 20;
    let mut store = VariableStore::default();
    let stored = growth(|| {
        store.put_back("large", [0_u8; MEGABYTE / 16]);
        assert_eq!(store.take::<[u8; MEGABYTE / 16]>("large")[7], 0);
    });
    assert!(stored < MEGABYTE as isize, "{stored} bytes of variables");
    let pool = Pool::new(2);
    let mapped = growth(|| {
        let items = vec![1_u64; MEGABYTE / 8];
        assert_eq!(pool.map(|x| x as u8, items.clone()).len(), items.len());
        assert_eq!(pool.map(|x| x + 1, items).len(), MEGABYTE / 8);
        assert_eq!(pool.sum(|x| x, vec![1_u64; MEGABYTE / 8]), 1 << 17);
    });
    assert!(mapped < MEGABYTE as isize, "{mapped} bytes of maps");
}
