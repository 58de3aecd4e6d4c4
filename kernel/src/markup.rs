//! Text inside HTML and SVG.

/// `text` as it may stand between tags and in an attribute's quotes, of HTML and of XML.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // No other control character may stand in XML.
            '\n' | '\t' => escaped.push(letter),
            control if control.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// The text that stands as `markup` between tags.
pub fn unescaped(markup: &str) -> String {
    markup
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{escaped, unescaped};

    #[test]
    fn text_of_the_user_is_no_markup() {
        assert_eq!(
            escaped("Vec<_> & \"x\"\u{1b}\n"),
            "Vec&lt;_&gt; &amp; &quot;x&quot; \n"
        );
        assert_eq!(unescaped(&escaped("&lt; <\"'>")), "&lt; <\"'>");
    }
}
