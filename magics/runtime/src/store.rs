//! The store in which cells keep their variables, with the interface of the store of evcxr 0.22.
//!
//! evcxr writes the source of its store into every cell, and rustc then spends most of a cell's compile time on a
//! hash map that never changes. Cells use this precompiled store instead. Its generic functions compile to a few
//! instructions for each type of variable: precompiled code moves the values as bytes and knows only their `Kind`.
//!
//! Users never call this module.

use std::alloc::Layout;
use std::any::TypeId;
use std::collections::HashMap;
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use std::ptr;
use std::sync::Arc;

use crate::evcxr::VARIABLE_CHANGED_TYPE;
use crate::print::write_stderr;

// The code of cells finds it here, as in the store of evcxr.
pub use crate::evcxr::USER_ERROR_OCCURRED;

/// The name under which evcxr keeps tokio's runtime, once a cell has used `.await`.
const ASYNC_RUNTIME: &str = "evcxr_tokio_runtime";

/// The variables of a notebook by name, while no cell runs.
#[derive(Default)]
pub struct VariableStore {
    variables: HashMap<String, Kept>,
}

/// Makes the store that each cell passes on to the next. It is never freed.
pub fn create_variable_store() -> *mut VariableStore {
    Box::into_raw(Box::default())
}

impl VariableStore {
    /// Keeps a variable, in place of an earlier one of the same name.
    #[inline(always)]
    pub fn put_variable<T: 'static>(&mut self, name: &str, value: T) {
        let value = ManuallyDrop::new(value);
        // SAFETY: `value` is a whole `T`, and not used again.
        unsafe { self.put(name, Kind::of::<T>(), (&raw const value).cast()) }
    }

    /// Returns whether a variable has the type that the cell expects, or does not exist. Otherwise reports it to the
    /// user and to evcxr.
    #[inline(always)]
    pub fn check_variable<T: 'static>(&mut self, name: &str) -> bool {
        self.check(name, Kind::of::<T>())
    }

    /// Moves a variable out of the store, for the cell.
    ///
    /// # Panics
    ///
    /// When the variable does not exist or has another type.
    #[inline(always)]
    pub fn take_variable<T: 'static>(&mut self, name: &str) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: there is room for a `T`, and `take` returns only after it has moved one there.
        unsafe {
            self.take(name, Kind::of::<T>(), value.as_mut_ptr().cast());
            value.assume_init()
        }
    }

    /// Returns a value that all cells share. The first call makes it with `create`.
    ///
    /// # Panics
    ///
    /// When the value was made with another type.
    pub fn lazy_arc<T: 'static, F: FnOnce() -> T>(&mut self, name: &str, create: F) -> Arc<T> {
        let shared: Arc<T> = if self.variables.contains_key(name) {
            self.take_variable(name)
        } else {
            Arc::new(create())
        };
        self.put_variable(name, Arc::clone(&shared));
        shared
    }

    /// # Safety
    ///
    /// `value` points to a value of this kind. The caller does not use or drop it any more.
    #[inline(never)]
    unsafe fn put(&mut self, name: &str, kind: &Kind, value: *const u8) {
        // SAFETY: as for this function.
        let kept = unsafe { Kept::new(*kind, value) };
        self.variables.insert(name.to_owned(), kept);
    }

    /// Removes the runtime of tokio, whose threads a fork has lost. The next cell that uses `.await` makes a new one.
    pub(crate) fn forget_async_runtime(&mut self) {
        // Forgotten, because its destructor would wait for the threads.
        std::mem::forget(self.variables.remove(ASYNC_RUNTIME));
    }

    #[inline(never)]
    fn check(&mut self, name: &str, kind: &Kind) -> bool {
        let is_well = self
            .variables
            .get(name)
            .is_none_or(|kept| kept.kind.is_same(kind));
        if !is_well {
            write_stderr(format_args!(
                "The type of the variable {name} was redefined, so was lost.\n"
            ));
            println!("{VARIABLE_CHANGED_TYPE}{name}");
        }
        is_well
    }

    /// # Safety
    ///
    /// `to` has room for a value of this kind.
    #[inline(never)]
    unsafe fn take(&mut self, name: &str, kind: &Kind, to: *mut u8) {
        match self.variables.remove(name) {
            // SAFETY: the value is of the kind that the caller has room for.
            Some(kept) if kept.kind.is_same(kind) => unsafe { kept.move_to(to) },
            Some(_) => panic!("the variable `{name}` changed its type"),
            None => panic!("the variable `{name}` has gone missing"),
        }
    }
}

/// What is needed to move and drop a value.
///
/// The pool has a similar type, whose destructor takes many values. One type for both was tried: it adds 2 ms of
/// compile time to a cell for each type of variable that has a destructor.
#[derive(Clone, Copy)]
struct Kind {
    type_id: TypeId,
    layout: Layout,
    drop: Option<unsafe fn(*mut u8)>,
}

impl Kind {
    fn of<T: 'static>() -> &'static Self {
        const {
            &Kind {
                type_id: TypeId::of::<T>(),
                layout: Layout::new::<T>(),
                drop: if needs_drop::<T>() {
                    Some(drop_value::<T>)
                } else {
                    None
                },
            }
        }
    }

    /// A type that was redefined has the same id as the old one, so the layouts are compared too.
    fn is_same(&self, other: &Self) -> bool {
        self.type_id == other.type_id && self.layout == other.layout
    }
}

/// # Safety
///
/// `value` points to a `T` that is not used again.
unsafe fn drop_value<T>(value: *mut u8) {
    // SAFETY: as for this function.
    unsafe { ptr::drop_in_place(value.cast::<T>()) }
}

/// A value in its own memory.
struct Kept {
    kind: Kind,
    value: *mut u8,
}

impl Kept {
    /// # Safety
    ///
    /// `value` points to a value of this kind. The caller does not use or drop it any more.
    unsafe fn new(kind: Kind, value: *const u8) -> Self {
        let layout = kind.layout;
        let own = if layout.size() == 0 {
            ptr::without_provenance_mut(layout.align())
        } else {
            // SAFETY: the size is not 0.
            unsafe { std::alloc::alloc(layout) }
        };
        if own.is_null() {
            std::alloc::handle_alloc_error(layout);
        }
        // SAFETY: both have the layout's size, and the new memory is not shared.
        unsafe { ptr::copy_nonoverlapping(value, own, layout.size()) };
        Self { kind, value: own }
    }

    /// # Safety
    ///
    /// `to` has room for a value of this kind.
    unsafe fn move_to(self, to: *mut u8) {
        let kept = ManuallyDrop::new(self);
        // SAFETY: both have the layout's size; the value here is neither used nor dropped again.
        unsafe { ptr::copy_nonoverlapping(kept.value, to, kept.kind.layout.size()) };
        kept.free();
    }

    fn free(&self) {
        if self.kind.layout.size() > 0 {
            // SAFETY: allocated by `new` with this layout; neither caller uses the value afterwards.
            unsafe { std::alloc::dealloc(self.value, self.kind.layout) }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(drop) = self.kind.drop {
            // SAFETY: the value is of this kind, and it is not used again.
            unsafe { drop(self.value) }
        }
        self.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn what_is_put_can_be_taken_once() {
        let mut store = VariableStore::default();
        store.put_variable("v", vec![1, 2]);
        store.put_variable("unit", ());
        store.put_variable("aligned", Aligned(7));
        assert!(store.check_variable::<Vec<i32>>("v"));
        assert_eq!(store.take_variable::<Vec<i32>>("v"), [1, 2]);
        store.take_variable::<()>("unit");
        assert_eq!(store.take_variable::<Aligned>("aligned").0, 7);
        assert!(catch_unwind(AssertUnwindSafe(|| store.take_variable::<()>("unit"))).is_err());
    }

    #[repr(align(64))]
    struct Aligned(u8);

    #[test]
    fn another_type_is_noticed() {
        let mut store = VariableStore::default();
        store.put_variable("x", 1_i64);
        assert!(!store.check_variable::<u64>("x"));
        assert!(store.check_variable::<u64>("unknown"));
        assert!(catch_unwind(AssertUnwindSafe(|| store.take_variable::<u64>("x"))).is_err());
    }

    #[test]
    fn what_is_replaced_or_left_is_dropped() {
        let shared = Arc::new(());
        let mut store = VariableStore::default();
        store.put_variable("x", Arc::clone(&shared));
        store.put_variable("x", Arc::clone(&shared));
        assert_eq!(Arc::strong_count(&shared), 2);
        drop(store.take_variable::<Arc<()>>("x"));
        assert_eq!(Arc::strong_count(&shared), 1);
        store.put_variable("y", Arc::clone(&shared));
        drop(store);
        assert_eq!(Arc::strong_count(&shared), 1);
    }

    #[test]
    fn the_async_runtime_is_forgotten_but_not_dropped() {
        let runtime = Arc::new(());
        let mut store = VariableStore::default();
        store.put_variable(ASYNC_RUNTIME, Arc::clone(&runtime));
        store.put_variable("x", 1);
        store.forget_async_runtime();
        assert!(!store.variables.contains_key(ASYNC_RUNTIME));
        assert_eq!(Arc::strong_count(&runtime), 2);
        assert_eq!(store.take_variable::<i32>("x"), 1);
    }

    #[test]
    fn a_type_of_another_layout_is_another_type() {
        let kind = *Kind::of::<u32>();
        let layout = Layout::new::<u64>();
        assert!(kind.is_same(Kind::of::<u32>()));
        assert!(!kind.is_same(Kind::of::<i32>()));
        assert!(!kind.is_same(&Kind { layout, ..kind }));
    }

    #[test]
    fn a_shared_value_is_made_once() {
        let mut store = VariableStore::default();
        let first = store.lazy_arc("x", || 1);
        let second = store.lazy_arc("x", || 2);
        assert_eq!((*first, *second), (1, 1));
    }
}
