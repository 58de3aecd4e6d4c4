//! Reductions, which keep less than one result for each item: `filter_map`, `map_reduce`, `sum`, `min_by_key`,
//! `max_by_key`.
//!
//! Neighbouring items are reduced to one result; how many depends only on the number of items. These results are
//! combined in order. So the final result never depends on the number of workers, even with floats.

use std::iter::Sum;

use super::handle::Pool;
use super::map::{Shared, ThroughArcMutexOrAtomic};
use crate::pool::erased::erased_map::ErasedMap;
use crate::pool::erased::item_slice::ItemSlice;
use crate::pool::erased::items::Items;
use crate::pool::erased::memory::Kind;

/// The initial value of [`Pool::map_reduce`]: a value, or a function that makes one. `Kind` distinguishes the two,
/// and is inferred.
pub trait Identity<A, Kind> {
    /// Returns the initial value.
    fn identity(self) -> A;
}

/// Marks an [`Identity`] that is the value itself.
pub enum FromValue {}

/// Marks an [`Identity`] that is a function.
pub enum FromFunction {}

impl<A> Identity<A, FromValue> for A {
    fn identity(self) -> A {
        self
    }
}

impl<A, F: FnOnce() -> A> Identity<A, FromFunction> for F {
    fn identity(self) -> A {
        self()
    }
}

impl Pool {
    /// Maps all items with `f` and keeps the values in `Some`, in the order of the items.
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
    /// # let pool = corebook::pool::Pool::new(2);
    /// let even_squares = pool.filter_map(|x| (x % 2 == 0).then_some(x * x), 0..6);
    /// assert_eq!(even_squares, [0, 4, 16]);
    /// ```
    #[track_caller]
    pub fn filter_map<F, I, R>(self, f: F, items: I) -> Vec<R>
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(I::Item) -> Option<R> + Shared<ThroughArcMutexOrAtomic>,
        R: Send,
    {
        let folded = fold(
            self,
            "pool.filter_map",
            Items::of(items),
            Vec::new,
            |kept, item| kept.extend(f(item)),
        );
        folded.into_iter().flatten().collect()
    }

    /// Maps all items with `f` and combines the results in pairs.
    ///
    /// * `f` and `items`: as for [`Pool::map`].
    /// * `identity`: the initial value, for example `0` for a sum, or a function that makes it. It is the result if
    ///   there are no items.
    /// * `combine`: combines two neighbouring results, of which the left one comes first. It must be associative.
    ///
    /// # Panics
    ///
    /// As [`Pool::map`], also when `combine` panics. The message names the item whose result is added, but no item
    /// when the results of several workers are combined.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let longest = pool.map_reduce(str::len, ["one", "three"], 0, usize::max);
    /// assert_eq!(longest, 5);
    ///
    /// let text = pool.map_reduce(|x: i32| x.to_string(), 0..4, String::new, |a, b| a + &b);
    /// assert_eq!(text, "0123");
    /// ```
    #[track_caller]
    pub fn map_reduce<F, I, A, N, C, Kind>(self, f: F, items: I, identity: N, combine: C) -> A
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(I::Item) -> A + Shared<ThroughArcMutexOrAtomic>,
        A: Send,
        N: Identity<A, Kind>,
        C: Fn(A, A) -> A + Shared<ThroughArcMutexOrAtomic>,
    {
        let add = |sum: &mut Option<A>, item: I::Item| {
            let result = f(item);
            *sum = Some(match sum.take() {
                Some(left) => combine(left, result),
                None => result,
            });
        };
        let folded = fold(self, "pool.map_reduce", Items::of(items), || None, add);
        folded
            .into_iter()
            .flatten()
            .fold(identity.identity(), combine)
    }

    /// Returns the sum of `f` over all items. Sums of floats are the same for any number of workers.
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
    /// # let pool = corebook::pool::Pool::new(2);
    /// assert_eq!(pool.sum(|x| x * x, 1..=3u64), 14);
    /// ```
    #[track_caller]
    pub fn sum<F, I, R>(self, f: F, items: I) -> R
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(I::Item) -> R + Shared<ThroughArcMutexOrAtomic>,
        R: Sum<R> + Send,
    {
        let add = |sum: &mut Option<R>, item: I::Item| {
            let result = f(item);
            *sum = Some(match sum.take() {
                Some(left) => [left, result].into_iter().sum(),
                None => result,
            });
        };
        let folded = fold(self, "pool.sum", Items::of(items), || None, add);
        folded.into_iter().flatten().sum()
    }

    /// Returns the item with the smallest key, the first one if there are several; `None` if there are no items.
    ///
    /// * `key`: computes the key of an item.
    /// * `items`: as for [`Pool::map`].
    ///
    /// # Panics
    ///
    /// As [`Pool::map`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// assert_eq!(pool.min_by_key(|x| (x - 7i32).abs(), [1, 6, 8]), Some(6));
    /// ```
    #[track_caller]
    pub fn min_by_key<F, I, K>(self, key: F, items: I) -> Option<I::Item>
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(&I::Item) -> K + Shared<ThroughArcMutexOrAtomic>,
        K: Ord + Send,
    {
        best(
            self,
            "pool.min_by_key",
            Items::of(items),
            key,
            |new, old| new < old,
        )
    }

    /// Returns the item with the largest key, the last one if there are several; `None` if there are no items.
    ///
    /// * `key`: computes the key of an item.
    /// * `items`: as for [`Pool::map`].
    ///
    /// # Panics
    ///
    /// As [`Pool::map`].
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// assert_eq!(pool.max_by_key(|word| word.len(), ["a", "bcd", "ef"]), Some("bcd"));
    /// ```
    #[track_caller]
    pub fn max_by_key<F, I, K>(self, key: F, items: I) -> Option<I::Item>
    where
        I: IntoIterator,
        I::Item: Send,
        F: Fn(&I::Item) -> K + Shared<ThroughArcMutexOrAtomic>,
        K: Ord + Send,
    {
        best(
            self,
            "pool.max_by_key",
            Items::of(items),
            key,
            |new, old| new >= old,
        )
    }
}

/// Returns the item whose key `replaces` the keys of all others.
#[track_caller]
fn best<T: Send, K: Send>(
    pool: Pool,
    verb: &str,
    items: Items,
    key: impl Fn(&T) -> K + Sync,
    replaces: impl Fn(&K, &K) -> bool + Sync,
) -> Option<T> {
    let keep = |best: &mut Option<(K, T)>, new: (K, T)| {
        if best.as_ref().is_none_or(|old| replaces(&new.0, &old.0)) {
            *best = Some(new);
        }
    };
    let folded = fold(
        pool,
        verb,
        items,
        || None,
        |best: &mut Option<(K, T)>, item: T| keep(best, (key(&item), item)),
    );
    let mut best = None;
    folded
        .into_iter()
        .flatten()
        .for_each(|candidate| keep(&mut best, candidate));
    best.map(|(_, item)| item)
}

/// Returns one accumulator for each slot, in order.
#[track_caller]
fn fold<T, A: Send>(
    pool: Pool,
    verb: &str,
    items: Items,
    new: impl Fn() -> A + Sync,
    step: impl Fn(&mut A, T) + Sync,
) -> Vec<A> {
    let map = ErasedMap::fold(items, Kind::of::<A>(), pool.chunk);
    let slots = map.slots();
    // SAFETY: the map is made for these types; private callers pass items of type T.
    let function = |slice: &mut ItemSlice| unsafe { slice.fold(&new, &step) };
    let results = pool.run_whole(map, verb, &function);
    // SAFETY: all results exist, and they are of this type.
    unsafe { results.into_vec(slots) }
}
