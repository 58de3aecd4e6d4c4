//! Text inside HTML and SVG, and HTML of others.
//!
//! All that the kernel writes as markup goes through here: text through [`escaped`], HTML that it did not write
//! itself through [`cleaned`]. Knows nothing of outputs.

mod allowed;
#[cfg(test)]
pub mod hostile;

pub use self::allowed::cleaned;

/// The class of an element in which MathJax, which JupyterLab lets loose on all HTML, takes dollar signs for dollars.
pub const NO_FORMULAS: &str = "mathjax_ignore";

/// `text` as it may stand between tags and in an attribute's quotes, of HTML and of XML.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            // No other control character may stand in XML, nor these two: <https://www.w3.org/TR/xml/#charsets>.
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            control if control.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The text that stands as `markup` between tags or in an attribute's quotes.
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
    fn text_of_the_user_is_no_markup() {
        assert_eq!(
            escaped("Vec<_> & \"x\"\u{1b}\n"),
            "Vec&lt;_&gt; &amp; &quot;x&quot; \n"
        );
        assert_eq!(unescaped(&escaped("&lt; <\"'>")), "&lt; <\"'>");
    }

    proptest! {
        #![proptest_config(hostile::cases())]

        #[test]
        fn any_text_is_text_between_tags_and_in_both_kinds_of_quotes(text in hostile::any_text()) {
            let escaped = escaped(&text);
            let markup = format!("<p title=\"{escaped}\" lang='{escaped}'>{escaped}</p>");
            let document = roxmltree::Document::parse(&markup).unwrap();
            let element = document.root_element();
            prop_assert_eq!(element.text().unwrap_or_default(), shown(&text));
            // XML makes blanks of an attribute's line breaks.
            let in_quotes = shown(&text).replace(['\n', '\t'], " ");
            prop_assert_eq!(element.attribute("title"), Some(in_quotes.as_str()));
            prop_assert_eq!(element.attribute("lang"), Some(in_quotes.as_str()));
            prop_assert_eq!(unescaped(&escaped), shown(&text));
        }
    }
}
