//! Positions in messages count code points; everything else here counts bytes.

/// The code points before a byte of `text`.
pub fn characters_before(text: &str, byte: usize) -> usize {
    text[..text.floor_char_boundary(byte)].chars().count()
}

/// The byte where a code point of `text` begins; its end if it has fewer.
pub fn byte_at(text: &str, character: usize) -> usize {
    text.char_indices()
        .nth(character)
        .map_or(text.len(), |(byte, _)| byte)
}

/// Whether a letter can be part of a name.
pub fn is_ident_char(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
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
        // A letter and its accent, as some keyboards send it, are two.
        assert_eq!(characters_before("e\u{301}x", 3), 2);
    }
}
