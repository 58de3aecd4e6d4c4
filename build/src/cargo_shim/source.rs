//! Changes the source that evcxr 0.22 generates: sorts it into the notebook's order, and takes the store of variables
//! from the runtime.
//!
//! evcxr writes the source of its store into every cell that has variables. Compiling the hash map in it costs more
//! than the rest of most cells: 200 ms of processor time without incremental state. The runtime has the same store,
//! already compiled. To be dropped when evcxr keeps its store in a library.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use super::line_map::LineMap;
use super::order::NotebookOrder;
use crate::evcxr::{FUNCTION_START, STORE_START};

const FROM_RUNTIME: &str = "use ::corebook::store as evcxr_internal_runtime;";

/// A source in the form that rustc reads.
pub(super) struct Prepared {
    /// In bytes.
    pub(super) len: usize,
    /// The map of its lines, if they were moved.
    pub(super) moved: Option<LineMap>,
}

/// Rewrites a source file if necessary.
///
/// * `order`: the order of the notebook; `None` if it does not matter.
pub(super) fn prepare(file: &Path, order: Option<&NotebookOrder>) -> io::Result<Prepared> {
    let written = fs::read_to_string(file)?;
    let (text, moved) = rewrite(&written, order);
    let len = text.as_ref().unwrap_or(&written).len();
    if let Some(text) = text {
        fs::write(file, text)?;
    }
    Ok(Prepared { len, moved })
}

/// The source for rustc if it differs from what evcxr wrote, and the map of its lines if they were moved.
fn rewrite(written: &str, order: Option<&NotebookOrder>) -> (Option<String>, Option<LineMap>) {
    let (mut text, moved) = order
        .and_then(|order| order.sort_items(written))
        .map_or((None, None), |(text, map)| (Some(text), Some(map)));
    let loaded = order.and_then(|order| order.sort_variables(text.as_deref().unwrap_or(written)));
    text = loaded.or(text);
    let replaced = replace_store(text.as_deref().unwrap_or(written));
    (replaced.or(text), moved)
}

/// The source with the runtime's store. Every line keeps its number.
fn replace_store(text: &str) -> Option<String> {
    let module = module(text)?;
    let line_breaks = text[module.clone()].matches('\n').count();
    Some(format!(
        "{}{FROM_RUNTIME}{}{}",
        &text[..module.start],
        "\n".repeat(line_breaks),
        &text[module.end..]
    ))
}

/// From `mod` to the brace that closes it.
fn module(text: &str) -> Option<Range<usize>> {
    let start = text.find(STORE_START)? + 1;
    let end = start + text[start..].find(FUNCTION_START)?;
    text[..end].ends_with("\n}").then_some(start..end)
}

#[cfg(test)]
mod tests;
