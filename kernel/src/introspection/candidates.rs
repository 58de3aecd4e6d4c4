//! Filters and sorts rust-analyzer's completions: drops internal names, puts likely ones first.
//!
//! evcxr passes on rust-analyzer's list without its ranks, and with private fields and methods of all crates,
//! because rust-analyzer takes every crate of a session for one that is being edited. This module decides which
//! candidates may be private; the caller finds out which of them are. To be dropped when evcxr passes on ranks and
//! visibility.

use crate::evaluator::{Found, FoundItem};
use corebook_build::evcxr::CELL_FUNCTION;

use super::completion_item::Offer;

/// Prefixes of names that evcxr, the magics and macros generate.
const GENERATED: [&str; 5] = ["evcxr", "Evcxr", CELL_FUNCTION, "corebook_", "__"];

/// Private methods in the standard library that rust-analyzer offers. Other crates are unlikely to use these names.
const PRIVATE_IN_STD: &[&str] = &[
    "abort_shrink",
    "align_to_offsets",
    "append_elements",
    "as_raw_mut_slice",
    "as_u8_slice",
    "buffer_range",
    "buffer_read",
    "buffer_write",
    "cname",
    "copy_slice",
    "copy_slice_reversed",
    "drop_slow",
    "escape_debug_ext",
    "extend_desugared",
    "extend_trusted",
    "extend_with",
    "extract_if_inner",
    "forget_allocation_drop_remaining",
    "forget_remaining_elements",
    "handle_capacity_increase",
    "into_vecdeque",
    "is_contiguous",
    "is_grapheme_extended",
    "make_slice",
    "next_back_index",
    "next_back_unchecked",
    "nonoverlapping_ranges",
    "one_less_than_next_power_of_two",
    "original_step",
    "post_inc_start",
    "pre_dec_end",
    "push_front_unchecked",
    "push_str_slice",
    "push_unchecked",
    "rebuild_tail",
    "rotate_left_inner",
    "rotate_right_inner",
    "sift_down",
    "sift_down_range",
    "sift_down_to_bottom",
    "sift_up",
    "slice_ranges",
    "split_at_spare_mut_with_len",
    "super_nth",
    "to_physical_idx",
    "wrap_copy",
    "write_iter_wrapping",
];

/// Private methods of types in the runtime and in std. Other crates may use these names for public methods.
const PERHAPS_PRIVATE: &[&str] = &[
    "difference",
    "fail",
    "from_number",
    "inner",
    "lease",
    "line",
    "plan",
    "prefix",
    "ptr",
    "rebuild",
    "run",
    "side_lines",
    "wrap_add",
    "wrap_sub",
    "write_details",
];

/// Methods that nearly every type has, so users rarely look for them.
const COMMON: &[&str] = &[
    "as_mut",
    "as_ref",
    "borrow",
    "borrow_mut",
    "by_ref",
    "clamp",
    "clone",
    "clone_from",
    "clone_into",
    "cmp",
    "eq",
    "fmt",
    "ge",
    "gt",
    "hash",
    "into",
    "le",
    "lt",
    "ne",
    "partial_cmp",
    "to_owned",
    "to_string",
    "try_into",
    "type_id",
];

/// A completion for the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Candidate {
    pub name: String,
    kind: &'static str,
    signature: Option<String>,
    rank: Rank,
}

/// The order of candidates: likely ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Rank {
    /// A variable or a field.
    Variable,
    /// Defined in this notebook.
    Own,
    Other,
    Common,
    /// `iter().map`: a method of the result of another method.
    Detour,
    Keyword,
}

impl Candidate {
    fn new(item: &FoundItem, preceding: Preceding, own: &[String]) -> Option<Self> {
        let name = name(item)?;
        let last = name.rsplit('.').next().unwrap_or(name);
        let is_generated = GENERATED.iter().any(|start| last.starts_with(start));
        // By convention, a member whose name begins with an underscore is unused.
        let is_unused = preceding == Preceding::Dot && name.starts_with('_');
        let is_common = preceding != Preceding::Nothing && COMMON.contains(&last);
        let is_detour = name.contains("().");
        if is_generated || is_unused || PRIVATE_IN_STD.contains(&name) || is_detour && is_common {
            return None;
        }
        let is_lower = name.starts_with(|c: char| c.is_lowercase() || c == '_');
        let rank = if item.kind == "keyword" {
            Rank::Keyword
        } else if is_detour {
            Rank::Detour
        } else if item.kind == "instance" && (preceding == Preceding::Dot || is_lower) {
            Rank::Variable
        } else if preceding == Preceding::Nothing && own.iter().any(|own| own == name) {
            Rank::Own
        } else if is_common {
            Rank::Common
        } else {
            Rank::Other
        };
        Some(Self {
            name: name.to_owned(),
            kind: item.kind,
            // The brackets of a macro do not show its arguments.
            signature: signature(&item.code[name.len()..]).filter(|_| !name.ends_with('!')),
            rank,
        })
    }

    /// Whether it is a field, offered after a dot.
    pub fn is_field(&self, preceding: Preceding) -> bool {
        preceding == Preceding::Dot && self.rank == Rank::Variable
    }

    /// Whether it could be a private field or function.
    pub fn may_be_private(&self, preceding: Preceding) -> bool {
        let is_suspect =
            preceding != Preceding::Nothing && PERHAPS_PRIVATE.contains(&self.name.as_str());
        is_suspect || self.is_field(preceding)
    }

    pub fn into_offer(self) -> Offer {
        Offer {
            text: self.name,
            kind: self.kind,
            signature: self.signature,
        }
    }
}

/// The candidates in `found`, best first. A name can occur twice, as a field and as a method.
///
/// * `before`: the code before the text that a candidate would replace.
/// * `typed`: the prefix that all candidates must have.
pub fn candidates(found: &Found, before: &str, typed: &str) -> Vec<Candidate> {
    let preceding = Preceding::of(before);
    let items = found.items.iter();
    let mut all: Vec<Candidate> = items
        .filter_map(|item| Candidate::new(item, preceding, &found.own))
        .filter(|candidate| candidate.name.starts_with(typed))
        .collect();
    all.sort_by_cached_key(|candidate| {
        let name = candidate.name.clone();
        (candidate.rank, name.to_lowercase(), name)
    });
    all
}

/// What precedes a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preceding {
    /// The name is a member of a value.
    Dot,
    /// The name is in a module or a type.
    Colons,
    Nothing,
}

impl Preceding {
    /// Classifies the end of `before`, the code before a name.
    pub fn of(before: &str) -> Self {
        let before = before.trim_end();
        if before.ends_with("::") {
            Self::Colons
        } else if before.ends_with('.') && !before.ends_with("..") {
            Self::Dot
        } else {
            Self::Nothing
        }
    }
}

/// The name, which is what a completion inserts. None for snippets: their code does not begin with their label.
///
/// Examples of labels: `map(…)`, `len()`, `println!(…)`, `Vec<…>`, `iter().map(…)`, `if let`.
fn name(item: &FoundItem) -> Option<&str> {
    let label = item.label.as_str();
    let last = label.rfind("().").map_or(0, |detour| detour + "().".len());
    let end = match item.kind {
        "keyword" => None,
        _ => label[last..]
            .find(['(', '<', '{', '[', ' '])
            .map(|end| last + end),
    };
    let name = label[..end.unwrap_or(label.len())].trim_end_matches("::");
    // The label of an expression that rust-analyzer made up contains further calls.
    let is_name = item.kind == "keyword" || !name[last..].contains(['.', '"', '&', ',']);
    (is_name && !name.is_empty() && item.code.starts_with(name)).then_some(name)
}

/// The arguments of a function, such as `(f, items)`, from the code that rust-analyzer would insert after its name.
fn signature(rest: &str) -> Option<String> {
    let arguments = rest.trim_end_matches([';', ',']);
    (arguments.starts_with('(') && arguments.ends_with(')')).then(|| arguments.to_owned())
}

#[cfg(test)]
mod tests;
