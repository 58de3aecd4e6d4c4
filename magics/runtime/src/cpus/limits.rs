//! What keeps a process from using the whole machine, in words.

use super::list::format_list;

/// The environment variable that caps the workers of every pool, for example in a classroom.
pub const WORKERS_VARIABLE: &str = "COREBOOK_WORKERS";

/// One thing that cut the number of usable cores down.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// The process may run on these CPUs only.
    Affinity {
        /// Ascending.
        cpus: Vec<usize>,
    },
    /// The control group's files name these CPUs.
    Cpuset {
        /// Ascending.
        cpus: Vec<usize>,
    },
    /// The control group limits the processor time.
    Quota {
        /// The time allowed in each period, as a number of CPUs; may be a fraction.
        quota: f64,
        /// Logical CPUs of the machine.
        logical: usize,
    },
    /// [`WORKERS_VARIABLE`] is set.
    Variable {
        /// Its value.
        workers: usize,
    },
    /// [`std::thread::available_parallelism`] is less than everything above allows.
    Parallelism {
        /// Its value.
        threads: usize,
    },
}

/// As `%cpus` names it, for example `cgroup quota 3.5 of 16 CPUs`.
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

/// At most two decimals: a quota is a quotient of microseconds.
pub(super) fn round(quota: f64) -> f64 {
    (quota * 100.0).round() / 100.0
}

pub(super) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
