//! The text of a report, as `%cpus` and `corebook cpus` show it. Reads nothing from the system.
//!
//! Users rely on the two lines and the keys of the JSON; tests fix both.

use nanoserde::SerJson;

use super::limits::{Limit, plural, round};
use super::list::format_list;
use super::report::Report;

/// Describes a report in two lines, without a line break at the end: what the machine has, and what is usable here.
///
/// # Examples
///
/// ```
/// let text = corebook::cpus::summary(&corebook::cpus::live());
/// assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("usable here: ")));
/// ```
pub fn summary(report: &Report) -> String {
    let logical = report.logical();
    let machine = match report.physical() {
        None => format!(
            "{logical} CPU{}; the machine does not say which share a core",
            plural(logical)
        ),
        Some(physical) => {
            let detail = match (report.kinds(), report.cpus_per_core()) {
                (Some((fast, slow)), _) => {
                    format!(
                        "{fast} performance + {slow} efficiency core{}",
                        plural(slow)
                    )
                }
                (None, Some((fewest, most))) if fewest != most => {
                    format!("{fewest} to {most} per core")
                }
                (None, sizes) => format!("{} per core", sizes.map_or(1, |(_, most)| most)),
            };
            let cores = format!("{physical} physical core{}", plural(physical));
            format!(
                "{cores}, {logical} logical CPU{} ({detail})",
                plural(logical)
            )
        }
    };
    let usable = report.usable();
    let unit = if report.physical().is_some() {
        "core"
    } else {
        "CPU"
    };
    let limits: Vec<String> = report.limits().iter().map(Limit::to_string).collect();
    let limits = if limits.is_empty() {
        String::new()
    } else {
        format!(" ({})", limits.join("; "))
    };
    format!(
        "{machine}\nusable here: {usable} {unit}{}{limits}, so %pool starts {usable} worker{}",
        plural(usable),
        plural(usable)
    )
}

/// Describes what `%cpus -v` adds from files and the environment, one fact per line, without a line break at the end.
/// Frequency, memory and load are not included.
///
/// # Examples
///
/// ```
/// let text = corebook::cpus::details(&corebook::cpus::live());
/// assert!(text.contains("CPU affinity: "));
/// ```
pub fn details(report: &Report) -> String {
    let mut lines = Vec::new();
    if let Some(model) = report.model() {
        lines.push(format!("model: {model}"));
    }
    if !report.caches().is_empty() {
        lines.push(format!(
            "caches of one core: {}",
            report.caches().join(", ")
        ));
    }
    lines.push(format!("CPU affinity: {}", format_list(report.allowed())));
    lines.push(match report.quota() {
        Some(quota) => format!(
            "cgroup quota: {} of {} CPUs",
            round(quota),
            report.logical()
        ),
        None => "cgroup quota: none".to_owned(),
    });
    lines.extend(
        report
            .hints()
            .iter()
            .map(|(name, value)| format!("{name}={value}")),
    );
    lines.join("\n")
}

/// Writes a report as one JSON object on one line: `physical` (null when unknown), `logical`, `usable` (physical
/// cores), `usable_logical`, `performance` and `efficiency` (on hybrid machines only), `affinity`, `quota` and `model`
/// (null when unknown), `caches`, `limits`, `hints`.
///
/// # Examples
///
/// ```
/// let json = corebook::cpus::json(&corebook::cpus::live());
/// assert!(json.starts_with(r#"{"physical":"#));
/// ```
pub fn json(report: &Report) -> String {
    let number = |count: Option<usize>| count.map_or("null".to_owned(), |count| count.to_string());
    let strings = |texts: Vec<String>| {
        let quoted: Vec<String> = texts.iter().map(SerJson::serialize_json).collect();
        format!("[{}]", quoted.join(","))
    };
    let hints: Vec<String> = report
        .hints()
        .iter()
        .map(|(name, value)| format!("{}:{}", name.serialize_json(), value.serialize_json()))
        .collect();
    let mut fields = vec![
        ("physical", number(report.physical())),
        ("logical", report.logical().to_string()),
        ("usable", report.usable().to_string()),
        ("usable_logical", report.usable_logical().to_string()),
    ];
    if let Some((performance, efficiency)) = report.kinds() {
        fields.push(("performance", performance.to_string()));
        fields.push(("efficiency", efficiency.to_string()));
    }
    fields.extend([
        ("affinity", format_list(report.allowed()).serialize_json()),
        (
            "quota",
            report
                .quota()
                .map_or("null".to_owned(), |quota| round(quota).to_string()),
        ),
        (
            "model",
            report
                .model()
                .map_or("null".to_owned(), |model| model.to_owned().serialize_json()),
        ),
        ("caches", strings(report.caches().to_vec())),
        (
            "limits",
            strings(report.limits().iter().map(Limit::to_string).collect()),
        ),
        ("hints", format!("{{{}}}", hints.join(","))),
    ]);
    let fields: Vec<String> = fields
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}
