//! Maps that return when all items are done: `map`, `starmap`, `for_each`, `try_map`, `apply`.

use std::sync::{Mutex, PoisonError};

use super::handle::Pool;
use crate::pool::erased::erased_map::ErasedMap;
use crate::pool::erased::item_slice::{ItemSlice, SliceFn};
use crate::pool::erased::items::Items;
use crate::pool::erased::memory::Kind;

/// Functions that several threads may call at once. It is another name for [`Sync`].
///
/// This trait and its parameter exist because their names appear in the messages of the compiler. A closure is `Sync`
/// if all that it captures is. Capture an `Arc` instead of an `Rc`, a `Mutex` instead of a `RefCell`, an atomic
/// instead of a `Cell`.
#[diagnostic::on_unimplemented(
    message = "the workers of a pool can't share `{Self}`",
    note = "capture an `Arc` in place of an `Rc`, a `Mutex` in place of a `RefCell`, an atomic in place of a `Cell`"
)]
pub trait Shared<Choice>: Sync {}

/// The parameter of [`Shared`]. Its name is advice in messages of the compiler; it has no values.
pub enum ThroughArcMutexOrAtomic {}

impl<F: Sync + ?Sized> Shared<ThroughArcMutexOrAtomic> for F {}

/// Functions whose arguments are the fields of a tuple: for pairs, `Fn(A, B) -> R`.
///
/// Implemented for functions of one to eight arguments. If the compiler asks for the type of an argument, write it:
/// `|a: f64, b: f64| a.hypot(b)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take the fields of `{Fields}` as its arguments",
    note = "for pairs write a function of two arguments: pool.starmap(|a, b| a * b, [(1, 2), (3, 4)])"
)]
pub trait StarFn<Fields, R> {
    /// Calls the function with the fields of a tuple.
    fn call_star(&self, fields: Fields) -> R;
}

macro_rules! star_functions {
    ($($field:ident)*) => {
        impl<F: Fn($($field),*) -> R, R, $($field),*> StarFn<($($field,)*), R> for F {
            #[expect(non_snake_case, reason = "one name serves the type and the value")]
            #[inline]
            fn call_star(&self, ($($field,)*): ($($field,)*)) -> R {
                self($($field),*)
            }
        }
    };
}

star_functions!(A);
star_functions!(A B);
star_functions!(A B C);
star_functions!(A B C D);
star_functions!(A B C D E);
star_functions!(A B C D E G);
star_functions!(A B C D E G H);
star_functions!(A B C D E G H I);

/// The first error of a [`Pool::try_map`], in the order of the items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError<E> {
    /// The item's position, from 0.
    pub item: usize,
    /// The number of all items.
    pub items: usize,
    /// The error that the function returned for the item.
    pub error: E,
}

impl<E: std::fmt::Display> std::fmt::Display for ItemError<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "item {} (of {}): {}", self.item, self.items, self.error)
    }
}

impl<E: std::error::Error + 'static> std::error::Error for ItemError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl Pool {
    /// Returns the result of `f` for each item, in the order of the items.
    ///
    /// * `f`: is called once for each item, on the workers.
    /// * `items`: whatever a `for` loop takes. Ranges and vectors are used as they are; anything else is first
    ///   collected, on this thread.
    ///
    /// # Panics
    ///
    /// When `f` panics, with `panicked in item 3 (of 24): …`; when the pool is closed; and when an interrupt is
    /// requested, with [`Interrupted`](crate::cancel::Interrupted) as the payload.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// assert_eq!(pool.map(|x| x * 2, 0..4i64), [0, 2, 4, 6]);
    /// assert_eq!(pool.map(str::len, ["one", "three"]), [3, 5]);
    ///
    /// let words = vec!["a".to_string(), "b".to_string()];
    /// assert_eq!(pool.map(|word| word.to_uppercase(), &words), ["A", "B"]);
    /// ```
    ///
    /// All workers share what a closure captures, so it must be safe to share:
    ///
    /// ```compile_fail
    /// # let pool = corebook::pool::Pool::new(2);
    /// let count = std::cell::Cell::new(0);
    /// pool.map(|x: i32| count.set(count.get() + x), 0..4);
    /// ```
    #[track_caller]
    pub fn map<F, I, R>(self, f: F, items: I) -> Vec<R>
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(I::Item) -> R + Shared<ThroughArcMutexOrAtomic>,
        R: Send,
    {
        // SAFETY: the map is made for these types.
        let function = |slice: &mut ItemSlice| unsafe { slice.map(&f) };
        // SAFETY: the function takes the items' type and returns the results'.
        unsafe { results(self, "pool.map", Items::of(items), &function) }
    }

    /// Like [`Pool::map`], but `f` takes the fields of a tuple as its arguments.
    ///
    /// # Panics
    ///
    /// As [`Pool::map`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// assert_eq!(pool.starmap(|a, b| a * b, [(1, 2), (3, 4)]), [2, 12]);
    /// assert_eq!(pool.starmap(f64::powf, [(2.0, 3.0), (4.0, 0.5)]), [8.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn starmap<F, I, R>(self, f: F, items: I) -> Vec<R>
    where
        I: IntoIterator,
        I::Item: Send,
        F: StarFn<I::Item, R> + Shared<ThroughArcMutexOrAtomic>,
        R: Send,
    {
        // SAFETY: the map is made for these types.
        let function =
            |slice: &mut ItemSlice| unsafe { slice.map(|item: I::Item| f.call_star(item)) };
        // SAFETY: the function takes the items' type and returns the results'.
        unsafe { results(self, "pool.starmap", Items::of(items), &function) }
    }

    /// Calls `f` for each item, in no particular order, and drops its results.
    ///
    /// * `f` and `items`: as for [`Pool::map`].
    ///
    /// # Panics
    ///
    /// As [`Pool::map`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// # let pool = corebook::pool::Pool::new(2);
    /// let sum = AtomicU32::new(0);
    /// pool.for_each(|x| { sum.fetch_add(x, Ordering::Relaxed); }, 1..=10);
    /// assert_eq!(sum.into_inner(), 55);
    /// ```
    #[track_caller]
    pub fn for_each<F, I, R>(self, f: F, items: I)
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(I::Item) -> R + Shared<ThroughArcMutexOrAtomic>,
    {
        // SAFETY: the map is made for these types.
        let function = |slice: &mut ItemSlice| unsafe { slice.map(|item: I::Item| drop(f(item))) };
        let map = ErasedMap::map(Items::of(items), Kind::of::<()>());
        self.run(map, "pool.for_each", &function);
    }

    /// Maps all items with a function that may fail. Returns all results or the first error, in the order of the items.
    ///
    /// After an error no later items start; items before it still run.
    ///
    /// * `f` and `items`: as for [`Pool::map`].
    ///
    /// # Errors
    ///
    /// [`ItemError`], with the position of the item and the error of `f`.
    ///
    /// # Panics
    ///
    /// As [`Pool::map`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// assert_eq!(pool.try_map(str::parse::<i32>, ["1", "2"]), Ok(vec![1, 2]));
    ///
    /// let error = pool.try_map(str::parse::<i32>, ["1", "two", "3"]).unwrap_err();
    /// assert_eq!(error.to_string(), "item 1 (of 3): invalid digit found in string");
    /// ```
    #[track_caller]
    pub fn try_map<F, I, R, E>(self, f: F, items: I) -> Result<Vec<R>, ItemError<E>>
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(I::Item) -> Result<R, E> + Shared<ThroughArcMutexOrAtomic>,
        R: Send,
        E: Send,
    {
        let first: Mutex<Option<ItemError<E>>> = Mutex::new(None);
        let items = Items::of(items);
        let count = items.count();
        let call = |item, value: I::Item| match f(value) {
            Ok(result) => Some(result),
            Err(error) => {
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|first| item < first.item) {
                    *first = Some(ItemError {
                        item,
                        items: count,
                        error,
                    });
                }
                None
            }
        };
        // SAFETY: the map is made for these types.
        let function = |slice: &mut ItemSlice| unsafe { slice.try_map(call) };
        let map = ErasedMap::map(items, Kind::of::<R>());
        let results = self.run(map, "pool.try_map", &function);
        match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            // SAFETY: no item stopped, so all results exist, and they are of this type.
            None => Ok(results.map_or(Vec::new(), |results| unsafe { results.into_vec(count) })),
        }
    }

    /// Runs `f` once, on a worker, and waits for its result. Functions of rayon in it use the workers of the pool.
    ///
    /// # Panics
    ///
    /// When `f` panics, with the same payload, and when the pool is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// assert_eq!(pool.apply(|| 6 * 7), 42);
    /// ```
    #[track_caller]
    pub fn apply<R: Send>(self, f: impl FnOnce() -> R + Send) -> R {
        self.install(f)
    }
}

/// Runs a map and returns all its results, in order.
///
/// # Safety
///
/// `function` takes items of the type in `items` and writes results of type `R`, without stopping.
#[track_caller]
unsafe fn results<R>(pool: Pool, verb: &str, items: Items, function: &SliceFn<'_>) -> Vec<R> {
    let count = items.count();
    let map = ErasedMap::map(items, Kind::of::<R>());
    let results = pool.run_whole(map, verb, function);
    // SAFETY: all results exist; the caller promises their type.
    unsafe { results.into_vec(count) }
}
