//! Converts positions: those in messages count code points, those in this room count bytes.

/// The number of code points before a byte of `text`.
pub fn characters_before(text: &str, byte: usize) -> usize {
    text[..text.floor_char_boundary(byte)].chars().count()
}

/// The byte at which a code point of `text` begins; the end of `text` if it has fewer code points.
pub fn byte_at(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(byte, _)| byte)
}

/// Whether `c` can be part of a name.
pub fn is_ident_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_code_points() {
        let code = "let é = \"😀\"; ab";
        let cursor = byte_at(code, 14);
        assert_eq!(&code[cursor..], "b");
        assert_eq!(characters_before(code, cursor), 14);
        assert_eq!(byte_at(code, 99), code.len());
        // A letter and a combining accent, as some keyboards send it, are two code points.
        assert_eq!(characters_before("e\u{301}x", 3), 2);
    }
}
