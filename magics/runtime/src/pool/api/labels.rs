//! Texts that stay for the rest of the process, so that a handle, being `Copy`, can hold one.

use std::sync::{Mutex, PoisonError};

pub(crate) static KEPT: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// The same text for the rest of the process. Each is kept once, and labels are few.
pub(super) fn keep(text: &str) -> &'static str {
    let mut texts = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(kept) = texts.iter().find(|kept| **kept == text) {
        return kept;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    texts.push(kept);
    kept
}
