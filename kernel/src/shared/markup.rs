//! Escapes text for HTML and SVG, and cleans HTML from other sources. Does no I/O.
//!
//! All markup that the kernel writes uses this module: [`escaped`] for text, [`cleaned`] for HTML that the kernel did
//! not write itself.

mod allowed;
#[cfg(test)]
pub mod hostile;

pub use self::allowed::cleaned;

/// The class of elements that MathJax must ignore. JupyterLab runs MathJax on all HTML, and it would read dollar signs
/// as formulas.
pub const NO_FORMULAS: &str = "mathjax_ignore";

/// Escapes `text` for use between tags and in quoted attributes, in HTML and in XML.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            // XML forbids all other control characters and these two: <https://www.w3.org/TR/xml/#charsets>.
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            control if control.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The text that `markup` means between tags or in a quoted attribute.
pub fn unescaped(markup: &str) -> String {
    markup
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::escaped;
    use super::hostile::{self, shown};
    use super::unescaped;

    #[test]
    fn text_is_escaped_and_unescaped() {
        assert_eq!(
            escaped("Vec<_> & \"x\"\u{1b}\n"),
            "Vec&lt;_&gt; &amp; &quot;x&quot; \n"
        );
        assert_eq!(unescaped(&escaped("&lt; <\"'>")), "&lt; <\"'>");
    }

    proptest! {
        #![proptest_config(hostile::cases())]

        #[test]
        fn any_text_is_kept_between_tags_and_in_quotes(text in hostile::any_text()) {
            let escaped = escaped(&text);
            let markup = format!("<p title=\"{escaped}\" lang='{escaped}'>{escaped}</p>");
            let document = roxmltree::Document::parse(&markup).unwrap();
            let element = document.root_element();
            prop_assert_eq!(element.text().unwrap_or_default(), shown(&text));
            // XML replaces line breaks in attributes by blanks.
            let in_quotes = shown(&text).replace(['\n', '\t'], " ");
            prop_assert_eq!(element.attribute("title"), Some(in_quotes.as_str()));
            prop_assert_eq!(element.attribute("lang"), Some(in_quotes.as_str()));
            prop_assert_eq!(unescaped(&escaped), shown(&text));
        }
    }
}
