//! Reads from sysfs, below a root folder, which CPUs are online and which of them share a physical core.
//!
//! Cores are counted as distinct sets of siblings, never as pairs of package and core number: such pairs repeat on
//! multi-die packages, and `/proc/cpuinfo` has neither number on POWER, s390 and ARM.
//! See <https://docs.kernel.org/admin-guide/cputopology.html>.

use std::collections::BTreeSet;
use std::path::Path;

use super::list::{parse_list, parse_mask, trim};

/// The CPUs of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Topology {
    /// Online CPUs, ascending.
    pub online: Vec<usize>,
    /// Sets of online CPUs that share a core, by their lowest CPU. `None` when the machine does not report them.
    pub cores: Option<Vec<Vec<usize>>>,
    /// The CPUs of performance cores; `None` unless the machine is hybrid.
    pub performance: Option<Vec<usize>>,
    /// The name of the processor in `/proc/cpuinfo`.
    pub model: Option<String>,
    /// The caches of the first CPU, for example `L1d 32K`.
    pub caches: Vec<String>,
}

pub(super) fn read_topology(root: &Path) -> Topology {
    let online = read_online(root);
    Topology {
        cores: read_cores(root, &online),
        performance: read_performance(root, &online),
        model: read_model(root),
        caches: online
            .first()
            .map(|&cpu| read_caches(root, cpu))
            .unwrap_or_default(),
        online,
    }
}

fn read_online(root: &Path) -> Vec<usize> {
    let listed =
        read(&root.join("sys/devices/system/cpu/online")).and_then(|text| parse_list(&text).ok());
    if let Some(listed) = listed.filter(|listed| !listed.is_empty()) {
        return listed;
    }
    let mut online = cpu_folders(root);
    // A CPU that can't be taken offline has no such file.
    online.retain(|&cpu| {
        read(&cpu_folder(root, cpu).join("online")).is_none_or(|text| trim(&text) != "0")
    });
    if online.is_empty() {
        online = processors_of_cpuinfo(root);
    }
    online
}

fn cpu_folders(root: &Path) -> Vec<usize> {
    let entries = std::fs::read_dir(root.join("sys/devices/system/cpu"))
        .into_iter()
        .flatten()
        .flatten();
    let mut cpus: Vec<usize> = entries
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_prefix("cpu")?
                .parse()
                .ok()
        })
        .collect();
    cpus.sort_unstable();
    cpus
}

fn processors_of_cpuinfo(root: &Path) -> Vec<usize> {
    let text = read(&root.join("proc/cpuinfo")).unwrap_or_default();
    let values = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(key, _)| key.trim() == "processor");
    values
        .filter_map(|(_, value)| value.trim().parse().ok())
        .collect()
}

/// `None` as soon as one CPU reports no siblings: half an answer would be a guess.
fn read_cores(root: &Path, online: &[usize]) -> Option<Vec<Vec<usize>>> {
    let mut cores = BTreeSet::new();
    for &cpu in online {
        let mut siblings = read_siblings(&cpu_folder(root, cpu).join("topology"))?;
        siblings.retain(|sibling| online.contains(sibling));
        if !siblings.contains(&cpu) {
            return None;
        }
        cores.insert(siblings);
    }
    (!cores.is_empty()).then(|| cores.into_iter().collect())
}

fn read_siblings(topology: &Path) -> Option<Vec<usize>> {
    let list = |name: &str| read(&topology.join(name)).and_then(|text| parse_list(&text).ok());
    list("core_cpus_list")
        .or_else(|| list("thread_siblings_list"))
        .or_else(|| parse_mask(&read(&topology.join("thread_siblings"))?))
}

/// Intel machines list both kinds of CPU. ARM machines give each CPU a capacity: two capacities are two kinds.
fn read_performance(root: &Path, online: &[usize]) -> Option<Vec<usize>> {
    let kind = |name: &str| {
        let mut cpus =
            parse_list(&read(&root.join("sys/devices").join(name).join("cpus"))?).ok()?;
        cpus.retain(|cpu| online.contains(cpu));
        (!cpus.is_empty()).then_some(cpus)
    };
    if let (Some(performance), Some(_efficiency)) = (kind("cpu_core"), kind("cpu_atom")) {
        return Some(performance);
    }
    let capacity = |&cpu: &usize| -> Option<u64> {
        trim(&read(&cpu_folder(root, cpu).join("cpu_capacity"))?)
            .parse()
            .ok()
    };
    let capacities: Vec<u64> = online.iter().map(capacity).collect::<Option<_>>()?;
    let kinds: BTreeSet<u64> = capacities.iter().copied().collect();
    let highest = (kinds.len() == 2)
        .then(|| kinds.last().copied())
        .flatten()?;
    let pairs = online.iter().zip(capacities);
    Some(
        pairs
            .filter(|&(_, capacity)| capacity == highest)
            .map(|(&cpu, _)| cpu)
            .collect(),
    )
}

fn read_model(root: &Path) -> Option<String> {
    let text = read(&root.join("proc/cpuinfo"))?;
    let names = ["model name", "cpu model", "cpu", "Processor", "Hardware"];
    let value = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name))?;
        Some(line.1.trim().to_owned()).filter(|value| !value.is_empty())
    };
    names.into_iter().find_map(value)
}

fn read_caches(root: &Path, cpu: usize) -> Vec<String> {
    let folder = cpu_folder(root, cpu).join("cache");
    let caches = (0..8).map_while(|index| {
        let value = |name: &str| {
            read(&folder.join(format!("index{index}")).join(name))
                .map(|text| trim(&text).to_owned())
        };
        let kind = match value("type")?.as_str() {
            "Data" => "d",
            "Instruction" => "i",
            _ => "",
        };
        Some(format!("L{}{kind} {}", value("level")?, value("size")?))
    });
    caches.collect()
}

fn cpu_folder(root: &Path, cpu: usize) -> std::path::PathBuf {
    root.join(format!("sys/devices/system/cpu/cpu{cpu}"))
}

pub(super) fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
