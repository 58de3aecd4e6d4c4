//! Rich output, and the value of a cell's last expression.
//!
//! In a notebook the kernel turns each call into a Jupyter message, in the order of the calls. In a program the
//! plain text is printed: the source of Markdown, LaTeX and JSON, and a phrase such as `an HTML output` for the rest.
//!
//! This module draws nothing itself.

use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::{self, Event, MimeData};
use crate::timing;

/// The most characters of a value that are shown.
const LONGEST_TEXT: usize = 10_000;

/// Gives every `T: Debug` the method that is called at the end of a cell, so the cell compiles at the first attempt.
///
/// A type with its own `evcxr_display` keeps it: an inherent method has precedence.
#[doc(hidden)]
pub trait CellValue {
    /// Shows the value as the cell's result; `()` shows nothing.
    fn evcxr_display(&self);
}

impl<T: Debug + ?Sized> CellValue for T {
    fn evcxr_display(&self) {
        if std::any::type_name::<T>() != "()" {
            show_result(&|text| write!(text, "{self:?}"));
        }
    }
}

#[doc(hidden)]
/// Shows a value as the cell's result. In contrast to [`CellValue`] it can be called before the type is inferred.
pub fn show_value<T: Debug + ?Sized>(value: &T) {
    value.evcxr_display();
}

/// The precompiled core of [`CellValue`].
fn show_result(write: &dyn Fn(&mut Limited) -> std::fmt::Result) {
    timing::cell_value_is_ready();
    let text = limited_text(write);
    event::send(&Event::Result {
        data: vec![MimeData::text("text/plain", text)],
    });
}

/// Shows a value at this point of the output, as its `Debug` text, cut after 10,000 characters.
///
/// Returns a handle that can replace the content later.
///
/// # Examples
///
/// ```
/// use corebook::display::display;
/// display(&vec![1, 2, 3]);
/// ```
pub fn display<T: Debug + ?Sized>(value: &T) -> DisplayHandle {
    DisplayHandle::show(text_data(&|text| write!(text, "{value:?}")))
}

fn text_data(write: &dyn Fn(&mut Limited) -> std::fmt::Result) -> Vec<MimeData> {
    vec![MimeData::text("text/plain", limited_text(write))]
}

/// Shows HTML.
///
/// * `source`: an HTML fragment, inserted into the page unchanged. Escape text from outside first.
///
/// # Examples
///
/// ```
/// use corebook::display::html;
///
/// let rows: String = (1..=3).map(|x| format!("<tr><td>{x}<td>{}", x * x)).collect();
/// html(&format!("<table><tr><th>x<th>x²{rows}</table>"));
/// ```
pub fn html(source: &str) -> DisplayHandle {
    DisplayHandle::show(rich("text/html", source, "an HTML output"))
}

/// Shows a picture in SVG.
///
/// * `source`: a whole `svg` element.
///
/// # Examples
///
/// ```
/// corebook::display::svg(
///     r#"<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><rect width="40" height="20"/></svg>"#,
/// );
/// ```
pub fn svg(source: &str) -> DisplayHandle {
    DisplayHandle::show(rich("image/svg+xml", source, "a picture (SVG)"))
}

/// Shows Markdown.
///
/// * `source`: the text with its markup.
///
/// # Examples
///
/// ```
/// corebook::display::markdown("**8** workers, *2.4 s*");
/// ```
pub fn markdown(source: &str) -> DisplayHandle {
    DisplayHandle::show(rich("text/markdown", source, source))
}

/// Shows a formula in LaTeX.
///
/// * `source`: the formula with its dollar signs, `$…$` or `$$…$$`.
///
/// # Examples
///
/// ```
/// corebook::display::latex(r"$\sum_{i=1}^{n} i = \frac{n(n+1)}{2}$");
/// ```
pub fn latex(source: &str) -> DisplayHandle {
    DisplayHandle::show(rich("text/latex", source, source))
}

/// Shows JSON as a tree.
///
/// * `source`: JSON text; text that is not JSON is shown as it is.
///
/// # Examples
///
/// ```
/// corebook::display::json(r#"{"workers": 8, "times": [2.4, 0.31]}"#);
/// ```
pub fn json(source: &str) -> DisplayHandle {
    DisplayHandle::show(rich("application/json", source, source))
}

/// Shows a picture from the bytes of a PNG file.
///
/// * `bytes`: the content of the file. It is not checked.
///
/// # Examples
///
/// ```no_run
/// let bytes = std::fs::read("plot.png")?;
/// corebook::display::png(&bytes);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn png(bytes: &[u8]) -> DisplayHandle {
    DisplayHandle::show(vec![
        MimeData {
            mime: "image/png".to_owned(),
            content: bytes.to_vec(),
        },
        MimeData::text(
            "text/plain",
            format!("a picture (PNG, {} bytes)", bytes.len()),
        ),
    ])
}

/// Content with a plain form for clients that cannot show it.
fn rich(mime: &str, source: &str, plain: &str) -> Vec<MimeData> {
    vec![
        MimeData::text(mime, source),
        MimeData::text("text/plain", plain),
    ]
}

/// Removes the cell's output.
///
/// * `wait`: whether to remove it only when the next output comes, so that a picture that is redrawn does not
///   flicker.
///
/// # Examples
///
/// ```
/// use corebook::display::{clear_output, display};
///
/// for step in 0..3 {
///     clear_output(true);
///     display(&step);
/// }
/// ```
pub fn clear_output(wait: bool) {
    event::send(&Event::ClearOutput { wait });
}

/// A display that can be replaced later, also from another cell.
///
/// Returned by [`display`], [`html`] and the other functions of this module.
///
/// # Examples
///
/// ```
/// use corebook::display::html;
/// let status = html("<b>working</b>");
/// status.update_html("<b>done</b>");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayHandle {
    id: String,
}

impl DisplayHandle {
    fn show(data: Vec<MimeData>) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let id = format!("corebook-display-{}-{number}", std::process::id());
        event::send(&Event::Display {
            id: id.clone(),
            data,
        });
        Self { id }
    }

    /// Replaces the content by a value's `Debug` text.
    ///
    /// # Examples
    ///
    /// ```
    /// let best = corebook::display::display(&f64::NAN);
    /// for guess in [3.0, 2.5, 2.4] {
    ///     best.update(&guess);
    /// }
    /// ```
    pub fn update<T: Debug + ?Sized>(&self, value: &T) {
        self.replace(text_data(&|text| write!(text, "{value:?}")));
    }

    /// Replaces the content by HTML.
    ///
    /// * `source`: an HTML fragment, as for [`html`].
    ///
    /// # Examples
    ///
    /// ```
    /// let shown = corebook::display::display(&0);
    /// shown.update_html("<b>1</b>");
    /// ```
    pub fn update_html(&self, source: &str) {
        self.replace(rich("text/html", source, "an HTML output"));
    }

    /// Replaces the content by a picture in SVG.
    ///
    /// * `source`: a whole `svg` element.
    ///
    /// # Examples
    ///
    /// ```
    /// let shown = corebook::display::display(&0);
    /// shown.update_svg("<svg/>");
    /// ```
    pub fn update_svg(&self, source: &str) {
        self.replace(rich("image/svg+xml", source, "a picture (SVG)"));
    }

    /// Replaces the content by Markdown.
    ///
    /// * `source`: the text with its markup.
    ///
    /// # Examples
    ///
    /// ```
    /// let shown = corebook::display::display(&0);
    /// shown.update_markdown("**1**");
    /// ```
    pub fn update_markdown(&self, source: &str) {
        self.replace(rich("text/markdown", source, source));
    }

    fn replace(&self, data: Vec<MimeData>) {
        event::send(&Event::UpdateDisplay {
            id: self.id.clone(),
            data,
        });
    }
}

/// A text buffer that keeps at most [`LONGEST_TEXT`] characters and counts the rest.
#[derive(Default)]
struct Limited {
    text: String,
    length: usize,
    left_out: usize,
}

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            if self.length < LONGEST_TEXT {
                self.text.push(c);
                self.length += 1;
            } else {
                self.left_out += 1;
            }
        }
        Ok(())
    }
}

fn limited_text(write: &dyn Fn(&mut Limited) -> std::fmt::Result) -> String {
    let mut limited = Limited::default();
    if write(&mut limited).is_err() {
        limited.text.push_str(" (its Debug implementation failed)");
    }
    if limited.left_out > 0 {
        let left_out = limited.left_out;
        // Writing to a `String` never fails.
        let _ = write!(
            limited.text,
            "\n… {left_out} more characters: print it with println!(\"{{:?}}\", value)"
        );
    }
    limited.text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_with_a_note() {
        let text = limited_text(&|text| write!(text, "{}", "x".repeat(LONGEST_TEXT + 7)));
        assert!(text.starts_with(&"x".repeat(LONGEST_TEXT)));
        assert!(
            text.ends_with("\n… 7 more characters: print it with println!(\"{:?}\", value)"),
            "{}",
            &text[LONGEST_TEXT..]
        );
    }

    #[test]
    fn short_text_is_whole() {
        assert_eq!(limited_text(&|text| write!(text, "{:?}", [1, 2])), "[1, 2]");
    }

    #[test]
    fn an_own_method_wins_over_the_trait() {
        struct Own(std::cell::Cell<bool>);
        impl Own {
            fn evcxr_display(&self) {
                self.0.set(true);
            }
        }
        let own = Own(std::cell::Cell::new(false));
        own.evcxr_display();
        assert!(own.0.get());
    }
}
