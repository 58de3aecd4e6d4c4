//! Names, paths and sources of others on a terminal, where control characters are commands: they move the cursor, erase
//! lines and set titles. What a cell puts out is the user's and does not go through here.

/// `text` with its control characters written out, as in `\\u{1b}`; line breaks and tabs stay.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && !matches!(letter, '\n' | '\t') {
            visible.extend(letter.escape_default());
        } else {
            visible.push(letter);
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_seen_and_command_nothing() {
        assert_eq!(
            visible("a\u{1b}[2Jb\u{9b}1mc\u{7}\r\0\n\td é"),
            "a\\u{1b}[2Jb\\u{9b}1mc\\u{7}\\r\\u{0}\n\td é"
        );
    }
}
