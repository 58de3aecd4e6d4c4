//! Writes times as text, for all of corebook.
//!
//! The rule is that of IPython (`%.3g` and a unit; whole days, hours, minutes and seconds for a minute and more) with
//! two corrections: the unit is chosen after rounding, so 0.9999 s is `1 s` and not `1e+03 ms`, and no number has an
//! exponent. This module never measures and never prints.

/// The default number of significant digits.
pub const DEFAULT_DIGITS: usize = 3;

/// The most significant digits of an `f64`.
const MAX_DIGITS: usize = 17;

const SECONDS_PER_MINUTE: f64 = 60.0;

/// Units, and how many of each a second has. The largest comes first.
const UNITS: [(&str, f64); 4] = [("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9)];

/// Parts of a long time, and their length in seconds. The longest comes first.
const LONG_PARTS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];

/// Writes a time with a unit.
///
/// * `seconds`: the time, in seconds. A negative time or NaN counts as 0.
/// * `digits`: the number of significant digits, limited to 1 to 17. From a minute on, whole seconds are shown, rounded
///   down.
///
/// # Examples
///
/// ```
/// use corebook::timing::format::time;
///
/// assert_eq!(time(2.4, 3), "2.4 s");
/// assert_eq!(time(0.30211, 3), "302 ms");
/// assert_eq!(time(0.9999, 3), "1 s");
/// assert_eq!(time(75.6, 3), "1min 15s");
/// ```
pub fn time(seconds: f64, digits: usize) -> String {
    let seconds = seconds.max(0.0);
    if rounded(seconds, digits) >= SECONDS_PER_MINUTE {
        return long_time(seconds.max(SECONDS_PER_MINUTE));
    }
    in_unit(seconds, digits)
}

/// Writes a time in the largest unit of which it has at least one, but never in minutes.
pub(crate) fn in_unit(seconds: f64, digits: usize) -> String {
    let in_unit = |&(unit, per_second): &(&'static str, f64)| {
        let value = rounded(seconds * per_second, digits);
        (value >= 1.0 || unit == "ns").then(|| format!("{value} {unit}"))
    };
    UNITS
        .iter()
        .find_map(in_unit)
        .expect("nanoseconds show any time")
}

/// Writes a count with its noun: `1 loop`, `1000 loops`.
///
/// * `noun`: in the singular. The plural gets an `s`.
///
/// # Examples
///
/// ```
/// assert_eq!(corebook::timing::format::count(1, "loop"), "1 loop");
/// assert_eq!(corebook::timing::format::count(1000, "loop"), "1000 loops");
/// ```
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `value` rounded to significant digits.
fn rounded(value: f64, digits: usize) -> f64 {
    let decimals = digits.clamp(1, MAX_DIGITS) - 1;
    format!("{value:.decimals$e}")
        .parse()
        .expect("a float's own text is a float")
}

fn long_time(seconds: f64) -> String {
    let mut left = seconds as u64;
    let mut parts = Vec::new();
    for (suffix, length) in LONG_PARTS {
        if left >= length {
            parts.push(format!("{}{suffix}", left / length));
            left %= length;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_read_as_documented() {
        for (seconds, text) in [
            (0.0, "0 ns"),
            (1e-10, "0.1 ns"),
            (1.6e-9, "1.6 ns"),
            (999.4e-9, "999 ns"),
            (999.6e-9, "1 µs"),
            (0.30211, "302 ms"),
            (0.9999, "1 s"),
            (2.4, "2.4 s"),
            (59.94, "59.9 s"),
            (59.96, "1min"),
            (75.6, "1min 15s"),
            (3600.0, "1h"),
            (90_061.5, "1d 1h 1min 1s"),
            (f64::NAN, "0 ns"),
        ] {
            assert_eq!(time(seconds, 3), text, "{seconds} s");
        }
    }

    #[test]
    fn few_digits_do_not_bring_an_exponent() {
        assert_eq!(time(123e-9, 1), "100 ns");
        assert_eq!(time(1e-15, 2), "0.000001 ns");
        assert_eq!(time(1.5, 0), "2 s");
        assert_eq!(time(1.0 / 3.0, 99), "333.3333333333333 ms");
    }

    proptest! {
        #[test]
        fn value_and_unit_give_back_the_time(exponent in -9.0..1.77, digits in 1_usize..9) {
            let seconds = 10f64.powf(exponent);
            let text = time(seconds, digits);
            prop_assume!(!text.contains("min"));
            let (value, unit) = text.split_once(' ').expect("a value and a unit");
            let per_second = UNITS.iter().find(|(name, _)| *name == unit).expect("a unit").1;
            let value: f64 = value.parse().expect("a plain number");
            prop_assert!((1.0..1000.0).contains(&value) || unit == "ns", "{text}");
            let error = (value / per_second / seconds - 1.0).abs();
            prop_assert!(error <= 0.5001 * 10f64.powi(1 - digits as i32), "{text} for {seconds}");
        }

        #[test]
        fn long_times_add_up_to_their_whole_seconds(seconds in 60.0..1e7) {
            let text = time(seconds, 3);
            let sum: u64 = text.split(' ').map(|part| {
                let digits = part.trim_end_matches(char::is_alphabetic);
                let length = LONG_PARTS.iter().find(|(name, _)| *name == &part[digits.len()..]);
                digits.parse::<u64>().expect("a count") * length.expect("a suffix").1
            }).sum();
            prop_assert_eq!(sum, seconds as u64);
        }

        #[test]
        fn longer_times_never_read_as_shorter(a in 0.0..60.0, b in 0.0..60.0) {
            let read = |text: String| {
                let Some((value, unit)) = text.split_once(' ') else { return 60.0 };
                let per_second = UNITS.iter().find(|(name, _)| *name == unit).expect("a unit").1;
                value.parse::<f64>().expect("a plain number") / per_second
            };
            let (shorter, longer) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(read(time(shorter, 3)) <= read(time(longer, 3)) * (1.0 + 1e-12));
        }
    }
}
