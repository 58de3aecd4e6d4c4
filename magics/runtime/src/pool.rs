//! A pool of threads that stays alive across cells, and parallel maps on it.
//!
//! [`Pool`] is only a number. It is `Copy`, and a pool keeps its threads whatever happens to its handles. The threads
//! belong to a registry in this library, of which a process has one.
//!
//! ```
//! use corebook::pool::Pool;
//!
//! let pool = Pool::new(2);
//! let squares = pool.map(|x| x * x, 0..5);
//! assert_eq!(squares, [0, 1, 4, 9, 16]);
//! ```
// The modules, each above the next; `pool/README.md` describes the design:
//
// * `api`: the methods of `Pool`, thin and generic
// * `status`: what `%pool status` prints
// * `erased`: from items to results, without their types
// * `schedule`: which worker runs which items, and when to stop
// * `threads`: the threads, which are rayon's; all pools of the process; panics of items
//
// No module here knows cells or the kernel, except for the events that it sends.

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

/// The locks of this module; see [`crate::fork`]. The locks of single jobs are not among them: a fork loses unfinished
/// work, and waiting for it there panics with a message.
pub(crate) static LOCKS: [&dyn Lock; 4] = [
    &threads::registry::REGISTRY,
    &api::labels::KEPT,
    &api::builder::DEFAULT,
    &api::builder::WARNED,
];

/// Gives the thread that runs cells a new global pool of rayon, in a fork of the worker. The threads of a pool start
/// when it is next used.
pub(crate) fn resume() {
    threads::workers::adopt_this_thread();
}

/// Runs the examples of the migration table.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/multiprocessing.md")]
struct MigrationTable;
