//! Kills what this process has started: cargo, compilers and commands of cells, with their own descendants.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// Which processes are killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// Those that compile. The supervisor and its descendants are spared.
    Compilers,
    All,
}

/// Kills the descendants of this process.
pub fn kill_descendants(which: Kill) {
    let found = find(which);
    if !found.is_empty() {
        tracing::debug!("killing {found:?}");
    }
    for pid in found {
        // Fails if it has ended by itself.
        let _ = kill(pid, Signal::SIGKILL);
    }
}

fn find(which: Kill) -> HashSet<Pid> {
    let family = Family::find();
    let own_name = family.name(Pid::this());
    // The supervisor is this same program.
    let is_spared = |pid: Pid| which == Kill::Compilers && family.name(pid) == own_name;
    let mut found = HashSet::new();
    let mut unseen = vec![Pid::this()];
    while let Some(parent) = unseen.pop() {
        for child in family.children(parent) {
            if !is_spared(child) && found.insert(child) {
                unseen.push(child);
            }
        }
    }
    found
}

/// The processes and their children.
enum Family {
    /// Linux lists the children of a process, so no other process has to be read.
    Listed,
    /// Other systems, and a Linux without these lists, list all processes with their parents.
    Scanned {
        children: HashMap<Pid, Vec<Pid>>,
        names: HashMap<Pid, String>,
    },
}

impl Family {
    fn find() -> Self {
        let own_list = format!("/proc/{pid}/task/{pid}/children", pid = Pid::this());
        if Path::new(&own_list).exists() {
            Self::Listed
        } else {
            Self::scan()
        }
    }

    fn scan() -> Self {
        let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
        let mut names = HashMap::new();
        if let Ok(mut system) = System::new() {
            let kind = ProcessRefreshKind::nothing()
                .with_cmd(sysinfo::UpdateKind::Never)
                .without_tasks();
            system.refresh_processes_specifics(ProcessesToUpdate::All, true, kind);
            for (pid, process) in system.processes() {
                let pid = Pid::from_raw(pid.as_u32().cast_signed());
                names.insert(pid, process.name().to_string_lossy().into_owned());
                if let Some(parent) = process.parent() {
                    let parent = Pid::from_raw(parent.as_u32().cast_signed());
                    children.entry(parent).or_default().push(pid);
                }
            }
        }
        Self::Scanned { children, names }
    }

    /// `None` for a process that has ended.
    fn name(&self, pid: Pid) -> Option<String> {
        match self {
            Self::Listed => std::fs::read_to_string(format!("/proc/{pid}/comm")).ok(),
            Self::Scanned { names, .. } => names.get(&pid).cloned(),
        }
    }

    fn children(&self, pid: Pid) -> Vec<Pid> {
        match self {
            // Each thread has a list of the processes that it has started.
            Self::Listed => std::fs::read_dir(format!("/proc/{pid}/task"))
                .into_iter()
                .flatten()
                .filter_map(|thread| {
                    std::fs::read_to_string(thread.ok()?.path().join("children")).ok()
                })
                .flat_map(|list| {
                    let pids = list.split_whitespace().filter_map(|pid| pid.parse().ok());
                    pids.map(Pid::from_raw).collect::<Vec<_>>()
                })
                .collect(),
            Self::Scanned { children, .. } => children.get(&pid).cloned().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    /// Both ways find a child and a grandchild, and no process that is not a descendant.
    #[test]
    fn descendants_are_found_by_lists_and_by_a_scan() {
        let mut child = Command::new("sh")
            .args(["-c", "sleep 1000 & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let pid = Pid::from_raw(child.id().cast_signed());
        let grandchild = Pid::from_raw(line.trim().parse().unwrap());
        for family in [Family::find(), Family::scan()] {
            assert!(family.children(Pid::this()).contains(&pid));
            assert_eq!(family.children(pid), [grandchild]);
            assert!(family.children(grandchild).is_empty());
            assert_eq!(family.name(pid).unwrap().trim_end(), "sh");
            assert_ne!(family.name(pid), family.name(Pid::this()));
        }
        let found = find(Kill::Compilers);
        assert!(found.contains(&pid) && found.contains(&grandchild));
        // Kills only this one: other tests of this process may have descendants too.
        kill(grandchild, Signal::SIGKILL).unwrap();
        assert!(child.wait().unwrap().success());
    }
}
