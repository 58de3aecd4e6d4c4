//! What the control groups of a process allow it: a CPU quota and a set of CPUs.
//!
//! The lowest quota of the group and all its ancestors counts, in version 1 and 2, because each of them throttles.
//! Paths come from `/proc/self/cgroup`. In a container, whose visible tree begins below the root of the hierarchy,
//! `/proc/self/mountinfo` says where. All files are read below a root folder; nothing is written.
//! See <https://docs.kernel.org/admin-guide/cgroup-v2.html> and `man 7 cgroups`.

use std::path::{Component, Path, PathBuf};

use super::list::{parse_list, trim};
use super::topology::read;

/// Returns the lowest CPU quota of the control groups, as a number of CPUs, for example 3.5.
pub(super) fn read_quota(root: &Path) -> Option<f64> {
    let quotas = hierarchies(root, "cpu").into_iter().flat_map(|hierarchy| {
        let folders: Vec<PathBuf> = hierarchy.folders().collect();
        folders
            .into_iter()
            .filter_map(move |folder| match hierarchy.version {
                Version::V1 => quota_v1(&folder),
                Version::V2 => quota_v2(&folder),
            })
    });
    quotas.min_by(f64::total_cmp)
}

/// Returns the CPUs that the control group allows. A live process uses its affinity mask instead, which never has
/// more.
pub(super) fn read_cpuset(root: &Path) -> Option<Vec<usize>> {
    let names = [
        "cpuset.cpus.effective",
        "cpuset.effective_cpus",
        "cpuset.cpus",
    ];
    hierarchies(root, "cpuset").iter().find_map(|hierarchy| {
        hierarchy.folders().find_map(|folder| {
            let lists = names
                .iter()
                .filter_map(|name| parse_list(&read(&folder.join(name))?).ok());
            lists.into_iter().find(|cpus| !cpus.is_empty())
        })
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

/// Where a hierarchy is visible, and the group of the process in it.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    version: Version,
    mount_point: PathBuf,
    /// The group of the process, relative to the mount point.
    group: PathBuf,
}

impl Hierarchy {
    /// The group of the process and all its visible ancestors, innermost first.
    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.group
            .ancestors()
            .map(|group| self.mount_point.join(group))
    }
}

/// The hierarchies that may control `controller` for this process, of version 1, version 2 or both.
fn hierarchies(root: &Path, controller: &str) -> Vec<Hierarchy> {
    // Without the file, only the top of the mount is known.
    let membership = read(&root.join("proc/self/cgroup")).unwrap_or_else(|| "0::/".to_owned());
    let mounts = read(&root.join("proc/self/mountinfo"))
        .map(|text| parse_mounts(&text))
        .unwrap_or_default();
    membership
        .lines()
        .filter_map(|line| hierarchy(root, controller, line, &mounts))
        .collect()
}

/// * `line`: a line of `/proc/self/cgroup`: number, controllers and path, separated by colons.
fn hierarchy(root: &Path, controller: &str, line: &str, mounts: &[Mount]) -> Option<Hierarchy> {
    let mut fields = line.splitn(3, ':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let version = match controllers {
        "" => Version::V2,
        list if list.split(',').any(|name| name == controller) => Version::V1,
        _ => return None,
    };
    let mount = mounts.iter().find(|mount| {
        mount.version == version
            && (version == Version::V2 || mount.controllers.iter().any(|name| name == controller))
    });
    let (mount_point, group) = match mount {
        Some(mount) => {
            let inside = Path::new(path)
                .strip_prefix(&mount.root)
                .unwrap_or(Path::new(""));
            (root.join(relative(&mount.point)), inside.to_owned())
        }
        None => (
            usual_mount_point(root, version, controllers, controller)?,
            PathBuf::from(path),
        ),
    };
    // A path with `..` means a group outside of the namespace of the process, whose folder is not visible.
    let outside = group.components().any(|part| part == Component::ParentDir);
    let group = if outside {
        PathBuf::new()
    } else {
        relative(&group)
    };
    Some(Hierarchy {
        version,
        mount_point,
        group,
    })
}

fn usual_mount_point(
    root: &Path,
    version: Version,
    controllers: &str,
    controller: &str,
) -> Option<PathBuf> {
    let top = root.join("sys/fs/cgroup");
    let candidates = match version {
        Version::V1 => vec![top.join(controllers), top.join(controller)],
        Version::V2 => vec![top.join("unified"), top],
    };
    candidates.into_iter().find(|folder| folder.is_dir())
}

#[derive(Debug, PartialEq, Eq)]
struct Mount {
    version: Version,
    /// The group at the top of the mount.
    root: PathBuf,
    point: PathBuf,
    controllers: Vec<String>,
}

/// The mounted hierarchies of a `/proc/self/mountinfo`; see `man 5 proc_pid_mountinfo`.
fn parse_mounts(text: &str) -> Vec<Mount> {
    let mount = |line: &str| {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let version = match kind.next()? {
            "cgroup" => Version::V1,
            "cgroup2" => Version::V2,
            _ => return None,
        };
        let controllers = kind.nth(1)?.split(',').map(str::to_owned).collect();
        Some(Mount {
            version,
            root: unescape(root).into(),
            point: unescape(point).into(),
            controllers,
        })
    };
    text.lines().filter_map(mount).collect()
}

/// Decodes the octal escapes of blanks and backslashes in paths.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

fn relative(path: &Path) -> PathBuf {
    path.strip_prefix("/").unwrap_or(path).to_owned()
}

fn quota_v2(folder: &Path) -> Option<f64> {
    let text = read(&folder.join("cpu.max"))?;
    let mut fields = trim(&text).split_whitespace();
    // `max` instead of a number means no limit.
    let quota: f64 = fields.next()?.parse().ok()?;
    let period: f64 = fields
        .next()
        .map_or(Some(100_000.0), |field| field.parse().ok())?;
    positive(quota / period)
}

fn quota_v1(folder: &Path) -> Option<f64> {
    let number = |name: &str| -> Option<f64> { trim(&read(&folder.join(name))?).parse().ok() };
    // -1 means no limit.
    positive(number("cpu.cfs_quota_us")? / number("cpu.cfs_period_us")?)
}

fn positive(quota: f64) -> Option<f64> {
    (quota.is_finite() && quota > 0.0).then_some(quota)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_tightest_ancestor_counts() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/a/b/c\n"),
            ("sys/fs/cgroup/a/cpu.max", "250000 100000\n"),
            ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n"),
        ]);
        assert_eq!(read_quota(root.path()), Some(2.5));
    }

    #[test]
    fn version_1_counts_beside_version_2() {
        let root = tree(&[
            ("proc/self/cgroup", "4:cpu,cpuacct:/jobs/7\n0::/jobs\n"),
            (
                "sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us",
                "150000\n",
            ),
            (
                "sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us",
                "50000\n",
            ),
            ("sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_quota_us", "-1\n"),
            (
                "sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_period_us",
                "100000\n",
            ),
            ("sys/fs/cgroup/unified/jobs/cpu.max", "700000 100000\n"),
        ]);
        assert_eq!(read_quota(root.path()), Some(3.0));
    }

    #[test]
    fn a_container_sees_its_group_at_the_mount_point() {
        let mounts = "31 23 0:30 /docker/42 /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n";
        let root = tree(&[
            ("proc/self/cgroup", "4:cpu,cpuacct:/docker/42/inner\n"),
            ("proc/self/mountinfo", mounts),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(read_quota(root.path()), Some(2.0));
    }

    #[test]
    fn the_mount_of_the_controller_is_taken_among_others() {
        let mounts = "30 23 0:26 / /unified rw - cgroup2 cgroup rw\n\
             31 23 0:30 / /memory rw - cgroup cgroup rw,memory\n\
             32 23 0:31 / /cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
        let root = tree(&[
            ("proc/self/cgroup", "4:cpu,cpuacct:/x\n5:memory:/x\n"),
            ("proc/self/mountinfo", mounts),
            ("cpu/x/cpu.cfs_quota_us", "200000\n"),
            ("cpu/x/cpu.cfs_period_us", "100000\n"),
            ("memory/x/cpu.cfs_quota_us", "100000\n"),
            ("memory/x/cpu.cfs_period_us", "100000\n"),
            ("unified/x/cpu.max", "100000 100000\n"),
            ("unified/x/cpu.cfs_quota_us", "100000\n"),
            ("unified/x/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(read_quota(root.path()), Some(2.0));
    }

    #[test]
    fn a_group_outside_of_the_namespace_reads_the_mount_point() {
        let mounts = "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw,nsdelegate\n";
        let root = tree(&[
            ("proc/self/cgroup", "0::/../other\n"),
            ("proc/self/mountinfo", mounts),
            ("sys/fs/cgroup/cpu.max", "50000 100000\n"),
            ("sys/fs/other/cpu.max", "10000 100000\n"),
        ]);
        assert_eq!(read_quota(root.path()), Some(0.5));
    }

    #[test]
    fn mount_points_with_blanks_are_found() {
        let mounts = "30 23 0:26 / /my\\040groups rw - cgroup2 cgroup rw\n";
        let root = tree(&[
            ("proc/self/cgroup", "0::/x\n"),
            ("proc/self/mountinfo", mounts),
            ("my groups/x/cpu.max", "100000 100000\n"),
        ]);
        assert_eq!(read_quota(root.path()), Some(1.0));
    }

    #[test]
    fn no_files_mean_no_limit() {
        assert_eq!(read_quota(tree(&[]).path()), None);
        let broken = tree(&[
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/cpu.max", "a b\n"),
        ]);
        assert_eq!(read_quota(broken.path()), None);
        let zero = tree(&[
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/cpu.max", "100 0\n"),
        ]);
        assert_eq!(read_quota(zero.path()), None);
    }

    #[test]
    fn the_nearest_cpuset_counts() {
        let root = tree(&[
            ("proc/self/cgroup", "0::/job/step\n"),
            ("sys/fs/cgroup/cpuset.cpus.effective", "0-7\n"),
            ("sys/fs/cgroup/job/cpuset.cpus.effective", "0-3\n"),
        ]);
        assert_eq!(read_cpuset(root.path()), Some(vec![0, 1, 2, 3]));
    }
}
