//! The bar chart of a `%compare`: one bar for each side.

use corebook::timing::format::{DEFAULT_DIGITS, time};
use serde::Deserialize;

use super::chart;
use super::text_line;

const BAR_WIDTH: f64 = 280.0;
const BAR_HEIGHT: f64 = 20.0;
const ROW_HEIGHT: f64 = 30.0;
const GAP: f64 = 8.0;
/// Space for a time and a speed-up after a bar.
const FIGURES_WIDTH: f64 = 150.0;
/// An upper estimate of a character's width at the chart's font size.
const CHARACTER_WIDTH: f64 = 8.0;

/// The fields of the runtime's `Comparison` that the chart shows.
#[derive(Deserialize)]
struct Comparison {
    sides: Vec<Side>,
    /// One for each side but the first.
    speed_ups: Vec<SpeedUp>,
    results: String,
}

#[derive(Deserialize)]
struct Side {
    label: String,
    timing: Timing,
}

#[derive(Deserialize)]
struct Timing {
    best: f64,
}

#[derive(Deserialize)]
struct SpeedUp {
    ratio: f64,
}

/// Draws the best times of a `%compare`, and how much faster each side is than the first.
///
/// * `json`: the result object as the runtime serialises it.
///
/// None if `json` is not such an object.
pub fn bar_chart(json: &str) -> Option<String> {
    let comparison: Comparison = serde_json::from_str(json).ok()?;
    let longest = comparison
        .sides
        .iter()
        .map(|side| side.timing.best)
        .reduce(f64::max)?;
    let characters = comparison
        .sides
        .iter()
        .map(|side| side.label.chars().count())
        .max()?;
    let bars_x = characters as f64 * CHARACTER_WIDTH + GAP;
    let mut shapes = String::new();
    let mut figures = Vec::new();
    for (row, side) in comparison.sides.iter().enumerate() {
        let y = row as f64 * ROW_HEIGHT + GAP;
        let text_y = y + BAR_HEIGHT - 5.0;
        let share = if longest > 0.0 {
            side.timing.best / longest
        } else {
            0.0
        };
        // A bar that is too short to be seen would look as if it was missing.
        let width = (share * BAR_WIDTH).max(1.0);
        let class = if row == 0 { "first" } else { "other" };
        let figure = figure(
            side,
            row.checked_sub(1)
                .and_then(|at| comparison.speed_ups.get(at)),
        );
        shapes += &text_line(bars_x - GAP, text_y, "end", &side.label);
        shapes += &format!(
            "<rect class=\"{class}\" x=\"{bars_x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{BAR_HEIGHT}\" rx=\"2\"/>"
        );
        shapes += &text_line(bars_x + width + GAP, text_y, "start", &figure);
        figures.push(format!("{}: {figure}", side.label));
    }
    let width = bars_x + BAR_WIDTH + GAP + FIGURES_WIDTH;
    let height = comparison.sides.len() as f64 * ROW_HEIGHT + GAP;
    let labels: Vec<&str> = comparison
        .sides
        .iter()
        .map(|side| side.label.as_str())
        .collect();
    let title = format!("%compare: {}", labels.join(" and "));
    let description = format!(
        "Best time per loop. {}. Results: {}.",
        figures.join("; "),
        comparison.results
    );
    Some(chart(width, height, &title, &description, &shapes))
}

/// The text after a bar: `302 ms, 7.95x`.
fn figure(side: &Side, speed_up: Option<&SpeedUp>) -> String {
    let best = time(side.timing.best, DEFAULT_DIGITS);
    match speed_up {
        Some(SpeedUp { ratio }) => format!("{best}, {ratio:.2}x"),
        None => best,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::shared::markup::hostile;

    const JSON: &str = "{\"sides\":[\
        {\"label\":\"serial\",\"timing\":{\"best\":2.4},\"workers\":0},\
        {\"label\":\"pool<8>\",\"timing\":{\"best\":0.3},\"workers\":8}],\
        \"speed_ups\":[{\"label\":\"pool<8>\",\"ratio\":8.0}],\"results\":\"equal\"}";

    #[test]
    fn bars_are_as_long_as_the_times() {
        let svg = bar_chart(JSON).expect("the object is whole");
        assert!(
            svg.contains("class=\"first\" x=\"64.0\" y=\"8.0\" width=\"280.0\""),
            "{svg}"
        );
        assert!(
            svg.contains("class=\"other\" x=\"64.0\" y=\"38.0\" width=\"35.0\""),
            "{svg}"
        );
        assert!(
            svg.contains(">2.4 s</text>") && svg.contains(">300 ms, 8.00x</text>"),
            "{svg}"
        );
    }

    #[test]
    fn the_description_says_what_the_bars_show() {
        let svg = bar_chart(JSON).expect("the object is whole");
        assert!(
            svg.contains("<title>%compare: serial and pool&lt;8&gt;</title>"),
            "{svg}"
        );
        assert!(svg.contains(
            "<desc>Best time per loop. serial: 2.4 s; pool&lt;8&gt;: 300 ms, 8.00x. Results: equal.</desc>"
        ));
    }

    fn drawn(label: &str) -> String {
        let side = |label: &str| json!({"label": label, "timing": {"best": 1.5}});
        let comparison = json!({
            "sides": [side(label), side(label)],
            "speed_ups": [{"ratio": 1.0}],
            "results": label,
        });
        bar_chart(&comparison.to_string()).expect("the object is whole")
    }

    #[test]
    fn hostile_labels_are_text() {
        for label in hostile::STRINGS {
            let svg = drawn(label);
            hostile::assert_harmless(&svg);
            let text = hostile::text_of(&svg);
            // In the title twice, in the description three times, and before each bar.
            let shown = hostile::shown(label);
            assert!(
                shown.is_empty() || text.matches(&shown).count() >= 7,
                "{svg}"
            );
        }
    }

    proptest! {
        #![proptest_config(hostile::cases())]

        #[test]
        fn any_label_is_harmless(label in hostile::any_text()) {
            hostile::assert_harmless(&drawn(&label));
        }
    }

    #[test]
    fn json_that_is_no_comparison_draws_nothing() {
        assert_eq!(bar_chart("{}"), None);
        assert_eq!(
            bar_chart("{\"sides\":[],\"speed_ups\":[],\"results\":\"equal\"}"),
            None
        );
    }
}
