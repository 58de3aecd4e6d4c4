//! The text that a stream leaves after backspaces and carriage returns, as JupyterLab keeps it. Pure.

/// Text with a place where the next character goes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamText {
    /// Everything before the last line, newlines included.
    finished: String,
    /// The last line. Its characters can still be overwritten.
    line: Vec<char>,
    /// Where in the last line the next character goes.
    column: usize,
}

impl StreamText {
    /// Goes on with `text`: `\r` goes back to the line's start, `\b` takes one character back, neither
    /// beyond the line; other characters replace what is there, escape sequences too.
    pub fn push(&mut self, text: &str) {
        for character in text.chars() {
            match character {
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

    /// All that is left to see.
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
    fn a_backspace_takes_one_character_and_never_the_line_before() {
        assert_eq!(text(&["ab\u{8}c"]), "ac");
        assert_eq!(text(&["a\n\u{8}\u{8}b"]), "a\nb");
    }

    #[test]
    fn characters_of_several_bytes_are_one_place() {
        assert_eq!(text(&["äöü\rx"]), "xöü");
    }
}
