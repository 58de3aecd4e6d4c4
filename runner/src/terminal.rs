//! Makes control characters visible in names, paths and sources that come from files. On a terminal they are commands:
//! they move the cursor, erase lines and set titles. Outputs of cells do not go through here: they are what
//! the user's own code prints.

/// `text` with its control characters written out, as in `\\u{1b}`; line breaks and tabs stay.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            visible.extend(c.escape_default());
        } else {
            visible.push(c);
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            visible("a\u{1b}[2Jb\u{9b}1mc\u{7}\r\0\n\td é"),
            "a\\u{1b}[2Jb\\u{9b}1mc\\u{7}\\r\\u{0}\n\td é"
        );
    }
}
