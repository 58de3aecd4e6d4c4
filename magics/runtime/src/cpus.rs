//! How many cores there are, and how many of them this process may use.
//!
//! On Linux the answer comes from sysfs, the process's affinity mask and its control groups; see
//! [`read`]. Elsewhere the operating system is asked. What a machine does not say is said to be
//! unknown, never guessed.
//!
//! This module prints nothing and starts no thread.

mod cgroup;
mod limits;
mod list;
mod live;
mod report;
mod text;
mod topology;

pub use limits::{Limit, WORKERS_VARIABLE};
pub use list::{ListError, format_list, parse_list};
pub use live::{affinity, live, usable_cores};
pub use report::{ReadError, Report, read};
pub use text::{details, json, summary};

/// Physical cores of this machine that are online.
///
/// Where the machine does not say which CPUs share a core, the number of logical CPUs; [`Report`]
/// tells the two cases apart.
///
/// # Examples
///
/// ```
/// use corebook::cpus;
/// assert!(1 <= cpus::physical() && cpus::physical() <= cpus::logical());
/// ```
pub fn physical() -> usize {
    let report = live();
    report.physical().unwrap_or(report.logical())
}

/// Logical CPUs of this machine that are online.
///
/// # Examples
///
/// ```
/// assert!(corebook::cpus::logical() >= 1);
/// ```
pub fn logical() -> usize {
    live().logical()
}

/// How many workers a pool should have: the physical cores inside the process's affinity mask, cut
/// down to its CPU quota (rounded down), and never below 1.
///
/// # Examples
///
/// ```
/// use corebook::cpus;
/// assert!(1 <= cpus::usable() && cpus::usable() <= cpus::logical());
/// ```
pub fn usable() -> usize {
    live().usable()
}
