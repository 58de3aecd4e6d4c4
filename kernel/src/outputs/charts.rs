//! Renders charts of timings as SVG from the runtime's JSON. Sends no message.
//!
//! Rendered here and not in the cell, so that cells compile fast.
//!
//! A chart is meant to be part of the page (`text/html`). There it uses the colours of the theme, and screen readers
//! read its title and description. As a separate image it follows the system's choice of light or dark.

mod bar_chart;
mod strip_plot;

use crate::shared::markup::{NO_FORMULAS, escaped};

pub use bar_chart::bar_chart;
pub use strip_plot::strip_plot;

/// The colour of text and axes comes from JupyterLab's or VS Code's theme, or else from the system's choice.
/// The fills have a contrast of at least 3 to 1 with white and with black.
const STYLE: &str = "<style>\
    .corebook-chart{--corebook-ink:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1f2328));\
    font:13px system-ui,sans-serif}\
    @media (prefers-color-scheme:dark){.corebook-chart{--corebook-ink:\
    var(--jp-content-font-color1,var(--vscode-editor-foreground,#e6edf3))}}\
    .corebook-chart text{fill:var(--corebook-ink)}\
    .corebook-chart line{stroke:var(--corebook-ink);stroke-opacity:.5}\
    .corebook-chart .first{fill:#7d8590}\
    .corebook-chart .other{fill:#3b82f6}\
    </style>";

/// A whole chart with the given `shapes`.
fn chart(width: f64, height: f64, title: &str, description: &str, shapes: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"corebook-chart {NO_FORMULAS}\" role=\"img\" \
         width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\
         <title>{}</title><desc>{}</desc>{STYLE}{shapes}</svg>",
        escaped(title),
        escaped(description)
    )
}

/// One line of text. `anchor` is the point of it that is placed at `x`: `start`, `middle` or `end`.
fn text_line(x: f64, y: f64, anchor: &str, content: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
        escaped(content)
    )
}
