//! Core counting: on trees of real machines where they are available, on small trees always, and under limits
//! that are really set.

#![allow(clippy::unwrap_used, reason = "a test's failure is the message")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use corebook::cpus;
use serde_json::Value;
use support::helper::HELPER;
use support::skip::skip_or_fail;

/// Makes a tree with the CPUs `0..siblings.len()`, the given contents of `core_cpus_list`, and more files.
fn machine(siblings: &[&str], files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for (cpu, list) in siblings.iter().enumerate() {
        let folder = format!("sys/devices/system/cpu/cpu{cpu}");
        write(&format!("{folder}/online"), "1\n");
        if !list.is_empty() {
            write(
                &format!("{folder}/topology/core_cpus_list"),
                &format!("{list}\n"),
            );
        }
    }
    for (path, text) in files {
        write(path, text);
    }
    root
}

fn summary(root: &tempfile::TempDir, affinity: Option<&[usize]>) -> String {
    cpus::summary(&cpus::read(root.path(), affinity).unwrap())
}

const TWO_THREADS_A_CORE: [&str; 8] = ["0,4", "1,5", "2,6", "3,7", "0,4", "1,5", "2,6", "3,7"];

#[test]
fn a_machine_without_limits_shows_two_lines() {
    assert_eq!(
        summary(&machine(&TWO_THREADS_A_CORE, &[]), None),
        "4 physical cores, 8 logical CPUs (2 per core)\nusable here: 4 cores, so %pool starts 4 workers"
    );
    assert_eq!(
        summary(&machine(&["0"], &[]), None),
        "1 physical core, 1 logical CPU (1 per core)\nusable here: 1 core, so %pool starts 1 worker"
    );
}

/// Without sysfs, only `/proc/cpuinfo` counts the CPUs.
#[test]
fn processors_are_counted_where_sysfs_is_hidden() {
    let text = "processor\t: 0\nmodel name\t: x\n\nprocessor\t: 3\nmodel name\t: x\n";
    let hidden = machine(&[], &[("proc/cpuinfo", text)]);
    let report = cpus::read(hidden.path(), None).unwrap();
    assert_eq!(report.allowed(), [0, 3]);
    assert_eq!((report.logical(), report.physical()), (2, None));
}

#[test]
fn a_quota_is_rounded_down_and_named() {
    let quota = [
        ("proc/self/cgroup", "0::/a\n"),
        ("sys/fs/cgroup/a/cpu.max", "350000 100000\n"),
    ];
    assert_eq!(
        summary(&machine(&TWO_THREADS_A_CORE, &quota), None)
            .lines()
            .nth(1),
        Some("usable here: 3 cores (cgroup quota 3.5 of 8 CPUs), so %pool starts 3 workers")
    );
}

#[test]
fn affinity_counts_cores_not_cpus() {
    let machine = machine(&TWO_THREADS_A_CORE, &[]);
    assert_eq!(
        summary(&machine, Some(&[0, 1, 4, 5])).lines().nth(1),
        Some("usable here: 2 cores (CPU affinity 0-1,4-5), so %pool starts 2 workers")
    );
    // Half of every core is still every core.
    assert_eq!(
        summary(&machine, Some(&[0, 1, 2, 3])).lines().nth(1),
        Some("usable here: 4 cores, so %pool starts 4 workers")
    );
}

#[test]
fn two_limits_are_both_named() {
    let quota = [
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "200000 100000\n"),
    ];
    assert_eq!(
        summary(&machine(&TWO_THREADS_A_CORE, &quota), Some(&[0, 1, 2]))
            .lines()
            .nth(1),
        Some(
            "usable here: 2 cores (CPU affinity 0-2; cgroup quota 2 of 8 CPUs), so %pool starts 2 workers"
        )
    );
}

#[test]
fn unknown_cores_are_reported_as_unknown() {
    let machine = machine(&["", "", "", ""], &[]);
    assert_eq!(
        summary(&machine, None),
        "4 CPUs; the machine does not say which share a core\nusable here: 4 CPUs, so %pool starts 4 workers"
    );
    let json: Value =
        serde_json::from_str(&cpus::json(&cpus::read(machine.path(), None).unwrap())).unwrap();
    assert_eq!(
        (&json["physical"], &json["logical"], &json["usable"]),
        (&Value::Null, &4.into(), &4.into())
    );
}

#[test]
fn one_cpu_without_siblings_makes_all_cores_unknown() {
    assert_eq!(
        cpus::read(machine(&["0", "1", ""], &[]).path(), None)
            .unwrap()
            .physical(),
        None
    );
}

#[test]
fn hybrid_machines_name_both_kinds() {
    let kinds = [
        ("sys/devices/cpu_core/cpus", "0-3\n"),
        ("sys/devices/cpu_atom/cpus", "4-6\n"),
    ];
    let machine = machine(&["0-1", "0-1", "2-3", "2-3", "4", "5", "6"], &kinds);
    assert_eq!(
        summary(&machine, None).lines().next(),
        Some("5 physical cores, 7 logical CPUs (2 performance + 3 efficiency cores)")
    );
}

#[test]
fn capacities_of_two_sizes_are_two_kinds() {
    let capacities = [
        ("sys/devices/system/cpu/cpu0/cpu_capacity", "446\n"),
        ("sys/devices/system/cpu/cpu1/cpu_capacity", "446\n"),
        ("sys/devices/system/cpu/cpu2/cpu_capacity", "1024\n"),
    ];
    assert_eq!(
        cpus::read(machine(&["0", "1", "2"], &capacities).path(), None)
            .unwrap()
            .kinds(),
        Some((1, 2))
    );
}

#[test]
fn an_empty_folder_is_an_error_that_names_it() {
    let root = tempfile::tempdir().unwrap();
    let message = cpus::read(root.path(), None).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("no CPUs found below {}", root.path().display())),
        "{message}"
    );
}

#[test]
fn an_affinity_list_of_offline_cpus_is_an_error() {
    let message = cpus::read(machine(&["0", "1"], &[]).path(), Some(&[7, 8]))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "no CPU of the affinity list 7-8 is online: choose from 0-1"
    );
}

#[test]
fn json_holds_limits_and_details() {
    let quota = [
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
    ];
    let machine = machine(&TWO_THREADS_A_CORE, &quota);
    let json: Value =
        serde_json::from_str(&cpus::json(&cpus::read(machine.path(), None).unwrap())).unwrap();
    assert_eq!(
        json["limits"],
        serde_json::json!(["cgroup quota 1.5 of 8 CPUs"])
    );
    assert_eq!(
        (&json["usable"], &json["quota"], &json["affinity"]),
        (&1.into(), &1.5.into(), &"0-7".into())
    );
}

#[test]
fn details_hold_one_fact_a_line() {
    let files = [
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "150000 100000\n"),
        (
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: A Processor\n",
        ),
        ("sys/devices/system/cpu/cpu0/cache/index0/type", "Data\n"),
        ("sys/devices/system/cpu/cpu0/cache/index0/level", "1\n"),
        ("sys/devices/system/cpu/cpu0/cache/index0/size", "32K\n"),
        (
            "sys/devices/system/cpu/cpu0/cache/index1/type",
            "Instruction\n",
        ),
        ("sys/devices/system/cpu/cpu0/cache/index1/level", "1\n"),
        ("sys/devices/system/cpu/cpu0/cache/index1/size", "64K\n"),
        ("sys/devices/system/cpu/cpu0/cache/index2/type", "Unified\n"),
        ("sys/devices/system/cpu/cpu0/cache/index2/level", "2\n"),
        ("sys/devices/system/cpu/cpu0/cache/index2/size", "1M\n"),
    ];
    let machine = machine(&["0", "1"], &files);
    let report = cpus::read(machine.path(), Some(&[1])).unwrap();
    assert_eq!(
        cpus::details(&report),
        "model: A Processor\ncaches of one core: L1d 32K, L1i 64K, L2 1M\nCPU affinity: 1\n\
         cgroup quota: 1.5 of 2 CPUs"
    );
    assert_eq!(
        cpus::json(&report),
        r#"{"physical":2,"logical":2,"usable":1,"usable_logical":1,"affinity":"1","quota":1.5,"#
            .to_owned()
            + r#""model":"A Processor","caches":["L1d 32K","L1i 64K","L2 1M"],"#
            + r#""limits":["CPU affinity 1"],"hints":{}}"#
    );
    let plain = cpus::details(&cpus::read(self::machine(&["0"], &[]).path(), None).unwrap());
    assert_eq!(plain, "CPU affinity: 0\ncgroup quota: none");
}

#[test]
fn a_cpuset_is_named_as_a_limit() {
    let cpuset = [
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpuset.cpus.effective", "0-1\n"),
    ];
    assert_eq!(
        summary(&machine(&["0", "1", "2", "3"], &cpuset), None)
            .lines()
            .nth(1),
        Some("usable here: 2 cores (cgroup cpuset 0-1), so %pool starts 2 workers")
    );
}

#[test]
fn cores_of_several_sizes_show_the_fewest_and_the_most() {
    assert_eq!(
        summary(&machine(&["0-1", "0-1", "2"], &[]), None)
            .lines()
            .next(),
        Some("2 physical cores, 3 logical CPUs (1 to 2 per core)")
    );
}

#[test]
fn counts_are_those_of_the_live_report() {
    let report = cpus::live();
    assert_eq!(cpus::logical(), report.logical());
    assert_eq!(cpus::usable(), report.usable());
    assert_eq!(
        cpus::physical(),
        report.physical().unwrap_or(report.logical())
    );
    assert!(cpus::usable_cores().len() >= cpus::usable());
}

#[test]
fn hints_of_a_scheduler_are_shown() {
    let output = Command::new(HELPER)
        .arg("describes_the_machine")
        .env("SLURM_CPUS_PER_TASK", "3")
        .env("NSLOTS", "")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nSLURM_CPUS_PER_TASK=3\n"), "{text}");
    assert!(!text.contains("NSLOTS"), "{text}");
}

#[test]
fn real_machines_have_the_counts_that_are_known() {
    let files: Value = serde_json::from_str(include_str!("machines/files.json")).unwrap();
    let truth: Value = serde_json::from_str(include_str!("machines/truth.json")).unwrap();
    assert_eq!(truth.as_object().unwrap().len(), 14);
    for (name, truth) in truth.as_object().unwrap() {
        let affinity = truth["cpuset"]
            .as_str()
            .map(|list| cpus::parse_list(list).unwrap());
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files[name].as_object().unwrap() {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            // Each character is one byte.
            let content: Vec<u8> = content.as_str().unwrap().chars().map(|c| c as u8).collect();
            std::fs::write(path, content).unwrap();
        }
        let report = cpus::read(root.path(), affinity.as_deref()).unwrap();
        let json: Value = serde_json::from_str(&cpus::json(&report)).unwrap();
        let expected = ["physical", "logical", "usable_physical", "usable_logical"]
            .map(|key| (key.to_owned(), truth[key].clone()));
        let found = [
            ("physical", "physical"),
            ("logical", "logical"),
            ("usable_physical", "usable"),
            ("usable_logical", "usable_logical"),
        ]
        .map(|(key, field)| (key.to_owned(), json[field].clone()));
        assert_eq!(found, expected, "{name}");
        assert_eq!(json.get("performance"), truth.get("performance"), "{name}");
        assert_eq!(json.get("efficiency"), truth.get("efficiency"), "{name}");
        if let Some(quota) = truth.get("quota_cpus") {
            assert_eq!(&json["quota"], quota, "{name}");
        }
    }
}

/// Runs a command that ends in the helper. Returns what the helper may use.
fn usable_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.split_once("usable="))
        .map(|(_, rest)| rest.to_owned());
    line.unwrap_or_else(|| {
        panic!(
            "the helper printed nothing: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// Makes the helper print what it may use.
const HELPER_TASK: &str = "says_what_is_usable";

#[test]
#[cfg(target_os = "linux")]
fn a_real_affinity_mask_is_honoured() {
    if Command::new("taskset").arg("--version").output().is_err() {
        return skip_or_fail("a_real_affinity_mask_is_honoured", "there is no taskset");
    }
    let allowed = cpus::affinity().unwrap();
    let first = allowed[0].to_string();
    let mut command = Command::new("taskset");
    command.args(["-c", &first]).args([HELPER, HELPER_TASK]);
    let expected = match cpus::physical() {
        1 => "1 []".to_owned(),
        _ => format!("1 [Affinity {{ cpus: [{first}] }}]"),
    };
    assert_eq!(usable_of(&mut command), expected);
}

#[test]
fn the_classroom_cap_is_honoured_and_named() {
    let mut command = Command::new(HELPER);
    command.arg(HELPER_TASK).env(cpus::WORKERS_VARIABLE, "1");
    let expected = if cpus::usable() == 1 {
        "1 []"
    } else {
        "1 [Variable { workers: 1 }]"
    };
    assert_eq!(usable_of(&mut command), expected);
    assert_eq!(
        usable_of(command.env(cpus::WORKERS_VARIABLE, " 1 ")),
        expected
    );
    let free = usable_of(Command::new(HELPER).arg(HELPER_TASK));
    for nonsense in ["0", "", "many"] {
        let found = usable_of(command.env(cpus::WORKERS_VARIABLE, nonsense));
        assert_eq!(found, free, "{nonsense:?}");
    }
}

/// Needs a machine that lets this process make a control group: as root, and not in most containers.
#[test]
#[cfg(target_os = "linux")]
fn a_real_quota_is_honoured() {
    let Some(group) = QuotaGroup::new(100_000, 100_000) else {
        return skip_or_fail(
            "a_real_quota_is_honoured",
            "no control group can be made here",
        );
    };
    let script = format!(
        "echo $$ > {}/cgroup.procs && exec \"$0\" \"$@\"",
        group.0.display()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).args([HELPER, HELPER_TASK]);
    let expected = match (cpus::usable(), cpus::logical()) {
        (1, _) => "1 []".to_owned(),
        (_, logical) => format!("1 [Quota {{ quota: 1.0, logical: {logical} }}]"),
    };
    assert_eq!(usable_of(&mut command), expected);
}

/// A control group with a CPU quota, removed when dropped.
#[cfg(target_os = "linux")]
struct QuotaGroup(PathBuf);

#[cfg(target_os = "linux")]
impl QuotaGroup {
    fn new(quota_us: u32, period_us: u32) -> Option<Self> {
        let v2 = format!("{quota_us} {period_us}");
        let (quota, period) = (quota_us.to_string(), period_us.to_string());
        let v1 = [
            ("cpu.cfs_period_us", period.as_str()),
            ("cpu.cfs_quota_us", quota.as_str()),
        ];
        let v2 = [("cpu.max", v2.as_str())];
        let places: [(&str, &[(&str, &str)]); 3] = [
            ("/sys/fs/cgroup/cpu", &v1),
            ("/sys/fs/cgroup/cpu,cpuacct", &v1),
            ("/sys/fs/cgroup", &v2),
        ];
        places.into_iter().find_map(|(parent, files)| {
            let group =
                Self(Path::new(parent).join(format!("corebook-test-{}", std::process::id())));
            std::fs::create_dir(&group.0).ok()?;
            files
                .iter()
                .all(|(name, value)| std::fs::write(group.0.join(name), value).is_ok())
                .then_some(group)
        })
    }
}

#[cfg(target_os = "linux")]
impl Drop for QuotaGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}
