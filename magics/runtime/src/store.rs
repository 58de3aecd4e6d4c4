//! The store in which cells keep their variables.
//!
//! A cell takes the variables that it names out of the store, and puts them and its own back at its end. The generic
//! functions compile to a few instructions for each type of variable: precompiled code moves the values as bytes and
//! knows only their `Kind`.
//!
//! The kernel generates the code that calls this module. Users never call it.

use std::alloc::Layout;
use std::any::TypeId;
use std::collections::HashMap;
use std::mem::{ManuallyDrop, MaybeUninit, needs_drop};
use std::ptr;
use std::sync::Arc;

use crate::event::{self, Event};

/// The name under which tokio's runtime is kept, once a cell has used `.await`.
pub const ASYNC_RUNTIME: &str = "corebook async runtime";

/// The variables of a notebook by name, while no cell runs.
#[derive(Default)]
pub struct VariableStore {
    variables: HashMap<String, Kept>,
    /// The variables that the running cell has defined.
    new: Vec<String>,
    /// The variables that the running cell could not take, because they have another type than it expects.
    changed: Vec<String>,
}

/// The store that a cell gets from the one before it.
///
/// # Safety
///
/// `store` is null or was returned by this function, and no other reference to it exists.
pub unsafe fn open<'cell>(store: *mut VariableStore) -> &'cell mut VariableStore {
    let store = match store.is_null() {
        // Never freed.
        true => Box::into_raw(Box::default()),
        false => store,
    };
    // SAFETY: it is not null, and the caller has the only reference.
    unsafe { &mut *store }
}

/// A variable on its way into the store.
///
/// The kernel reads the types of variables from the locals of this type in the compiler's output, so a cell puts a
/// variable by reference to such a local: the optimiser can't remove what another function may read.
#[repr(transparent)]
pub struct Slot<T>(ManuallyDrop<T>);

impl<T: 'static> Slot<T> {
    /// Takes the variable.
    #[inline(always)]
    pub fn new(value: T) -> Self {
        Self(ManuallyDrop::new(value))
    }
}

impl VariableStore {
    /// Keeps a variable that the cell has defined, in place of an earlier one of the same name.
    ///
    /// # Safety
    ///
    /// The slot is not used again.
    #[inline(always)]
    pub unsafe fn put_new<T: 'static>(&mut self, name: &str, slot: &mut Slot<T>) {
        // SAFETY: the slot holds a whole `T`, and is not used again.
        unsafe { self.put_and_note(name, Kind::of::<T>(), (&raw const slot.0).cast()) }
    }

    /// Returns a variable that the cell has taken. If the cell has defined another one of this name, it is dropped.
    #[inline(always)]
    pub fn put_back<T: 'static>(&mut self, name: &str, value: T) {
        if !self.has(name) {
            let value = ManuallyDrop::new(value);
            // SAFETY: `value` is a whole `T`, and not used again.
            unsafe { self.put(name, Kind::of::<T>(), (&raw const value).cast()) }
        }
    }

    /// Whether a variable exists and has the type that the cell expects.
    #[inline(always)]
    pub fn check<T: 'static>(&mut self, name: &str) -> bool {
        self.check_kind(name, Kind::of::<T>())
    }

    /// Moves a variable out of the store, for the cell.
    ///
    /// # Panics
    ///
    /// When the variable does not exist or has another type.
    #[inline(always)]
    pub fn take<T: 'static>(&mut self, name: &str) -> T {
        let mut value = MaybeUninit::<T>::uninit();
        // SAFETY: there is room for a `T`, and `take_kind` returns only after it has moved one there.
        unsafe {
            self.take_kind(name, Kind::of::<T>(), value.as_mut_ptr().cast());
            value.assume_init()
        }
    }

    /// Returns a value that all cells share. The first call makes it with `create`.
    ///
    /// # Panics
    ///
    /// When the value was made with another type.
    pub fn lazy_arc<T: 'static, F: FnOnce() -> T>(&mut self, name: &str, create: F) -> Arc<T> {
        let shared: Arc<T> = if self.has(name) {
            self.take(name)
        } else {
            Arc::new(create())
        };
        self.put_back(name, Arc::clone(&shared));
        shared
    }

    /// Tells the kernel which variables exist at the end of a cell.
    ///
    /// * `run`: the number by which the kernel knows the cell.
    #[inline(never)]
    pub fn close(&mut self, run: u64) {
        self.report(run, String::new());
    }

    /// As [`Self::close`], for a cell that defines statics, to which later cells will be linked.
    ///
    /// * `function`: a function of the cell's library.
    #[inline(never)]
    pub fn close_with_library(&mut self, run: u64, function: *const ()) {
        self.report(run, library_of(function));
    }

    fn report(&mut self, run: u64, library: String) {
        event::send(&Event::Variables {
            library,
            run,
            kept: self.variables.keys().cloned().collect(),
            new: std::mem::take(&mut self.new),
            changed: std::mem::take(&mut self.changed),
        });
    }

    #[inline(never)]
    fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// # Safety
    ///
    /// As for [`Self::put`].
    #[inline(never)]
    unsafe fn put_and_note(&mut self, name: &str, kind: &Kind, value: *const u8) {
        // SAFETY: as for this function.
        unsafe { self.put(name, kind, value) }
        self.new.push(name.to_owned());
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
    fn check_kind(&mut self, name: &str, kind: &Kind) -> bool {
        let kept = self.variables.get(name);
        let is_well = kept.is_some_and(|kept| kept.kind.is_same(kind));
        if !is_well {
            self.changed.push(name.to_owned());
        }
        is_well
    }

    /// # Safety
    ///
    /// `to` has room for a value of this kind.
    #[inline(never)]
    unsafe fn take_kind(&mut self, name: &str, kind: &Kind, to: *mut u8) {
        match self.variables.remove(name) {
            // SAFETY: the value is of the kind that the caller has room for.
            Some(kept) if kept.kind.is_same(kind) => unsafe { kept.move_to(to) },
            Some(_) => panic!("the variable `{name}` changed its type"),
            None => panic!("the variable `{name}` has gone missing"),
        }
    }
}

/// The path of the library that contains a function. Empty if it is unknown.
fn library_of(function: *const ()) -> String {
    #[cfg(unix)]
    {
        let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
        // SAFETY: `found` can be written, and zeros are a valid value of it.
        let info = unsafe {
            libc::dladdr(function.cast(), found.as_mut_ptr());
            found.assume_init()
        };
        if !info.dli_fname.is_null() {
            // SAFETY: it points to the loader's own text, which lives as long as the library.
            let name = unsafe { std::ffi::CStr::from_ptr(info.dli_fname) };
            return name.to_string_lossy().into_owned();
        }
    }
    let _ = function;
    String::new()
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

    fn put<T: 'static>(store: &mut VariableStore, name: &str, value: T) {
        let mut slot = Slot::new(value);
        // SAFETY: the slot is not used again.
        unsafe { store.put_new(name, &mut slot) };
    }

    #[test]
    fn what_is_put_can_be_taken_once() {
        let mut store = VariableStore::default();
        put(&mut store, "v", vec![1, 2]);
        put(&mut store, "unit", ());
        put(&mut store, "aligned", Aligned(7));
        assert!(store.check::<Vec<i32>>("v"));
        assert_eq!(store.take::<Vec<i32>>("v"), [1, 2]);
        store.take::<()>("unit");
        assert_eq!(store.take::<Aligned>("aligned").0, 7);
        assert!(catch_unwind(AssertUnwindSafe(|| store.take::<()>("unit"))).is_err());
    }

    #[repr(align(64))]
    struct Aligned(u8);

    #[test]
    fn another_type_is_noticed() {
        let mut store = VariableStore::default();
        put(&mut store, "x", 1_i64);
        assert!(!store.check::<u64>("x"));
        assert!(!store.check::<u64>("unknown"));
        assert_eq!(store.changed, ["x", "unknown"]);
        assert!(catch_unwind(AssertUnwindSafe(|| store.take::<u64>("x"))).is_err());
    }

    #[test]
    fn what_is_replaced_or_left_is_dropped() {
        let shared = Arc::new(());
        let mut store = VariableStore::default();
        put(&mut store, "x", Arc::clone(&shared));
        put(&mut store, "x", Arc::clone(&shared));
        assert_eq!(Arc::strong_count(&shared), 2);
        drop(store.take::<Arc<()>>("x"));
        assert_eq!(Arc::strong_count(&shared), 1);
        store.put_back("y", Arc::clone(&shared));
        drop(store);
        assert_eq!(Arc::strong_count(&shared), 1);
    }

    #[test]
    fn a_variable_that_was_defined_again_is_not_put_back() {
        let mut store = VariableStore::default();
        put(&mut store, "x", 1);
        let old: i32 = store.take("x");
        put(&mut store, "x", "new");
        store.put_back("x", old);
        assert_eq!(store.take::<&str>("x"), "new");
        store.put_back("x", old);
        assert_eq!(store.take::<i32>("x"), 1);
    }

    #[test]
    fn a_store_is_opened_again_by_each_cell() {
        // SAFETY: the store is used by one reference at a time.
        let store = unsafe { open(ptr::null_mut()) };
        put(store, "x", 1);
        // SAFETY: as above.
        let store = unsafe { open(store) };
        assert_eq!(store.take::<i32>("x"), 1);
    }

    #[test]
    fn the_async_runtime_is_forgotten_but_not_dropped() {
        let runtime = Arc::new(());
        let mut store = VariableStore::default();
        put(&mut store, ASYNC_RUNTIME, Arc::clone(&runtime));
        put(&mut store, "x", 1);
        store.forget_async_runtime();
        assert!(!store.variables.contains_key(ASYNC_RUNTIME));
        assert_eq!(Arc::strong_count(&runtime), 2);
        assert_eq!(store.take::<i32>("x"), 1);
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
