//! The threads of one pool. No other module uses rayon.
//!
//! The size of a set of workers never changes: resizing a pool makes a new set. Dropping a `ThreadPool` of rayon does
//! not wait for its threads, so the join handles are kept here.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::panics;

/// The threads of a pool, and the number of uses in flight.
pub(crate) struct Workers {
    /// Distinguishes sets of workers in one process; never 0.
    number: u64,
    count: usize,
    /// `None` after the workers were asked to end.
    rayon: Mutex<Option<Arc<ThreadPool>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    in_flight: Mutex<usize>,
    settled: Condvar,
}

/// Spawns the helpers of a job. It does not keep the threads alive.
#[derive(Clone)]
pub(crate) struct Spawner {
    pub(crate) number: u64,
    pub(crate) count: usize,
    rayon: Weak<ThreadPool>,
}

/// A use of the workers, which closing the pool waits for.
pub(crate) struct InFlight(Arc<Workers>);

/// Why threads could not be started.
#[derive(Debug)]
pub(crate) struct StartError {
    pub(crate) workers: usize,
    pub(crate) reason: String,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the system does not start {} workers ({}): ask for fewer",
            self.workers, self.reason
        )
    }
}

impl Workers {
    /// Starts `count` threads. If `pins` is not empty, thread i runs only on the CPUs of `pins[i % pins.len()]`.
    pub(crate) fn start(
        name: &str,
        count: usize,
        pins: Vec<Vec<usize>>,
    ) -> Result<Arc<Self>, StartError> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        panics::install_hook();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut threads = Vec::with_capacity(count);
        let pins = Arc::new(pins);
        let spawned = ThreadPoolBuilder::new()
            .num_threads(count)
            .panic_handler(panics::report_detached)
            .spawn_handler(|thread| {
                let pins = Arc::clone(&pins);
                let builder =
                    std::thread::Builder::new().name(format!("{name} {}", thread.index()));
                threads.push(builder.spawn(move || {
                    panics::enter_worker(number);
                    if !pins.is_empty() {
                        pin(&pins[thread.index() % pins.len()]);
                    }
                    thread.run();
                })?);
                Ok(())
            })
            .build();
        match spawned {
            Ok(rayon) => Ok(Arc::new(Self {
                number,
                count,
                rayon: Mutex::new(Some(Arc::new(rayon))),
                threads: Mutex::new(threads),
                in_flight: Mutex::new(0),
                settled: Condvar::new(),
            })),
            Err(error) => {
                // Rayon has asked those that started to end.
                threads.into_iter().for_each(|thread| drop(thread.join()));
                Err(StartError {
                    workers: count,
                    reason: error.to_string(),
                })
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Registers work that closing waits for.
    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        *self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        InFlight(Arc::clone(self))
    }

    pub(crate) fn spawner(&self) -> Spawner {
        let rayon = self.rayon.lock().unwrap_or_else(PoisonError::into_inner);
        let rayon = rayon.as_ref().map(Arc::downgrade).unwrap_or_default();
        Spawner {
            number: self.number,
            count: self.count,
            rayon,
        }
    }

    /// Runs `operation` on a worker, so that functions of rayon in it use these workers.
    pub(crate) fn install<R: Send>(&self, operation: impl FnOnce() -> R + Send) -> R {
        let rayon = self
            .rayon
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match rayon {
            Some(rayon) => rayon.install(operation),
            // A worker closed the pool while this work was in flight.
            None => operation(),
        }
    }

    /// Waits for all work in flight, then ends the threads and joins them.
    ///
    /// Called on one of the workers, it does not wait: the threads end after their work.
    pub(crate) fn close(&self) {
        if panics::is_worker_of(self.number) {
            drop(self.take());
            return;
        }
        let mut in_flight = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while *in_flight > 0 {
            in_flight = self
                .settled
                .wait(in_flight)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(in_flight);
        self.end();
    }

    /// Ends the threads, now if they are idle, otherwise after their last work.
    pub(crate) fn retire(&self) {
        let is_idle = *self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            == 0;
        if is_idle && !panics::is_worker_of(self.number) {
            self.end();
        }
        // Otherwise the last `InFlight` drops the last `Arc<Workers>`, and rayon's pool with it.
    }

    fn end(&self) {
        drop(self.take());
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        // The panic hook has reported a worker that panicked outside of any work.
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }

    fn take(&self) -> Option<Arc<ThreadPool>> {
        self.rayon
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl Spawner {
    /// Gives `task` to the workers. Returns false, and drops the task, if the threads were asked to end.
    pub(crate) fn spawn(&self, task: impl FnOnce() + Send + 'static) -> bool {
        self.rayon
            .upgrade()
            .map(|rayon| rayon.spawn(task))
            .is_some()
    }

    /// Returns whether this thread is one of the workers.
    pub(crate) fn is_here(&self) -> bool {
        panics::is_worker_of(self.number)
    }
}

/// On a worker, runs one waiting task of its own pool. Returns whether there was one.
///
/// For a worker that waits for another pool, because the items of that pool may need this one.
pub(crate) fn serve_own_pool() -> bool {
    panics::is_worker() && matches!(rayon::yield_now(), Some(rayon::Yield::Executed))
}

impl InFlight {
    pub(crate) fn workers(&self) -> &Workers {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        *self
            .0
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.settled.notify_all();
    }
}

/// Makes this thread the first worker of a new pool, for functions of rayon outside of any pool.
///
/// Such functions run on the global pool of rayon, which a process starts only once. A fork has lost the threads of
/// that pool, so code that gives it work would wait for ever. A thread can become a worker only once, so in a fork of
/// the fork no threads are added, and such code runs on this thread alone. Not needed any more once rayon can restart
/// its global pool.
pub(crate) fn adopt_this_thread() {
    // This thread takes no work from others, so the pool has at least one more.
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get().max(2));
    let adopted = ThreadPoolBuilder::new()
        .num_threads(threads)
        .panic_handler(panics::report_detached)
        .use_current_thread()
        .build();
    // Never dropped: the threads are needed as long as this one.
    std::mem::forget(adopted);
}

/// Binds this thread to `cpus`. If the system refuses, the thread stays unbound.
#[cfg(target_os = "linux")]
fn pin(cpus: &[usize]) {
    let mask = mask_of(cpus);
    // SAFETY: `mask` is readable for its whole size; the kernel treats missing words as zeros.
    unsafe { libc::sched_setaffinity(0, size_of_val(mask.as_slice()), mask.as_ptr().cast()) };
}

/// The affinity mask with these CPUs, as long as the highest one needs.
#[cfg(target_os = "linux")]
fn mask_of(cpus: &[usize]) -> Vec<libc::c_ulong> {
    let bits = libc::c_ulong::BITS as usize;
    let words = cpus.iter().max().map_or(1, |highest| highest / bits + 1);
    let mut mask: Vec<libc::c_ulong> = vec![0; words];
    for cpu in cpus {
        mask[cpu / bits] |= 1 << (cpu % bits);
    }
    mask
}

#[cfg(not(target_os = "linux"))]
fn pin(_cpus: &[usize]) {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    use super::*;

    fn start(count: usize) -> Arc<Workers> {
        Workers::start("test", count, Vec::new()).expect("threads start")
    }

    /// Returns how many threads are not joined yet.
    fn threads(workers: &Workers) -> usize {
        let threads = workers.threads.lock();
        threads.unwrap_or_else(PoisonError::into_inner).len()
    }

    #[test]
    fn idle_workers_retire_at_once() {
        let workers = start(2);
        let spawner = workers.spawner();
        let in_flight = workers.enter();
        workers.retire();
        assert_eq!(threads(&workers), 2, "there is work in flight");
        assert!(spawner.spawn(|| {}));
        drop(in_flight);
        workers.retire();
        assert_eq!(threads(&workers), 0);
        assert!(!spawner.spawn(|| {}));
    }

    #[test]
    fn closing_waits_for_all_work_in_flight() {
        let (has_ended, workers) = (AtomicBool::new(false), start(1));
        let uses = [workers.enter(), workers.enter()];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let [first, last] = uses;
                drop(first);
                std::thread::sleep(Duration::from_millis(30));
                has_ended.store(true, Ordering::Relaxed);
                drop(last);
            });
            workers.close();
            assert!(has_ended.load(Ordering::Relaxed));
        });
        assert_eq!(threads(&workers), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn mask_has_one_bit_for_each_cpu() {
        let bits = libc::c_ulong::BITS as usize;
        assert_eq!(mask_of(&[0, 2]), [0b101]);
        assert_eq!(mask_of(&[bits - 1]), [1 << (bits - 1)]);
        assert_eq!(mask_of(&[1, bits, 2 * bits + 3]), [2, 1, 8]);
        assert_eq!(mask_of(&[1, 1]), [2], "a CPU may be named twice");
    }
}
