//! The text of `%cpus` and `corebook cpus`: the runtime's report, and with `-v` what sysinfo adds to it.

use corebook::cpus::Report;
use sysinfo::System;

/// The two lines of `%cpus`, and with `verbose` further details of the machine.
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

/// Frequency, memory and load, which change while the system runs.
fn live_details() -> Vec<String> {
    let Ok(mut system) = System::new() else {
        return Vec::new();
    };
    system.refresh_cpu_all();
    // A load is computed from two measurements.
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
