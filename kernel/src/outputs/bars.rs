//! Progress bars: one display each, updated in place.
//!
//! Pure: makes messages, publishes none.

use std::collections::HashMap;

use corebook::event::{MimeData, ProgressReport};
use jupyter_protocol::{DisplayData, JupyterMessageContent, Transient, UpdateDisplayData};

use super::media;
use crate::markup::escaped;

/// Width of the bar in the text form, in characters.
const TEXT_WIDTH: usize = 30;

/// The bars that are shown, and the display of each.
#[derive(Default)]
pub struct Bars {
    displays: HashMap<u64, Bar>,
    made: usize,
}

struct Bar {
    display_id: String,
    shown: String,
    has_ended: bool,
}

impl Bars {
    /// The message that shows `report`; none when it would change nothing.
    pub fn message(&mut self, report: &ProgressReport) -> Option<JupyterMessageContent> {
        let shown = text(report);
        let data = media::from_mime(&[
            MimeData::text("text/plain", shown.clone()),
            MimeData::text("text/html", html(report)),
        ]);
        match self.displays.get_mut(&report.id) {
            Some(bar) if bar.has_ended => None,
            Some(bar) => {
                bar.has_ended = report.ended;
                if bar.shown == shown {
                    return None;
                }
                bar.shown = shown;
                Some(UpdateDisplayData::new(data, &bar.display_id).into())
            }
            None => {
                self.made += 1;
                let display_id = format!("corebook-progress-{}-{}", std::process::id(), self.made);
                let transient = Some(Transient {
                    display_id: Some(display_id.clone()),
                });
                self.displays.insert(
                    report.id,
                    Bar {
                        display_id,
                        shown,
                        has_ended: report.ended,
                    },
                );
                Some(
                    DisplayData {
                        data,
                        metadata: Default::default(),
                        transient,
                    }
                    .into(),
                )
            }
        }
    }

    /// Drops the bars that ended.
    pub fn forget_ended(&mut self) {
        self.displays.retain(|_, bar| !bar.has_ended);
    }
}

/// `render: 12/24 [#####     ] 50%, 8.1 items/s, 1.5 s left`.
fn text(report: &ProgressReport) -> String {
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

/// The same as a `<progress>` element, which screen readers know.
fn html(report: &ProgressReport) -> String {
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
        "<div>{label} <progress aria-label=\"{label}\"{range}></progress> {count}{}</div>",
        escaped(&rate(report))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_text_tells_count_share_rate_and_time_left() {
        assert_eq!(
            text(&report(12, false)),
            format!(
                "render: 12/24 [{}{}] 50%, 8.0 items/s, 1.5 s left",
                "#".repeat(15),
                " ".repeat(15)
            )
        );
    }

    #[test]
    fn labels_are_escaped() {
        let mut report = report(1, false);
        report.label = "<script>".into();
        assert!(html(&report).contains("&lt;script&gt;"));
    }
}
