//! `%cpus -v` and `corebook cpus -v`: the runtime's counting and what sysinfo adds to it.

use corebook::cpus::Report;
use sysinfo::System;

/// The two lines of `%cpus`; with `verbose` what else is known of the machine.
pub fn render(report: &Report, verbose: bool) -> String {
    let summary = corebook::cpus::summary(report);
    if !verbose {
        return summary;
    }
    let mut text = format!("{summary}\n{}", corebook::cpus::details(report));
    for line in live_details() {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

/// What only the running system tells: frequency, memory and load.
fn live_details() -> Vec<String> {
    let Ok(mut system) = System::new() else {
        return Vec::new();
    };
    system.refresh_cpu_all();
    // A load is a difference between two looks.
    std::thread::sleep(sysinfo::MINIMUM_CPU_UPDATE_INTERVAL);
    system.refresh_cpu_all();
    system.refresh_memory();
    let frequency_mhz = system
        .cpus()
        .iter()
        .map(sysinfo::Cpu::frequency)
        .max()
        .unwrap_or(0);
    let gib = |bytes: u64| bytes as f64 / (1u64 << 30) as f64;
    let mut lines = Vec::new();
    if frequency_mhz > 0 {
        lines.push(format!("frequency: {frequency_mhz} MHz"));
    }
    lines.push(format!(
        "memory: {:.1} GiB, {:.1} GiB available",
        gib(system.total_memory()),
        gib(system.available_memory())
    ));
    let loads: Vec<String> = system
        .cpus()
        .iter()
        .map(|cpu| format!("{} {:.0}%", cpu.name(), cpu.usage()))
        .collect();
    lines.push(format!("load: {}", loads.join(", ")));
    lines
}
