//! How many cores there are, and how many of them this process may use.
//!
//! On Linux the answer comes from sysfs, the affinity mask of the process and its control groups; see [`read`]. On
//! other systems it comes from the operating system. What a machine does not report is unknown, never guessed.
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

/// Returns the number of physical cores of this machine that are online.
///
/// If the machine does not report which CPUs share a core, this is the number of logical CPUs;
/// [`Report::physical`] distinguishes the two cases.
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

/// Returns the number of logical CPUs of this machine that are online.
///
/// # Examples
///
/// ```
/// assert!(corebook::cpus::logical() >= 1);
/// ```
pub fn logical() -> usize {
    live().logical()
}

/// Returns how many workers a pool should have: the physical cores in the affinity mask of the process, limited by
/// its CPU quota (rounded down) and by [`WORKERS_VARIABLE`], at least 1.
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
