//! The text of `%pool status`. Changes no pool.

use crate::event::PoolReport;
use crate::pool::threads::registry;
use crate::timing::format::{self, DEFAULT_DIGITS};

/// Prints [`status_text`] of the pools of this process.
pub fn print_status() {
    println!("{}", status_text(&reports()));
}

/// Returns a report on every pool of this process, in the order in which they were first opened.
///
/// # Examples
///
/// ```
/// let pool = corebook::pool::Pool::new(2);
/// pool.map(|x| x, 0..10);
/// assert!(corebook::__private::pool::reports().iter().any(|report| report.items_mapped == 10));
/// ```
pub fn reports() -> Vec<PoolReport> {
    registry::reports()
}

/// Writes one line for each pool, without a line break at the end.
///
/// # Examples
///
/// ```
/// use corebook::__private::event::PoolReport;
///
/// let pool = PoolReport {
///     name: "pool".into(),
///     workers: 8,
///     items_mapped: 24,
///     busy_ns: 2_400_000_000,
///     last_utilisation: 0.99,
/// };
/// assert_eq!(
///     corebook::__private::pool::status_text(&[pool]),
///     "pool: 8 workers, 24 items mapped, 2.4 s busy, 99% utilisation of the last map"
/// );
/// assert_eq!(corebook::__private::pool::status_text(&[]), "no pool yet: run %pool to open one");
/// ```
pub fn status_text(pools: &[PoolReport]) -> String {
    if pools.is_empty() {
        return "no pool yet: run %pool to open one".to_owned();
    }
    pools.iter().map(line_of).collect::<Vec<_>>().join("\n")
}

fn line_of(pool: &PoolReport) -> String {
    let workers = match pool.workers {
        0 => "closed".to_owned(),
        workers => format::count(workers, "worker"),
    };
    let items = format::count(pool.items_mapped, "item");
    let mut line = format!("{}: {workers}, {items} mapped", pool.name);
    if pool.last_utilisation >= 0.0 {
        let percent = (pool.last_utilisation * 100.0).round();
        line += &format!(
            ", {} busy, {percent}% utilisation of the last map",
            duration(pool.busy_ns)
        );
    }
    line
}

/// Writes a time with three significant digits and a unit, but never in minutes.
fn duration(nanoseconds: u64) -> String {
    let seconds = nanoseconds as f64 / 1e9;
    if seconds >= 999.5 {
        return format!("{seconds:.0} s");
    }
    format::in_unit(seconds, DEFAULT_DIGITS)
}

/// Writes the `Debug` text of a handle.
pub(super) fn describe(number: u32) -> String {
    match registry::settings(number) {
        (settings, true) => format!("Pool {{ workers: {} }}", settings.workers),
        (_, false) => "Pool { closed }".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_500, "1.5 µs"),
            (999_600, "1 ms"),
            (302_000_000, "302 ms"),
            (12_345_000_000, "12.3 s"),
            (75_600_000_000, "75.6 s"),
            (999_400_000_000, "999 s"),
            (3_661_000_000_000, "3661 s"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(duration(nanoseconds), text);
        }
    }

    #[test]
    fn a_line_shows_what_a_pool_did() {
        let pool = PoolReport {
            name: "pool".into(),
            workers: 1,
            items_mapped: 24,
            busy_ns: 2_400_000_000,
            last_utilisation: 0.986,
        };
        assert_eq!(
            status_text(&[pool]),
            "pool: 1 worker, 24 items mapped, 2.4 s busy, 99% utilisation of the last map"
        );
    }

    #[test]
    fn a_closed_pool_says_so() {
        let closed = PoolReport {
            name: "small".into(),
            last_utilisation: -1.0,
            ..PoolReport::default()
        };
        assert_eq!(status_text(&[closed]), "small: closed, 0 items mapped");
    }
}
