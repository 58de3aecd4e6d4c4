//! Parallel maps that are as easy as Python's, measured honestly: the library behind the notebook kernel
//! corebook. It works the same in a plain Rust program.
//!
//! * [`pool`]: [`Pool`](pool::Pool), a handle to threads that stay alive, and parallel maps on it
//! * [`cpus`]: how many cores there are, and how many of them this process may use
//! * [`timing`]: best-of-N measurement, and comparison of several ways to do the same
//! * [`display`]: rich output: HTML, pictures, formulas
//! * [`progress`]: a progress bar for loops
//! * [`cancel`]: how an interrupt reaches running code
//!
//! # In a notebook
//!
//! Every cell imports the [`prelude`]. Magics use this library:
//!
//! | in a cell | what it uses |
//! |---|---|
//! | `%pool` | opens a [`Pool`](pool::Pool) with one worker per usable core and binds it to `pool` |
//! | `pool.map(\|x\| x * x, 0..24)` | [`Pool::map`](pool::Pool::map) and its relatives |
//! | `%cpus` | [`cpus::live`] |
//! | `%timeit f(x)` | [`timing::timeit`] |
//! | `%compare f(x) ;; g(x)` | [`timing::compare`] |
//! | `html("<b>done</b>")` | [`display::html`] |
//!
//! All cells link to one copy of this library, so a pool that one cell opens works in every later one.
//!
//! # In a program
//!
//! ```toml
//! [dependencies]
//! corebook = { git = "https://github.com/corebook/corebook" }
//! ```
//!
//! ```
//! use corebook::cpus;
//! use corebook::pool::Pool;
//!
//! let pool = Pool::new(cpus::usable());
//! let squares = pool.map(|x| x * x, 0..5u64);
//! assert_eq!(squares, [0, 1, 4, 9, 16]);
//!
//! // Results and captured variables may borrow from the caller.
//! let words = vec!["one", "three"];
//! let longest = pool.max_by_key(|word| word.len(), &words);
//! assert_eq!(longest, Some(&"three"));
//! ```
//!
//! [`pool::Pool::default`] is a pool for the whole program. `examples/primes.rs` counts cores, maps, times and
//! compares. `docs/multiprocessing.md` lists the counterpart of each call of Python's `multiprocessing`.
//!
//! # The prelude
//!
//! `use corebook::prelude::*;` imports what cells have: [`Pool`](pool::Pool), [`cpus`], the functions of [`display`],
//! [`progress()`](progress::progress), [`black_box`](std::hint::black_box), and the types of results that magics bind.
//! Cells also import the macros [`dbg!`], [`eprint!`] and [`eprintln!`] of this crate, which keep text for stderr in
//! order with text for stdout. In a program, use those of std.
//!
//! # Warnings
//!
//! **Thread-local data.** Functions that a pool calls run on its workers, also those given to
//! [`Pool::install`](pool::Pool::install) and [`Pool::apply`](pool::Pool::apply). They do not see the thread-local
//! variables of the caller, and each worker has its own. A random number generator in a thread-local variable gives
//! each worker different numbers; seed one per item if results have to be repeatable.
//!
//! **Order of execution.** Chunks of items *start* in order and *finish* in any order. Results are in order; side
//! effects are not. An item must not wait for a later item of the same map, for example by a channel or a barrier: the
//! later one may start only when a worker is free.
//!
//! **Locks.** A worker that waits for another pool, or in a function of rayon, runs other tasks of its own pool
//! meanwhile. Do not hold a lock across such a call if those tasks take it too.
//!
//! **Panics.** If an item panics, the map stops and the caller panics. Finished results are dropped, but side effects
//! have happened.
//!
//! # Questions
//!
//! **How many threads should a pool have?** As many as there are usable physical cores: [`cpus::usable`] knows
//! about affinity, control groups and the environment variable `COREBOOK_WORKERS`. Hyper-threads rarely speed up
//! computations.
//!
//! **Is it rayon?** The threads are rayon's, and rayon's functions run on them within
//! [`Pool::install`](pool::Pool::install). The maps are implemented here: they stop between two items on an interrupt,
//! name the item that panicked, show progress, and add little to the compile time of a cell.
//!
//! **Why does the compiler reject my closure?** Several threads call it at once, so all that it captures must be
//! [`Sync`]: use an `Arc` instead of an `Rc`, a `Mutex` instead of a `RefCell`, an atomic instead of a `Cell`. In the
//! background (`map_async`, `imap`) it must own what it captures: write `move`.
//!
//! **Why is my parallel map slower?** Perhaps an item takes nanoseconds and the results are large: then memory is the
//! limit, not the cores. [`timing::compare`] shows the speed-up with an interval. A sum
//! ([`Pool::sum`](pool::Pool::sum)) stores no results.
//!
//! **Do pools survive a fork?** Handles do: a forked process starts its own threads when it first uses a pool. Work
//! that ran at the time of the fork is lost there, and waiting for it panics with a message.
//!
//! **Is a sum of floats the same each time?** Yes, for the same number of items and the same
//! [`chunksize`](pool::Pool::chunksize), with any number of workers.

// Modules that are not public, in reading order:
//
// * `event`: messages to the kernel
// * `print`: `eprintln!` and its relatives for cells
// * `panic_report`, `workers_used`: what pools, measuring and cells share
// * `store`: where cells keep their variables
// * `ending`: how a cell ends early
// * `cell`: functions that the worker calls before and after each cell
// * `fork`, `lock`: forking the process that runs cells
// * `__private`: paths for generated code and for the kernel
//
// They form layers; `tests/layers.rs` checks this. Public functions are thin generic shells over precompiled code,
// because each cell compiles the generic functions that it uses.

#![warn(missing_docs)]

#[doc(hidden)]
pub mod __private;
pub mod cancel;
mod cell;
pub mod cpus;
pub mod display;
mod ending;
mod evcxr;
mod event;
mod fork;
mod lock;
mod panic_report;
pub mod pool;
pub mod prelude;
pub mod progress;
mod store;
pub mod timing;
mod workers_used;

// Last, because from here on its macros hide those of std with the same names.
mod print;
