//! What is known about the cores of a machine, and how many of them a process may use. Prints nothing.

use std::path::{Path, PathBuf};

use super::cgroup::{read_cpuset, read_quota};
use super::limits::Limit;
use super::topology::{Topology, read_topology};

/// The cores of a machine, and how many of them a process may use.
///
/// # Examples
///
/// ```
/// let report = corebook::cpus::live();
/// assert!(report.usable() >= 1 && report.usable() <= report.logical());
/// assert_eq!(report.allowed_cores().concat().len(), report.allowed().len());
/// println!("{} of {:?}", report.usable(), report.physical());
/// for limit in report.limits() {
///     println!("limited by {limit}");
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    topology: Topology,
    /// The mask of CPUs the process may run on.
    mask: Option<Vec<usize>>,
    mask_origin: MaskOrigin,
    quota: Option<f64>,
    pub(super) workers_cap: Option<usize>,
    pub(super) parallelism: Option<usize>,
    /// What a scheduler set for the process, as pairs of name and value. Only shown.
    pub(super) hints: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum MaskOrigin {
    #[default]
    Affinity,
    Cpuset,
}

/// Why there is no report on a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// No file below the folder lists a CPU.
    NoCpus {
        /// The folder.
        root: PathBuf,
    },
    /// None of the CPUs in the affinity list is online.
    AffinityOffline {
        /// The requested CPUs, as a list such as `0-3,8`.
        affinity: String,
        /// The CPUs that are online, as a list.
        online: String,
    },
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoCpus { root } => write!(
                f,
                "no CPUs found below {}: it must hold sys/devices/system/cpu or proc/cpuinfo",
                root.display()
            ),
            Self::AffinityOffline { affinity, online } => {
                write!(
                    f,
                    "no CPU of the affinity list {affinity} is online: choose from {online}"
                )
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// Makes a report from `/proc` and `/sys` below a root folder.
///
/// * `root`: `/` for this machine, or a copy of another machine's files.
/// * `affinity`: the CPUs that the process may run on. Without it, the cpuset of its control group is used.
///
/// # Errors
///
/// [`ReadError`] when the folder lists no CPU, or no CPU of `affinity` is online.
///
/// # Examples
///
/// ```no_run
/// let report = corebook::cpus::read("/tmp/copy-of-a-server".as_ref(), None)?;
/// println!("{}", corebook::cpus::summary(&report));
/// # Ok::<(), corebook::cpus::ReadError>(())
/// ```
pub fn read(root: &Path, affinity: Option<&[usize]>) -> Result<Report, ReadError> {
    let topology = read_topology(root);
    if topology.online.is_empty() {
        return Err(ReadError::NoCpus {
            root: root.to_owned(),
        });
    }
    let mask_origin = if affinity.is_some() {
        MaskOrigin::Affinity
    } else {
        MaskOrigin::Cpuset
    };
    let mask = affinity
        .map(<[usize]>::to_vec)
        .or_else(|| read_cpuset(root))
        .map(|mut mask| {
            mask.retain(|cpu| topology.online.contains(cpu));
            mask
        });
    match (&mask, affinity) {
        (Some(mask), Some(affinity)) if mask.is_empty() => Err(ReadError::AffinityOffline {
            affinity: super::format_list(affinity),
            online: super::format_list(&topology.online),
        }),
        _ => Ok(Report {
            mask: mask.filter(|mask| !mask.is_empty()),
            mask_origin,
            quota: read_quota(root),
            topology,
            ..Report::default()
        }),
    }
}

impl Report {
    /// Makes a report from counts alone, for systems without sysfs.
    #[cfg_attr(
        target_os = "linux",
        allow(dead_code, reason = "used on other systems, and in tests")
    )]
    pub(super) fn from_counts(physical: Option<usize>, logical: usize) -> Self {
        let online: Vec<usize> = (0..logical).collect();
        let per_core = physical.map(|physical| logical.div_ceil(physical.clamp(1, logical)));
        let cores =
            per_core.map(|per_core| online.chunks(per_core).map(<[usize]>::to_vec).collect());
        Self {
            topology: Topology {
                online,
                cores,
                ..Topology::default()
            },
            ..Self::default()
        }
    }

    /// The number of physical cores that are online, on the whole machine. `None` when the machine does not report
    /// which CPUs share a core.
    pub fn physical(&self) -> Option<usize> {
        self.topology.cores.as_ref().map(Vec::len)
    }

    /// The number of logical CPUs that are online, on the whole machine.
    pub fn logical(&self) -> usize {
        self.topology.online.len()
    }

    /// The number of performance cores and that of efficiency cores of a hybrid machine; `None` for other machines.
    pub fn kinds(&self) -> Option<(usize, usize)> {
        let performance = self.topology.performance.as_ref()?;
        let cores = self.topology.cores.as_ref()?;
        let fast = cores
            .iter()
            .filter(|core| core.iter().any(|cpu| performance.contains(cpu)))
            .count();
        Some((fast, cores.len() - fast))
    }

    /// The fewest and the most CPUs that share a core.
    pub(super) fn cpus_per_core(&self) -> Option<(usize, usize)> {
        let sizes = || self.topology.cores.iter().flatten().map(Vec::len);
        Some((sizes().min()?, sizes().max()?))
    }

    /// How many workers a pool should have: the physical cores in the mask, reduced by every limit, at least 1. CPUs
    /// are counted instead when cores are unknown.
    pub fn usable(&self) -> usize {
        self.cut_down().0
    }

    /// How many logical CPUs the process can use at once, at least 1.
    pub fn usable_logical(&self) -> usize {
        let allowed = self.allowed().len();
        self.caps()
            .into_iter()
            .fold(allowed, |usable, (cap, _)| usable.min(cap))
            .max(1)
    }

    /// The limits that reduced the number of usable cores, in the order in which they were applied.
    pub fn limits(&self) -> Vec<Limit> {
        self.cut_down().1
    }

    /// The numbers of the CPUs that the process may run on, ascending.
    pub fn allowed(&self) -> &[usize] {
        self.mask.as_deref().unwrap_or(&self.topology.online)
    }

    /// The allowed CPUs, grouped by core. Each CPU is its own group when cores are unknown.
    pub fn allowed_cores(&self) -> Vec<Vec<usize>> {
        let allowed = self.allowed();
        match &self.topology.cores {
            None => allowed.iter().map(|&cpu| vec![cpu]).collect(),
            Some(cores) => {
                let inside = |core: &Vec<usize>| {
                    core.iter()
                        .copied()
                        .filter(|cpu| allowed.contains(cpu))
                        .collect()
                };
                cores
                    .iter()
                    .map(inside)
                    .filter(|core: &Vec<usize>| !core.is_empty())
                    .collect()
            }
        }
    }

    /// The quota of the control group, as a number of CPUs; `None` without a limit.
    pub fn quota(&self) -> Option<f64> {
        self.quota
    }

    /// The name of the processor, if the machine reports one.
    pub fn model(&self) -> Option<&str> {
        self.topology.model.as_deref()
    }

    /// The caches of the first core, for example `L1d 32K`.
    pub fn caches(&self) -> &[String] {
        &self.topology.caches
    }

    /// Variables that a scheduler has set for the process, as pairs of name and value. They are not limits.
    pub fn hints(&self) -> &[(String, String)] {
        &self.hints
    }

    fn cut_down(&self) -> (usize, Vec<Limit>) {
        let mut limits = Vec::new();
        let whole = self.physical().unwrap_or(self.logical());
        let mut usable = self.allowed_cores().len().max(1);
        if usable < whole {
            let cpus = self.allowed().to_vec();
            limits.push(match self.mask_origin {
                MaskOrigin::Affinity => Limit::Affinity { cpus },
                MaskOrigin::Cpuset => Limit::Cpuset { cpus },
            });
        }
        for (cap, limit) in self.caps() {
            if cap < usable {
                usable = cap;
                limits.push(limit);
            }
        }
        (usable, limits)
    }

    /// Upper bounds on CPUs used at once, each at least 1.
    fn caps(&self) -> Vec<(usize, Limit)> {
        let quota = self.quota.map(|quota| {
            // The conversion rounds down, as it should, and saturates.
            (
                (quota as usize).max(1),
                Limit::Quota {
                    quota,
                    logical: self.logical(),
                },
            )
        });
        let variable = self
            .workers_cap
            .map(|workers| (workers.max(1), Limit::Variable { workers }));
        let parallelism = self
            .parallelism
            .map(|threads| (threads.max(1), Limit::Parallelism { threads }));
        [quota, variable, parallelism]
            .into_iter()
            .flatten()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_alone_give_cores() {
        let report = Report::from_counts(Some(4), 8);
        assert_eq!(
            (report.physical(), report.logical(), report.usable()),
            (Some(4), 8, 4)
        );
        assert_eq!(Report::from_counts(None, 6).physical(), None);
        assert_eq!(Report::from_counts(None, 6).usable(), 6);
    }

    #[test]
    fn a_quota_below_one_leaves_one_worker() {
        let report = Report {
            quota: Some(0.25),
            ..Report::from_counts(Some(4), 8)
        };
        assert_eq!((report.usable(), report.usable_logical()), (1, 1));
        assert_eq!(
            report.limits(),
            [Limit::Quota {
                quota: 0.25,
                logical: 8
            }]
        );
    }

    #[test]
    fn only_what_cuts_down_is_a_limit() {
        let mut report = Report {
            quota: Some(6.0),
            workers_cap: Some(9),
            ..Report::from_counts(Some(4), 8)
        };
        assert_eq!((report.usable(), report.usable_logical()), (4, 6));
        assert_eq!(report.limits(), []);
        report.mask = Some(vec![0, 1, 2, 3, 4, 5]);
        report.workers_cap = Some(2);
        report.parallelism = Some(2);
        assert_eq!(report.usable(), 2);
        assert_eq!(
            report.limits(),
            [
                Limit::Affinity {
                    cpus: vec![0, 1, 2, 3, 4, 5]
                },
                Limit::Variable { workers: 2 }
            ]
        );
    }
}
