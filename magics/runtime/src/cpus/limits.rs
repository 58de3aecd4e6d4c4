//! The limits that keep a process from using the whole machine, and their text. Reads nothing from the system.

use super::list::format_list;

/// The environment variable that limits the number of usable cores, for example in a classroom. Only positive
/// numbers count.
pub const WORKERS_VARIABLE: &str = "COREBOOK_WORKERS";

/// A limit that reduced the number of usable cores.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// The affinity mask: the process may run on these CPUs only.
    Affinity {
        /// Ascending.
        cpus: Vec<usize>,
    },
    /// The cpuset of the control group: the process may run on these CPUs only.
    Cpuset {
        /// Ascending.
        cpus: Vec<usize>,
    },
    /// The control group limits the processor time.
    Quota {
        /// The time allowed in each period, as a number of CPUs. It may be a fraction.
        quota: f64,
        /// The number of logical CPUs of the machine.
        logical: usize,
    },
    /// [`WORKERS_VARIABLE`] is set.
    Variable {
        /// Its value.
        workers: usize,
    },
    /// [`std::thread::available_parallelism`] is lower than all other limits.
    Parallelism {
        /// Its value.
        threads: usize,
    },
}

/// Writes the limit as `%cpus` does, for example `cgroup quota 3.5 of 16 CPUs`.
impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Affinity { cpus } => write!(f, "CPU affinity {}", format_list(cpus)),
            Self::Cpuset { cpus } => write!(f, "cgroup cpuset {}", format_list(cpus)),
            Self::Quota { quota, logical } => {
                write!(
                    f,
                    "cgroup quota {} of {logical} CPU{}",
                    round(*quota),
                    plural(*logical)
                )
            }
            Self::Variable { workers } => write!(f, "{WORKERS_VARIABLE}={workers}"),
            Self::Parallelism { threads } => write!(f, "the system allows {threads} at once"),
        }
    }
}

/// Rounds a quota, which is a quotient, to two decimals.
pub(super) fn round(quota: f64) -> f64 {
    (quota * 100.0).round() / 100.0
}

pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
