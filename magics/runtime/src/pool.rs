//! A pool of threads that stays alive across cells, and parallel maps on it.
//!
//! [`Pool`] is a number: it is `Copy`, and moving it into a closure, a panic or an interrupt never
//! loses its threads. They live in a registry of this library, of which a process has one.
//!
//! ```
//! use corebook::pool::Pool;
//!
//! let pool = Pool::new(2);
//! let squares = pool.map(|x| x * x, 0..5);
//! assert_eq!(squares, [0, 1, 4, 9, 16]);
//! ```
// What is here, each folder above the next; README.md in this folder is the design:
//
// * `api`: the methods of `Pool`, thin and generic
// * `status`: what `%pool status` prints
// * `erased`: from items to results; types are forgotten here
// * `schedule`: which worker runs which items, and when to stop; no generics
// * `threads`: the threads, where rayon enters; every pool of the process; how a panic of an item travels
//
// Nothing here knows about cells or the kernel, except for the events that it sends.

pub(crate) mod api;
mod erased;
mod schedule;
pub(crate) mod status;
mod threads;

pub use api::builder::Builder;
pub use api::handle::Pool;
pub use api::map::{ItemError, Shared, StarFn, ThroughArcMutexOrAtomic};
pub use api::reduce::{FromFunction, FromValue, Identity};
pub use api::stream::{Imap, ImapUnordered};
pub use api::task::Task;
pub use threads::panics::take_over_panic;

use crate::lock::Lock;

/// The locks of this module; see [`crate::fork`]. Those of a single job are left out: work that a fork finds
/// unfinished is lost there, and says so.
pub(crate) static LOCKS: [&dyn Lock; 4] = [
    &threads::registry::REGISTRY,
    &api::labels::KEPT,
    &api::builder::DEFAULT,
    &api::builder::WARNED,
];

/// Gives a fork of the worker what the cells' thread needs of rayon. The pools' own threads are started when
/// they are next used.
pub(crate) fn resume() {
    threads::workers::adopt_this_thread();
}

/// Runs the examples of the migration table.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/multiprocessing.md")]
struct MigrationTable;
