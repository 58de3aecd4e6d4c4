//! Opens and closes pools: by name for `%pool`, and with a builder in programs. Runs no work.

use std::sync::Mutex;

use super::handle::Pool;
use super::labels;
use crate::cpus;
use crate::event::{self, Event};
use crate::pool::threads::panics;
use crate::pool::threads::registry::{self, Settings};
use crate::timing::format;

/// Opens the pool with this name, or changes the workers of the open one. `%pool` expands to a call. Prints the result,
/// for example `pool: 8 workers, one per physical core`.
///
/// * `workers`: the number of workers; without it, one for each usable physical core.
/// * `logical`: whether `None` means one worker for each usable logical CPU instead.
/// * `pin`: whether each worker is bound to its own physical core.
///
/// Warns on stderr, once for each pool, of more workers than usable cores.
///
/// # Panics
///
/// When `workers` is 0, or the system cannot start this many threads.
///
/// # Examples
///
/// ```
/// let pool = corebook::__private::pool::open("pool", Some(2), false, false);
/// assert_eq!(pool.map(|x| x + 1, 0..3), [1, 2, 3]);
/// corebook::__private::pool::close("pool");
/// ```
#[track_caller]
pub fn open(name: &str, workers: Option<usize>, logical: bool, pin: bool) -> Pool {
    let report = cpus::live();
    let (count, what) = match (workers, logical) {
        (Some(workers), _) => (workers, ""),
        (None, true) => (report.usable_logical(), ", one per logical CPU"),
        (None, false) if report.physical().is_none() => (report.usable(), ", one per logical CPU"),
        (None, false) => (report.usable(), ", one per physical core"),
    };
    let pool = build(Some(name), count, pin);
    let pinned = if pin { ", pinned" } else { "" };
    let workers = format::count(count as u64, "worker");
    println!("{name}: {workers}{what}{pinned}");
    let usable = if logical {
        report.usable_logical()
    } else {
        report.usable()
    };
    if count > usable && is_first_warning(name) {
        event::send(&Event::Stderr {
            text: too_many(name, count, usable, logical),
        });
    }
    pool
}

/// Closes the pool with this name: finishes its work, joins its threads and prints `pool: closed`. `%pool close`
/// expands to a call.
///
/// If the pool is not open, it only prints this.
pub fn close(name: &str) {
    let was_open = registry::number_by_name(name).is_some_and(registry::close);
    println!(
        "{name}: {}",
        if was_open { "closed" } else { "is not open" }
    );
}

impl Pool {
    /// Opens a new pool with this many workers.
    ///
    /// # Panics
    ///
    /// When `workers` is 0, or the system cannot start this many threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use corebook::{cpus, pool::Pool};
    ///
    /// let pool = Pool::new(cpus::usable());
    /// assert_eq!(pool.sum(|x| x, 0..10), 45);
    /// ```
    #[track_caller]
    pub fn new(workers: usize) -> Self {
        build(None, workers, false)
    }

    /// Returns a builder, which opens a new pool with more settings than [`Pool::new`].
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = corebook::pool::Pool::builder().workers(2).pin(true).open();
    /// assert_eq!(pool.workers(), 2);
    /// ```
    pub fn builder() -> Builder {
        Builder {
            workers: None,
            is_pinned: false,
        }
    }

    /// Changes the number of workers, and opens the pool if it is closed. Running maps finish on the old workers.
    ///
    /// # Panics
    ///
    /// When `workers` is 0, or the system cannot start this many threads.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = corebook::pool::Pool::new(2);
    /// pool.resize(3);
    /// assert_eq!(pool.workers(), 3);
    /// ```
    #[track_caller]
    pub fn resize(self, workers: usize) {
        let (mut settings, is_open) = registry::settings(self.number);
        if !is_open || settings.workers != workers {
            settings.workers = at_least_one(workers);
            if let Err(error) = registry::resize(self.number, settings) {
                panics::fail(error.to_string());
            }
        }
    }

    /// Finishes the pool's work and joins its threads. Returns whether the pool was open.
    ///
    /// If a worker of the pool itself calls this, it does not wait: the threads end after their work.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = corebook::pool::Pool::new(2);
    /// assert!(pool.close());
    /// assert!(!pool.close());
    /// ```
    pub fn close(self) -> bool {
        registry::close(self.number)
    }
}

/// The settings of a pool that is not open yet; made by [`Pool::builder`].
///
/// # Examples
///
/// ```
/// let pool = corebook::pool::Pool::builder().workers(2).open();
/// assert_eq!(pool.workers(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct Builder {
    workers: Option<usize>,
    is_pinned: bool,
}

impl Builder {
    /// Sets the number of workers. The default is one for each usable physical core.
    pub fn workers(self, workers: usize) -> Self {
        Self {
            workers: Some(workers),
            ..self
        }
    }

    /// Sets whether each worker is bound to its own physical core. Only Linux can do this. If there are more workers
    /// than cores, several workers share a core.
    pub fn pin(self, pin: bool) -> Self {
        Self {
            is_pinned: pin,
            ..self
        }
    }

    /// Opens the pool.
    ///
    /// # Panics
    ///
    /// When the number of workers is 0, or the system cannot start this many threads.
    #[track_caller]
    pub fn open(self) -> Pool {
        build(
            None,
            self.workers.unwrap_or_else(cpus::usable),
            self.is_pinned,
        )
    }
}

pub(crate) static DEFAULT: Mutex<Option<Pool>> = Mutex::new(None);

pub(super) fn default_pool() -> Pool {
    let mut default = DEFAULT
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    *default.get_or_insert_with(|| Pool::builder().open())
}

#[track_caller]
fn build(name: Option<&str>, workers: usize, is_pinned: bool) -> Pool {
    match registry::open(
        name,
        Settings {
            workers: at_least_one(workers),
            is_pinned,
        },
    ) {
        Ok(number) => Pool::from_number(number),
        Err(error) => panics::fail(error.to_string()),
    }
}

#[track_caller]
fn at_least_one(workers: usize) -> usize {
    if workers == 0 {
        panics::fail("a pool of 0 workers does nothing: ask for at least 1".to_owned());
    }
    workers
}

/// The names of the pools for which the warning about many workers was shown.
pub(crate) static WARNED: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

fn is_first_warning(name: &str) -> bool {
    let mut warned = WARNED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_first = !warned.contains(&name);
    if is_first {
        warned.push(labels::keep(name));
    }
    is_first
}

fn too_many(name: &str, workers: usize, usable: usize, logical: bool) -> String {
    let unit = if logical { "CPU" } else { "core" };
    let plural = if usable == 1 { "" } else { "s" };
    format!(
        "{name}: {workers} workers share {usable} usable {unit}{plural}: more workers than that rarely help\n"
    )
}
