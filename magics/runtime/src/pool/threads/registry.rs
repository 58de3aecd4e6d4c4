//! All pools of the process, by number. A handle is only a number, so no cell can lose a pool.
//!
//! Threads do not survive a fork: a forked process starts the threads of all open pools again when it first uses one.
//! This module never runs work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::workers::{InFlight, StartError, Workers};
use crate::event::PoolReport;
use crate::workers_used;

pub(crate) static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    process: 0,
    pools: Vec::new(),
});

pub(crate) struct Registry {
    /// The process that started the threads.
    process: u32,
    pools: Vec<Entry>,
}

/// The settings of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) workers: usize,
    pub(crate) is_pinned: bool,
}

struct Entry {
    /// `None` for a pool without a name.
    name: Option<String>,
    settings: Settings,
    workers: Option<Arc<Workers>>,
    usage: Arc<Usage>,
}

/// How much a pool was used since it was first opened.
#[derive(Default)]
pub(crate) struct Usage {
    items: AtomicU64,
    busy_ns: AtomicU64,
    /// The bits of an `f64`, plus 1. 0 means that there was no map.
    last_utilisation: AtomicU64,
}

/// A use of the workers of a pool. Closing the pool waits until it is dropped.
pub(crate) struct Lease {
    pub(crate) in_flight: InFlight,
    pub(crate) usage: Arc<Usage>,
}

/// Opens the pool with this name, or changes the workers of the open one. Returns its number.
pub(crate) fn open(name: Option<&str>, settings: Settings) -> Result<u32, StartError> {
    let mut registry = lock();
    let known = registry
        .pools
        .iter()
        .position(|entry| name.is_some() && entry.name.as_deref() == name);
    let number = known.unwrap_or(registry.pools.len());
    if known.is_some_and(|number| {
        let entry = &registry.pools[number];
        entry.workers.is_some() && entry.settings == settings
    }) {
        return Ok(number_of(number));
    }
    let workers = Some(start(name, &settings)?);
    let retired = match known {
        Some(number) => {
            let entry = &mut registry.pools[number];
            entry.settings = settings;
            std::mem::replace(&mut entry.workers, workers)
        }
        None => {
            let entry = Entry {
                name: name.map(str::to_owned),
                settings,
                workers,
                usage: Arc::default(),
            };
            registry.pools.push(entry);
            None
        }
    };
    drop(registry);
    if let Some(retired) = retired {
        retired.retire();
    }
    Ok(number_of(number))
}

/// Gives a pool new workers, whether it is open or closed.
pub(crate) fn resize(number: u32, settings: Settings) -> Result<(), StartError> {
    let mut registry = lock();
    let entry = &mut registry.pools[number as usize];
    let workers = Some(start(entry.name.as_deref(), &settings)?);
    entry.settings = settings;
    let retired = std::mem::replace(&mut entry.workers, workers);
    drop(registry);
    if let Some(retired) = retired {
        retired.retire();
    }
    Ok(())
}

/// Closes a pool: waits for its work and joins its threads. Returns whether it was open.
pub(crate) fn close(number: u32) -> bool {
    let mut registry = lock();
    let workers = registry.pools[number as usize].workers.take();
    drop(registry);
    if let Some(workers) = &workers {
        workers.close();
    }
    workers.is_some()
}

pub(crate) fn number_by_name(name: &str) -> Option<u32> {
    let registry = lock();
    registry
        .pools
        .iter()
        .position(|entry| entry.name.as_deref() == Some(name))
        .map(number_of)
}

/// Registers a use of the workers. Returns a message for the user when the pool is closed.
pub(crate) fn lease(number: u32) -> Result<Lease, String> {
    let registry = lock();
    let entry = &registry.pools[number as usize];
    match &entry.workers {
        Some(workers) => Ok(Lease {
            in_flight: workers.enter(),
            usage: Arc::clone(&entry.usage),
        }),
        None => Err(match entry.name.as_deref() {
            Some("pool") => "pool is closed: run %pool to open it".to_owned(),
            Some(name) => format!("{name} is closed: run %pool --name {name} to open it"),
            None => "pool is closed: make a new one with Pool::new".to_owned(),
        }),
    }
}

/// Returns the settings of a pool, and whether it is open.
pub(crate) fn settings(number: u32) -> (Settings, bool) {
    let entry = &lock().pools[number as usize];
    (entry.settings.clone(), entry.workers.is_some())
}

pub(crate) fn reports() -> Vec<PoolReport> {
    let registry = lock();
    let reports = registry
        .pools
        .iter()
        .enumerate()
        .map(|(index, entry)| PoolReport {
            name: entry
                .name
                .clone()
                .unwrap_or_else(|| format!("pool {}", index + 1)),
            workers: entry
                .workers
                .as_ref()
                .map_or(0, |workers| workers.count() as u64),
            items_mapped: entry.usage.items.load(Ordering::Relaxed),
            busy_ns: entry.usage.busy_ns.load(Ordering::Relaxed),
            last_utilisation: entry.usage.last_utilisation(),
        });
    reports.collect()
}

impl Lease {
    /// Adds a finished map to the statistics that `%pool status` shows.
    pub(crate) fn record(&self, items: usize, busy: Duration, elapsed: Duration) {
        let nanoseconds =
            |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if items > 0 {
            workers_used::note(self.in_flight.workers().count());
        }
        self.usage.items.fetch_add(items as u64, Ordering::Relaxed);
        self.usage
            .busy_ns
            .fetch_add(nanoseconds(busy), Ordering::Relaxed);
        let available = elapsed.as_secs_f64() * self.in_flight.workers().count() as f64;
        let share = if available > 0.0 {
            (busy.as_secs_f64() / available).min(1.0)
        } else {
            0.0
        };
        self.usage
            .last_utilisation
            .store(share.to_bits() + 1, Ordering::Relaxed);
    }
}

impl Usage {
    /// Negative before the first map.
    fn last_utilisation(&self) -> f64 {
        self.last_utilisation
            .load(Ordering::Relaxed)
            .checked_sub(1)
            .map_or(-1.0, f64::from_bits)
    }
}

fn start(name: Option<&str>, settings: &Settings) -> Result<Arc<Workers>, StartError> {
    let pins = if settings.is_pinned {
        crate::cpus::usable_cores()
    } else {
        Vec::new()
    };
    Workers::start(name.unwrap_or("pool"), settings.workers, pins)
}

fn number_of(index: usize) -> u32 {
    u32::try_from(index).expect("a pool holds threads, so there are never four billion of them")
}

fn lock() -> MutexGuard<'static, Registry> {
    let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if registry.process != process {
        if registry.process != 0 {
            registry.restart_threads();
        }
        registry.process = process;
    }
    registry
}

impl Registry {
    fn restart_threads(&mut self) {
        for entry in &mut self.pools {
            // The threads belong to another process. Only that process may drop their handles.
            if let Some(lost) = entry.workers.take() {
                std::mem::forget(lost);
                entry.workers = start(entry.name.as_deref(), &entry.settings).ok();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(number: u32) -> PoolReport {
        reports().swap_remove(number as usize)
    }

    #[test]
    fn use_is_a_share_of_the_time_of_all_workers() {
        let settings = Settings {
            workers: 2,
            is_pinned: false,
        };
        let number = open(None, settings).expect("two threads start");
        let lease = lease(number).expect("the pool is open");
        assert!(report(number).last_utilisation < 0.0);
        let seconds = Duration::from_secs;
        lease.record(5, seconds(3), seconds(2));
        let first = report(number);
        assert_eq!((first.items_mapped, first.busy_ns), (5, 3_000_000_000));
        assert_eq!(first.last_utilisation, 0.75);
        // Clocks are not exact.
        lease.record(2, seconds(9), seconds(4));
        assert_eq!(report(number).last_utilisation, 1.0);
        lease.record(0, seconds(0), seconds(0));
        let last = report(number);
        assert_eq!((last.items_mapped, last.busy_ns), (7, 12_000_000_000));
        assert_eq!(last.last_utilisation, 0.0);
        drop(lease);
        assert_eq!(last.workers, 2);
        assert!(close(number));
        assert!(!close(number));
        assert_eq!(report(number).workers, 0);
    }
}
