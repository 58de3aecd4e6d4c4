//! The strip plot of a `%timeit`: one dot for each run.

use corebook::timing::format::{DEFAULT_DIGITS, count, time};
use serde::Deserialize;

use super::chart;
use super::text_line;

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 84.0;
/// Space for half a label at both ends of the axis.
const MARGIN: f64 = 48.0;
const AXIS_Y: f64 = 48.0;
const RADIUS: f64 = 5.0;
/// More digits than a clock can resolve.
const MOST_DIGITS: usize = 9;
/// The heights of dots, which alternate, so that equal runs do not hide each other.
const DOT_YS: [f64; 3] = [34.0, 22.0, 10.0];

/// The fields of the runtime's `Timing` that the plot shows.
#[derive(Deserialize)]
struct Timing {
    timings: Vec<f64>,
    loops: u64,
    median: f64,
}

/// Draws the runs of a `%timeit`.
///
/// * `json`: the result object as the runtime serialises it.
///
/// None if `json` is not such an object.
pub fn strip_plot(json: &str) -> Option<String> {
    let timing: Timing = serde_json::from_str(json).ok()?;
    let fastest = timing.timings.iter().copied().reduce(f64::min)?;
    let slowest = timing.timings.iter().copied().reduce(f64::max)?;
    let x_of = |seconds: f64| match slowest > fastest {
        true => MARGIN + (seconds - fastest) / (slowest - fastest) * (WIDTH - 2.0 * MARGIN),
        false => WIDTH / 2.0,
    };
    let digits = distinguishing_digits(fastest, slowest);
    let shown = |seconds: f64| time(seconds, digits);
    let axis_end = WIDTH - MARGIN;
    let mut shapes =
        format!("<line x1=\"{MARGIN}\" y1=\"{AXIS_Y}\" x2=\"{axis_end}\" y2=\"{AXIS_Y}\"/>");
    for (run, seconds) in timing.timings.iter().enumerate() {
        let (x, y) = (x_of(*seconds), DOT_YS[run % DOT_YS.len()]);
        let hint = format!("run {}: {}", run + 1, shown(*seconds));
        shapes += &format!(
            "<circle class=\"other\" cx=\"{x:.1}\" cy=\"{y}\" r=\"{RADIUS}\" fill-opacity=\".8\">\
             <title>{hint}</title></circle>"
        );
    }
    let median_x = x_of(timing.median);
    shapes += &format!(
        "<line x1=\"{median_x:.1}\" y1=\"4\" x2=\"{median_x:.1}\" y2=\"{AXIS_Y}\" stroke-dasharray=\"3\"/>"
    );
    let label_y = AXIS_Y + 18.0;
    if shown(fastest) == shown(slowest) {
        shapes += &text_line(WIDTH / 2.0, label_y, "middle", &shown(fastest));
    } else {
        shapes += &text_line(x_of(fastest), label_y, "middle", &shown(fastest));
        shapes += &text_line(x_of(slowest), label_y, "middle", &shown(slowest));
    }
    let runs = count(timing.timings.len() as u64, "run");
    let description = format!(
        "Time per loop in {runs} of {}: fastest {}, median {} (dashed line), slowest {}.",
        count(timing.loops, "loop"),
        shown(fastest),
        shown(timing.median),
        shown(slowest)
    );
    Some(chart(
        WIDTH,
        HEIGHT,
        &format!("%timeit: {runs}"),
        &description,
        &shapes,
    ))
}

/// The number of digits at which the labels at both ends of the axis differ.
fn distinguishing_digits(fastest: f64, slowest: f64) -> usize {
    let differ = |&digits: &usize| time(fastest, digits) != time(slowest, digits);
    (DEFAULT_DIGITS..MOST_DIGITS)
        .find(differ)
        .unwrap_or(DEFAULT_DIGITS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shared::markup::hostile;

    fn drawn(timings: &str, median: f64) -> String {
        let json =
            format!("{{\"loops\":10,\"timings\":{timings},\"median\":{median},\"digits\":3}}");
        strip_plot(&json).expect("the object is whole")
    }

    #[test]
    fn fastest_and_slowest_are_at_the_ends() {
        let svg = drawn("[0.002,0.001,0.0015]", 0.0015);
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(
            svg.contains("cx=\"432.0\"") && svg.contains("cx=\"48.0\""),
            "{svg}"
        );
        assert!(
            svg.contains(">1 ms</text>") && svg.contains(">2 ms</text>"),
            "{svg}"
        );
        assert!(svg.contains("<title>run 1: 2 ms</title>"), "{svg}");
    }

    #[test]
    fn the_description_says_what_the_dots_show() {
        let svg = drawn("[0.002,0.001,0.0015]", 0.0015);
        assert!(svg.contains(
            "<desc>Time per loop in 3 runs of 10 loops: fastest 1 ms, \
             median 1.5 ms (dashed line), slowest 2 ms.</desc>"
        ));
        assert!(svg.contains("role=\"img\""));
    }

    #[test]
    fn equal_runs_are_in_the_middle() {
        let svg = drawn("[0.1]", 0.1);
        assert!(svg.contains("cx=\"240.0\""), "{svg}");
        assert!(!svg.contains("NaN"), "{svg}");
    }

    #[test]
    fn the_ends_of_the_axis_never_show_the_same_figure() {
        let svg = drawn("[0.0012341,0.0012343]", 0.0012342);
        assert!(
            svg.contains(">1.2341 ms</text>") && svg.contains(">1.2343 ms</text>"),
            "{svg}"
        );
        assert!(svg.contains("<title>run 1: 1.2341 ms</title>"), "{svg}");
        let svg = drawn("[75.1,75.4]", 75.2);
        assert_eq!(svg.matches(">1min 15s</text>").count(), 1, "{svg}");
    }

    proptest! {
        #![proptest_config(hostile::cases())]

        /// A cell's code can report any numbers.
        #[test]
        fn any_figures_make_a_whole_picture(
            timings in prop::collection::vec(prop::num::f64::NORMAL, 1..5),
            median in prop::num::f64::NORMAL,
        ) {
            hostile::assert_harmless(&drawn(&format!("{timings:?}"), median));
        }
    }

    #[test]
    fn json_that_is_no_timing_draws_nothing() {
        assert_eq!(strip_plot("{}"), None);
        assert_eq!(
            strip_plot("{\"loops\":1,\"timings\":[],\"median\":0}"),
            None
        );
        assert_eq!(strip_plot("no json"), None);
    }
}
