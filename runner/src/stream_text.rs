//! The text of a stream after backspaces and carriage returns are applied, as JupyterLab keeps it. Does no I/O.

/// Text with a cursor in its last line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamText {
    /// All lines before the last, with their newlines.
    finished: String,
    /// The last line. Its characters can still be overwritten.
    line: Vec<char>,
    /// The cursor: where in the last line the next character goes.
    column: usize,
}

impl StreamText {
    /// Appends `text`. `\r` moves the cursor to the start of the line, and `\b` removes the character before it;
    /// neither leaves the line. Every other character overwrites the one at the cursor, also in escape sequences.
    pub fn push(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' => {
                    self.finished.extend(self.line.drain(..));
                    self.finished.push('\n');
                    self.column = 0;
                }
                '\r' => self.column = 0,
                '\u{8}' => {
                    if self.column > 0 {
                        self.column -= 1;
                        self.line.remove(self.column);
                    }
                }
                other => {
                    match self.line.get_mut(self.column) {
                        Some(place) => *place = other,
                        None => self.line.push(other),
                    }
                    self.column += 1;
                }
            }
        }
    }

    /// The text that is visible.
    pub fn text(&self) -> String {
        let mut text = self.finished.clone();
        text.extend(&self.line);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: &[&str]) -> String {
        let mut text = StreamText::default();
        parts.iter().for_each(|part| text.push(part));
        text.text()
    }

    #[test]
    fn a_carriage_return_overwrites_its_line_only() {
        assert_eq!(text(&["done\n10%\r100%\n"]), "done\n100%\n");
        assert_eq!(text(&["100%\r", "7"]), "700%");
    }

    #[test]
    fn windows_line_ends_become_newlines() {
        assert_eq!(text(&["a\r\nb\r", "\n"]), "a\nb\n");
    }

    #[test]
    fn a_backspace_removes_one_character_and_stays_in_its_line() {
        assert_eq!(text(&["ab\u{8}c"]), "ac");
        assert_eq!(text(&["a\n\u{8}\u{8}b"]), "a\nb");
    }

    #[test]
    fn characters_of_several_bytes_take_one_column() {
        assert_eq!(text(&["äöü\rx"]), "xöü");
    }
}
