//! Clocks: those of the system, and one that tests move. They never format a time.

use std::sync::OnceLock;
use std::time::Instant;

/// Two clocks that never run backwards. Both count nanoseconds from an arbitrary start.
pub(super) trait Clock {
    /// Real time.
    fn wall_ns(&self) -> u64;
    /// Processor time of this process, summed over all its threads.
    fn cpu_ns(&self) -> u64;
}

/// The clocks of the machine.
pub(super) struct SystemClock;

impl Clock for SystemClock {
    fn wall_ns(&self) -> u64 {
        static START: OnceLock<Instant> = OnceLock::new();
        let start = START.get_or_init(Instant::now);
        u64::try_from(start.elapsed().as_nanos()).expect("584 years have not passed")
    }

    #[cfg(unix)]
    fn cpu_ns(&self) -> u64 {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` is a valid, writable timespec for the length of the call.
        let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
        assert_eq!(
            status, 0,
            "every Unix has a clock for the process's CPU time"
        );
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }

    #[cfg(not(unix))]
    fn cpu_ns(&self) -> u64 {
        // There is no such clock here.
        self.wall_ns()
    }
}

/// CPU time of this process in seconds, as the system splits it.
#[derive(Debug, Clone, Copy)]
pub(super) struct CpuTime {
    pub user: f64,
    pub system: f64,
}

impl CpuTime {
    #[cfg(unix)]
    pub fn now() -> Self {
        // SAFETY: zero bytes are a valid rusage, which is integers throughout.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: `usage` is a valid, writable rusage for the length of the call.
        let status = unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
        assert_eq!(status, 0, "a process may always ask about itself");
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        CpuTime {
            user: seconds(usage.ru_utime),
            system: seconds(usage.ru_stime),
        }
    }

    #[cfg(not(unix))]
    pub fn now() -> Self {
        CpuTime {
            user: SystemClock.cpu_ns() as f64 / 1e9,
            system: 0.0,
        }
    }
}

/// A clock that stands still until a test moves it.
#[cfg(test)]
pub(super) struct TestClock {
    wall_ns: std::cell::Cell<u64>,
    cpu_ns: std::cell::Cell<u64>,
}

/// Like the clocks of the system, these do not start at 0: only differences count.
#[cfg(test)]
impl Default for TestClock {
    fn default() -> Self {
        Self {
            wall_ns: std::cell::Cell::new(5_000_000_000_000),
            cpu_ns: std::cell::Cell::new(3_000_000_000_000),
        }
    }
}

#[cfg(test)]
impl TestClock {
    /// Moves the clocks by `ns` of real time and `cpu_ns` of processor time.
    pub fn pass(&self, ns: u64, cpu_ns: u64) {
        self.wall_ns.set(self.wall_ns.get() + ns);
        self.cpu_ns.set(self.cpu_ns.get() + cpu_ns);
    }
}

#[cfg(test)]
impl Clock for TestClock {
    fn wall_ns(&self) -> u64 {
        self.wall_ns.get()
    }

    fn cpu_ns(&self) -> u64 {
        self.cpu_ns.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_clock_runs_backwards() {
        let before = (SystemClock.wall_ns(), SystemClock.cpu_ns());
        let after = (SystemClock.wall_ns(), SystemClock.cpu_ns());
        assert!(before.0 <= after.0 && before.1 <= after.1);
    }

    #[test]
    fn wall_time_is_in_nanoseconds() {
        // The clock is read between the readings of these two.
        let longer = Instant::now();
        let before = SystemClock.wall_ns();
        let shorter = Instant::now();
        while shorter.elapsed().as_millis() < 20 {}
        let wall_ns = SystemClock.wall_ns() - before;
        assert!(wall_ns >= 20_000_000, "{wall_ns}");
        assert!(wall_ns <= longer.elapsed().as_nanos() as u64, "{wall_ns}");
    }

    /// Both come from the same counter of the system, so other tests in this process do not matter.
    #[test]
    fn user_and_system_time_add_up_to_the_cpu_time() {
        let start = SystemClock.cpu_ns();
        while SystemClock.cpu_ns() - start < 100_000_000 {}
        let before = SystemClock.cpu_ns() as f64 / 1e9;
        let CpuTime { user, system } = CpuTime::now();
        let after = SystemClock.cpu_ns() as f64 / 1e9;
        // Time of the threads that run at this moment may be added up to a tick later.
        let tolerance = 0.05;
        let sum = user + system;
        assert!(
            (before - tolerance..=after + tolerance).contains(&sum),
            "{before} {sum} {after}"
        );
    }
}
