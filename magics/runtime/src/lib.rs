//! What notebook cells link to: a pool that stays alive across cells, a timing harness, core
//! counting and rich output. The same library works in a plain Rust program.
//!
//! Modules in reading order:
//!
//! * [`prelude`]: what every cell imports
//! * [`pool`]: a handle to a pool of threads, and parallel maps on it
//! * [`cpus`]: how many cores there are, and how many of them this process may use
//! * [`timing`]: best-of-N measurement behind `%timeit`, `%time` and `%compare`
//! * [`display`]: rich output and the value of a cell's last expression
//! * [`progress`]: a bar that counts finished items
//! * [`cancel`]: how an interrupt reaches running code
//! * [`event`]: what the runtime tells the kernel, as typed messages
//! * `print`: `eprintln!` and its kin for cells
//! * [`cell`]: what the worker calls before and after each cell
//! * [`store`]: where cells keep their variables
//! * `fork`, `lock`: forking the process that runs cells
//!
//! Everything public is a thin generic shell over a precompiled core, because each cell compiles the
//! generics it uses anew.

#[doc(hidden)]
pub mod __private;
pub mod cancel;
mod cell;
pub mod cpus;
pub mod display;
mod event;
mod fork;
mod lock;
mod panic_report;
pub mod pool;
pub mod prelude;
pub mod progress;
// Public at this path for the compiler shim, which writes it into cells; else see `__private`.
#[doc(hidden)]
pub mod store;
pub mod timing;
mod workers_used;

// Last, because its macros have the names of std's and hide them from here on.
mod print;
