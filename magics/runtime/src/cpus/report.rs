//! What is known about a machine's cores, and the arithmetic on it.

use std::path::{Path, PathBuf};

use super::cgroup::{read_cpuset, read_quota};
use super::limits::Limit;
use super::topology::{Topology, read_topology};

/// The cores of a machine and what a process may use of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    topology: Topology,
    /// The mask of CPUs the process may run on.
    mask: Option<Vec<usize>>,
    mask_origin: MaskOrigin,
    quota: Option<f64>,
    pub(super) workers_cap: Option<usize>,
    pub(super) parallelism: Option<usize>,
    /// What a scheduler set for the process, as pairs of name and value. Shown, not obeyed.
    pub(super) hints: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum MaskOrigin {
    #[default]
    Affinity,
    Cpuset,
}

/// Why a folder gives no report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// Nothing below the folder lists a CPU.
    NoCpus {
        /// The folder.
        root: PathBuf,
    },
    /// None of the CPUs in the affinity list is online.
    AffinityOffline {
        /// The CPUs that were asked for, as a list such as `0-3,8`.
        affinity: String,
        /// The CPUs that are online.
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

/// Reads `/proc` and `/sys` below a root folder.
///
/// * `root`: `/` for this machine, or a copy of another machine's files.
/// * `affinity`: the CPUs that the process may run on; without it, the cpuset files of its control
///   group count.
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
    /// A report from counts alone, for systems without sysfs.
    #[cfg_attr(
        target_os = "linux",
        allow(dead_code, reason = "the way of other systems, tested on all")
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

    /// Physical cores that are online, on the whole machine. Nothing when the machine does not say.
    pub fn physical(&self) -> Option<usize> {
        self.topology.cores.as_ref().map(Vec::len)
    }

    /// Logical CPUs that are online, on the whole machine.
    pub fn logical(&self) -> usize {
        self.topology.online.len()
    }

    /// Performance and efficiency cores of a hybrid machine, in this order.
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

    /// The workers a pool should have: distinct physical cores inside the mask, cut down by every
    /// limit, at least 1. Where cores are unknown, CPUs count instead.
    pub fn usable(&self) -> usize {
        self.cut_down().0
    }

    /// The CPUs' worth of work the process can do at once, at least 1.
    pub fn usable_logical(&self) -> usize {
        let allowed = self.allowed().len();
        self.caps()
            .into_iter()
            .fold(allowed, |usable, (cap, _)| usable.min(cap))
            .max(1)
    }

    /// What cut the usable cores down, in the order in which it did.
    pub fn limits(&self) -> Vec<Limit> {
        self.cut_down().1
    }

    /// The CPUs that the process may run on.
    pub fn allowed(&self) -> &[usize] {
        self.mask.as_deref().unwrap_or(&self.topology.online)
    }

    /// The allowed CPUs, those that share a core together. One set each where cores are unknown.
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

    /// The control group's quota, in CPUs.
    pub fn quota(&self) -> Option<f64> {
        self.quota
    }

    /// The processor's name.
    pub fn model(&self) -> Option<&str> {
        self.topology.model.as_deref()
    }

    /// The caches of one core, for example `L1d 32K`.
    pub fn caches(&self) -> &[String] {
        &self.topology.caches
    }

    /// What a scheduler set for the process, as pairs of variable and value.
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
            // Truncation is the rounding down that is wanted, and saturates.
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
