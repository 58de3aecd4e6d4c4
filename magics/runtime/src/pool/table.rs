//! Every pool of the process, by number, so that a handle is a number and no cell can lose a pool.
//!
//! Threads do not survive a fork: in a process that another one forked, a pool's threads are started
//! anew at its first use. This module never runs work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::workers::{InFlight, StartError, Workers};
use crate::event::PoolReport;
use crate::workers_used;

pub(super) static TABLE: Mutex<Table> = Mutex::new(Table {
    process: 0,
    slots: Vec::new(),
});

pub(super) struct Table {
    /// The process that started the threads.
    process: u32,
    slots: Vec<Slot>,
}

/// How a pool is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) workers: usize,
    pub(super) is_pinned: bool,
}

struct Slot {
    /// Nothing for a pool that was not opened by name.
    name: Option<String>,
    settings: Settings,
    workers: Option<Arc<Workers>>,
    usage: Arc<Usage>,
}

/// What a pool has done since it was first opened.
#[derive(Default)]
pub(super) struct Usage {
    items: AtomicU64,
    busy_ns: AtomicU64,
    /// As bits of an `f64`, plus 1 so that 0 means that there was no map.
    last_utilisation: AtomicU64,
}

/// A use of a pool's workers; they are not joined before it is dropped.
pub(super) struct Lease {
    pub(super) in_flight: InFlight,
    pub(super) usage: Arc<Usage>,
}

/// Opens the pool of this name, or gives the open one other workers. Returns its number.
pub(super) fn open(name: Option<&str>, settings: Settings) -> Result<u32, StartError> {
    let mut table = lock();
    let known = table
        .slots
        .iter()
        .position(|slot| name.is_some() && slot.name.as_deref() == name);
    let number = known.unwrap_or(table.slots.len());
    if known.is_some_and(|number| {
        let slot = &table.slots[number];
        slot.workers.is_some() && slot.settings == settings
    }) {
        return Ok(number_of(number));
    }
    let workers = Some(start(name, &settings)?);
    let retired = match known {
        Some(number) => {
            let slot = &mut table.slots[number];
            slot.settings = settings;
            std::mem::replace(&mut slot.workers, workers)
        }
        None => {
            let slot = Slot {
                name: name.map(str::to_owned),
                settings,
                workers,
                usage: Arc::default(),
            };
            table.slots.push(slot);
            None
        }
    };
    drop(table);
    if let Some(retired) = retired {
        retired.retire();
    }
    Ok(number_of(number))
}

/// Gives an open or closed pool other workers.
pub(super) fn resize(number: u32, settings: Settings) -> Result<(), StartError> {
    let mut table = lock();
    let slot = &mut table.slots[number as usize];
    let workers = Some(start(slot.name.as_deref(), &settings)?);
    slot.settings = settings;
    let retired = std::mem::replace(&mut slot.workers, workers);
    drop(table);
    if let Some(retired) = retired {
        retired.retire();
    }
    Ok(())
}

/// Closes a pool: waits for its work and joins its threads. Returns whether it was open.
pub(super) fn close(number: u32) -> bool {
    let mut table = lock();
    let workers = table.slots[number as usize].workers.take();
    drop(table);
    if let Some(workers) = &workers {
        workers.close();
    }
    workers.is_some()
}

pub(super) fn number_by_name(name: &str) -> Option<u32> {
    let table = lock();
    table
        .slots
        .iter()
        .position(|slot| slot.name.as_deref() == Some(name))
        .map(number_of)
}

/// A use of the pool's workers, or, when it is closed, what to tell the user.
pub(super) fn lease(number: u32) -> Result<Lease, String> {
    let table = lock();
    let slot = &table.slots[number as usize];
    match &slot.workers {
        Some(workers) => Ok(Lease {
            in_flight: workers.enter(),
            usage: Arc::clone(&slot.usage),
        }),
        None => Err(match slot.name.as_deref() {
            Some("pool") => "pool is closed: run %pool to open it".to_owned(),
            Some(name) => format!("{name} is closed: run %pool --name {name} to open it"),
            None => "pool is closed: make a new one with Pool::new".to_owned(),
        }),
    }
}

/// How the pool was asked for, and whether it is open.
pub(super) fn settings(number: u32) -> (Settings, bool) {
    let slot = &lock().slots[number as usize];
    (slot.settings.clone(), slot.workers.is_some())
}

pub(super) fn reports() -> Vec<PoolReport> {
    let table = lock();
    let reports = table
        .slots
        .iter()
        .enumerate()
        .map(|(index, slot)| PoolReport {
            name: slot
                .name
                .clone()
                .unwrap_or_else(|| format!("pool {}", index + 1)),
            workers: slot
                .workers
                .as_ref()
                .map_or(0, |workers| workers.count() as u64),
            items_mapped: slot.usage.items.load(Ordering::Relaxed),
            busy_ns: slot.usage.busy_ns.load(Ordering::Relaxed),
            last_utilisation: slot.usage.last_utilisation(),
        });
    reports.collect()
}

impl Lease {
    /// Adds a finished map to what `%pool status` shows.
    pub(super) fn record(&self, items: usize, busy: Duration, elapsed: Duration) {
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

fn lock() -> MutexGuard<'static, Table> {
    let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if table.process != process {
        if table.process != 0 {
            table.start_anew();
        }
        table.process = process;
    }
    table
}

impl Table {
    fn start_anew(&mut self) {
        for slot in &mut self.slots {
            // The threads are those of another process: even to drop their handles is not ours.
            if let Some(lost) = slot.workers.take() {
                std::mem::forget(lost);
                slot.workers = start(slot.name.as_deref(), &slot.settings).ok();
            }
        }
    }
}
