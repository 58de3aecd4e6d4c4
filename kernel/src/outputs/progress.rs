//! Renders progress bars. Publishes nothing.
//!
//! Each bar is a display that is updated in place. For a client that can't update displays, such as a terminal, it is a
//! line of text that is overwritten.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use corebook::__private::event::{MimeData, ProgressReport};
use jupyter_protocol::{DisplayData, JupyterMessageContent, Transient, UpdateDisplayData};

use super::media;
use crate::shared::markup::{NO_FORMULAS, escaped};

/// The width of a text bar, in characters.
const TEXT_WIDTH: usize = 30;

/// The bars of the running cell.
#[derive(Default)]
pub struct Bars {
    displays: HashMap<u64, Bar>,
    made: usize,
    /// The width of the current line if a text bar is on it, in characters; otherwise 0.
    line_width: usize,
}

struct Bar {
    display_id: String,
    shown: String,
    has_ended: bool,
}

impl Bars {
    /// The message that shows `report`. None if it would change nothing.
    pub fn message(&mut self, report: &ProgressReport) -> Option<JupyterMessageContent> {
        let (bar, is_new) = self.update(report)?;
        let data = media::from_mime(&[
            MimeData::text("text/plain", bar.shown.clone()),
            MimeData::text("text/html", render_html(report)),
        ]);
        Some(match is_new {
            true => DisplayData {
                data,
                metadata: Default::default(),
                transient: Some(Transient {
                    display_id: Some(bar.display_id.clone()),
                }),
            }
            .into(),
            false => UpdateDisplayData::new(data, &bar.display_id).into(),
        })
    }

    /// The text that shows `report` and overwrites the line of the previous bar. None if it would change nothing.
    pub fn line(&mut self, report: &ProgressReport) -> Option<String> {
        let (bar, _) = self.update(report)?;
        let (shown, has_ended) = (bar.shown.clone(), bar.has_ended);
        let width = shown.chars().count();
        let rest = " ".repeat(self.line_width.saturating_sub(width));
        let end = if has_ended { "\n" } else { "" };
        self.line_width = if has_ended { 0 } else { width };
        Some(format!("\r{shown}{rest}{end}"))
    }

    /// The line break to write before other text, if a text bar is on the current line; otherwise empty.
    pub fn end_line(&mut self) -> &'static str {
        match std::mem::take(&mut self.line_width) {
            0 => "",
            _ => "\n",
        }
    }

    /// Updates the bar of `report`. Returns it and whether it is new. None if nothing has changed.
    fn update(&mut self, report: &ProgressReport) -> Option<(&Bar, bool)> {
        let shown = render_text(report);
        match self.displays.entry(report.id) {
            Entry::Occupied(known) => {
                let bar = known.into_mut();
                if bar.has_ended {
                    return None;
                }
                bar.has_ended = report.ended;
                let is_change = bar.shown != shown;
                bar.shown = shown;
                is_change.then_some((bar, false))
            }
            Entry::Vacant(place) => {
                self.made += 1;
                let bar = place.insert(Bar {
                    display_id: format!("corebook-progress-{}-{}", std::process::id(), self.made),
                    shown,
                    has_ended: report.ended,
                });
                Some((bar, true))
            }
        }
    }

    /// Drops the bars that ended.
    pub fn forget_ended(&mut self) {
        self.displays.retain(|_, bar| !bar.has_ended);
    }
}

/// A bar as text: `render: 12/24 [#####     ] 50%, 8.1 items/s, 1.5 s left`.
fn render_text(report: &ProgressReport) -> String {
    let label = if report.label.is_empty() {
        String::new()
    } else {
        format!("{}: ", report.label)
    };
    if report.total == 0 {
        return format!("{label}{} items{}", report.done, rate(report));
    }
    let filled = usize::try_from(report.done * TEXT_WIDTH as u64 / report.total)
        .unwrap_or(TEXT_WIDTH)
        .min(TEXT_WIDTH);
    let bar = format!("{}{}", "#".repeat(filled), " ".repeat(TEXT_WIDTH - filled));
    let percent = report.done * 100 / report.total;
    format!(
        "{label}{}/{} [{bar}] {percent}%{}",
        report.done,
        report.total,
        rate(report)
    )
}

fn rate(report: &ProgressReport) -> String {
    let elapsed_s = report.elapsed_ns as f64 / 1e9;
    if report.done == 0 || elapsed_s <= 0.0 {
        return String::new();
    }
    let per_second = report.done as f64 / elapsed_s;
    let time = if report.ended {
        format!("{elapsed_s:.1} s")
    } else if report.total > report.done {
        format!(
            "{:.1} s left",
            (report.total - report.done) as f64 / per_second
        )
    } else {
        format!("{elapsed_s:.1} s")
    };
    format!(", {per_second:.1} items/s, {time}")
}

/// A bar as a `<progress>` element, which screen readers support. `<bdi>` keeps a right-to-left label from reordering
/// the text around it.
fn render_html(report: &ProgressReport) -> String {
    let range = if report.total == 0 {
        String::new()
    } else {
        format!(" max=\"{}\" value=\"{}\"", report.total, report.done)
    };
    let label = escaped(&report.label);
    let count = if report.total == 0 {
        report.done.to_string()
    } else {
        format!("{}/{}", report.done, report.total)
    };
    format!(
        "<div class=\"{NO_FORMULAS}\"><bdi>{label}</bdi> <progress aria-label=\"{label}\"{range}></progress> {count}{}</div>",
        escaped(&rate(report))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::markup::hostile;

    fn report(done: u64, ended: bool) -> ProgressReport {
        ProgressReport {
            id: 1,
            label: "render".into(),
            done,
            total: 24,
            elapsed_ns: 1_500_000_000,
            ended,
        }
    }

    #[test]
    fn a_bar_is_shown_once_and_then_updated() {
        let mut bars = Bars::default();
        assert!(matches!(
            bars.message(&report(0, false)),
            Some(JupyterMessageContent::DisplayData(_))
        ));
        assert!(matches!(
            bars.message(&report(12, false)),
            Some(JupyterMessageContent::UpdateDisplayData(_))
        ));
        assert!(bars.message(&report(24, true)).is_some());
        assert!(bars.message(&report(24, true)).is_none());
    }

    #[test]
    fn a_text_bar_is_overwritten_and_ended_once() {
        let mut bars = Bars::default();
        let first = bars.line(&report(0, false)).unwrap();
        assert!(
            first.starts_with("\rrender: 0/24 [") && !first.ends_with('\n'),
            "{first:?}"
        );
        let second = bars.line(&report(12, false)).unwrap();
        assert!(second.chars().count() >= first.chars().count());
        assert_eq!(bars.line(&report(12, false)), None);
        // Other text is printed in between, on a new line.
        assert_eq!(bars.end_line(), "\n");
        assert_eq!(bars.end_line(), "");
        let last = bars.line(&report(24, true)).unwrap();
        assert!(last.starts_with('\r') && last.ends_with('\n'), "{last:?}");
        assert_eq!(bars.end_line(), "");
    }

    #[test]
    fn a_shorter_line_overwrites_a_longer_one() {
        let mut bars = Bars::default();
        let mut long = report(1, false);
        long.label = "a long label".into();
        let wide = bars.line(&long).unwrap().chars().count();
        let mut short = report(2, false);
        short.label = String::new();
        assert_eq!(bars.line(&short).unwrap().chars().count(), wide);
    }

    #[test]
    fn the_text_shows_count_percent_rate_and_time_left() {
        assert_eq!(
            render_text(&report(12, false)),
            format!(
                "render: 12/24 [{}{}] 50%, 8.0 items/s, 1.5 s left",
                "#".repeat(15),
                " ".repeat(15)
            )
        );
    }

    #[test]
    fn hostile_labels_are_text() {
        for label in hostile::STRINGS {
            for total in [0, 24] {
                let report = ProgressReport {
                    label: (*label).to_owned(),
                    total,
                    ..report(1, false)
                };
                let html = render_html(&report);
                hostile::assert_harmless(&html);
                let text = hostile::text_of(&html);
                assert!(text.starts_with(&hostile::shown(label)), "{html}");
            }
        }
    }
}
