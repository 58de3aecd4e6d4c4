//! Warnings about results that are not reliable, each with a remedy. This module never prints them.

use super::format;
use super::result::Timing;

/// Runs that differ by more than this factor do not differ by chance.
const UNEVEN: f64 = 4.0;
/// Times per loop up to this one, in seconds, always differ.
const TOO_SHORT_TO_JUDGE: f64 = 1e-6;

/// Facts about a measurement that its [`Timing`] does not contain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// Whether more loops took more time.
    pub grows: bool,
    /// Whether the cell was compiled with overflow checks or without optimisation.
    pub is_checked: bool,
}

/// Returns one line for each warning, without a line break, in the order in which they are shown.
pub(super) fn warnings(timing: &Timing, circumstances: Circumstances) -> Vec<String> {
    let Circumstances { grows, is_checked } = circumstances;
    let mut lines = Vec::new();
    if timing.worst > UNEVEN * timing.best && timing.best > 0.0 && timing.worst > TOO_SHORT_TO_JUDGE
    {
        lines.push(uneven(timing));
    }
    if timing.is_at_the_floor {
        lines.push(format!(
            "At the measurement floor ({}): the compiler probably computed this in advance. \
             Wrap inputs in black_box(..) or use -b.",
            format::time(timing.floor, 2)
        ));
    }
    if !grows {
        lines.push(
            "Time does not grow with the number of loops, so this figure is not reliable.".into(),
        );
    }
    if is_checked {
        lines.push(
            "Timed with overflow checks on (:opt 0): an optimised build can be several times faster."
                .into(),
        );
    }
    lines
}

fn uneven(timing: &Timing) -> String {
    let ratio = timing.worst / timing.best;
    if timing.timings[0] == timing.worst {
        format!(
            "The first run took {ratio:.2} times longer than the fastest: \
             a cache or the pool was warming up."
        )
    } else {
        format!(
            "The slowest run took {ratio:.2} times longer than the fastest. \
             The machine may be busy."
        )
    }
}
