//! The store in which cells keep their variables, with the interface of evcxr 0.22's own.
//!
//! evcxr writes the source of its store into every cell, and rustc then spends most of a cell's compile
//! time on a hash map that never changes. Cells use this precompiled one in its place; what is generic here
//! is one line each. Never called by the code that a notebook's author writes.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use crate::print::write_stderr;

/// What evcxr recognises a failed `?` by.
pub const USER_ERROR_OCCURRED: &str = "EVCXR_ERROR_OCCURRED";

/// What evcxr recognises a variable by whose type was defined anew.
const VARIABLE_CHANGED_TYPE: &str = "EVCXR_VARIABLE_CHANGED_TYPE:";

/// The variables of a notebook by name, while no cell runs.
#[derive(Default)]
pub struct VariableStore {
    variables: HashMap<String, Box<dyn Any>>,
}

/// A store that cells pass on from one to the next, and nobody frees.
pub fn create_variable_store() -> *mut VariableStore {
    Box::into_raw(Box::default())
}

impl VariableStore {
    /// Keeps a variable.
    #[inline]
    pub fn put_variable<T: 'static>(&mut self, name: &str, value: T) {
        self.put(name, Box::new(value));
    }

    /// Whether a variable has the type by which the cell knows it; tells evcxr if it does not.
    #[inline]
    pub fn check_variable<T: 'static>(&mut self, name: &str) -> bool {
        self.check(name, |value| value.is::<T>())
    }

    /// Hands a variable to the cell.
    ///
    /// # Panics
    ///
    /// When it is not there, or has another type than [`VariableStore::check_variable`] found.
    #[inline]
    pub fn take_variable<T: 'static>(&mut self, name: &str) -> T {
        match self.take(name).downcast() {
            Ok(value) => *value,
            Err(_) => changed_type(name),
        }
    }

    /// A value that is made once and shared by all cells.
    ///
    /// # Panics
    ///
    /// When it was made with another type.
    #[inline]
    pub fn lazy_arc<T: 'static, F: FnOnce() -> T>(&mut self, name: &str, create: F) -> Arc<T> {
        let value = self
            .variables
            .entry(name.to_owned())
            .or_insert_with(|| Box::new(Arc::new(create())));
        match value.downcast_ref::<Arc<T>>() {
            Some(value) => Arc::clone(value),
            None => changed_type(name),
        }
    }

    #[inline(never)]
    fn put(&mut self, name: &str, value: Box<dyn Any>) {
        self.variables.insert(name.to_owned(), value);
    }

    #[inline(never)]
    fn check(&mut self, name: &str, is_expected: fn(&dyn Any) -> bool) -> bool {
        let is_well = self
            .variables
            .get(name)
            .is_none_or(|value| is_expected(value.as_ref()));
        if !is_well {
            write_stderr(format_args!(
                "The type of the variable {name} was redefined, so was lost.\n"
            ));
            println!("{VARIABLE_CHANGED_TYPE}{name}");
        }
        is_well
    }

    #[inline(never)]
    fn take(&mut self, name: &str) -> Box<dyn Any> {
        match self.variables.remove(name) {
            Some(value) => value,
            None => panic!("Variable '{name}' has gone missing"),
        }
    }
}

#[inline(never)]
fn changed_type(name: &str) -> ! {
    panic!("the variable `{name}` changed its type");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_can_be_taken_once() {
        let mut store = VariableStore::default();
        store.put_variable("x", vec![1, 2]);
        assert!(store.check_variable::<Vec<i32>>("x"));
        assert_eq!(store.take_variable::<Vec<i32>>("x"), [1, 2]);
        let again =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.take("x").is::<i32>()));
        assert!(again.is_err());
    }

    #[test]
    fn another_type_is_noticed() {
        let mut store = VariableStore::default();
        store.put_variable("x", 1_i64);
        assert!(!store.check_variable::<u64>("x"));
        assert!(store.check_variable::<u64>("unknown"));
    }

    #[test]
    fn a_shared_value_is_made_once() {
        let mut store = VariableStore::default();
        let first = store.lazy_arc("x", || 1);
        let second = store.lazy_arc("x", || 2);
        assert_eq!((*first, *second), (1, 1));
    }
}
