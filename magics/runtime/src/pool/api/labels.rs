//! Texts that are kept until the process ends, so that a handle can hold one although it is `Copy`. None is ever freed.

use std::sync::{Mutex, PoisonError};

pub(crate) static KEPT: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// Returns the same text with a static lifetime. Each different text is kept once.
pub(super) fn keep(text: &str) -> &'static str {
    let mut texts = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kept) = texts.iter().find(|kept| **kept == text) {
        return kept;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    texts.push(kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_kept_once() {
        let (first, second) = (keep("first"), keep("second"));
        assert_eq!((first, second), ("first", "second"));
        assert!(std::ptr::eq(keep(&String::from("first")), first));
        assert!(std::ptr::eq(keep(&String::from("second")), second));
    }
}
