//! Filters and sorts rust-analyzer's completions: drops internal names, puts likely ones first.

use corebook_analysis::protocol::{Completion, Completions, Kind};
use corebook_build::evcxr::CELL_FUNCTION;

use super::completion_item::Offer;

/// Prefixes of names that evcxr, the magics and macros generate.
const GENERATED: [&str; 5] = ["evcxr", "Evcxr", CELL_FUNCTION, "corebook_", "__"];

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub name: String,
    kind: Kind,
    signature: Option<String>,
    rank: Rank,
    /// Whether its type or its name is the expected one.
    is_expected: bool,
}

/// The order of candidates: likely ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A variable or a field.
    Variable,
    /// Defined in this notebook.
    Own,
    Other,
    /// Every type has it, or it is deprecated.
    Common,
    /// `iter().map`: a method of the result of another method.
    Detour,
    Keyword,
}

impl Candidate {
    fn new(item: &Completion, preceding: Preceding, own: &[String]) -> Option<Self> {
        let name = item.name.as_str();
        let last = name.rsplit('.').next().unwrap_or(name);
        let is_generated = GENERATED.iter().any(|start| last.starts_with(start));
        // By convention, a member whose name begins with an underscore is unused.
        let is_unused = preceding == Preceding::Dot && name.starts_with('_');
        let is_common = preceding != Preceding::Nothing && COMMON.contains(&last);
        if is_generated || is_unused || item.is_detour && is_common {
            return None;
        }
        let rank = match item.kind {
            Kind::Keyword => Rank::Keyword,
            _ if item.is_detour => Rank::Detour,
            Kind::Variable | Kind::Field => Rank::Variable,
            _ if preceding == Preceding::Nothing && own.iter().any(|own| own == name) => Rank::Own,
            _ if is_common || item.is_deprecated => Rank::Common,
            _ => Rank::Other,
        };
        Some(Self {
            name: name.to_owned(),
            kind: item.kind,
            signature: item.signature.clone(),
            rank,
            is_expected: item.is_expected,
        })
    }

    pub fn into_offer(self) -> Offer {
        Offer {
            text: self.name,
            // The words that clients know, each with a sign of its own.
            kind: match self.kind {
                Kind::Variable | Kind::Field | Kind::Value => "instance",
                Kind::Function | Kind::Macro => "function",
                Kind::Type => "class",
                Kind::Module => "module",
                Kind::Keyword => "keyword",
            },
            signature: self.signature,
        }
    }
}

/// The candidates in `found`, best first. A name can occur twice, as a field and as a method.
///
/// * `preceding`: what is before the text that a candidate would replace.
/// * `typed`: the prefix that all candidates must have.
/// * `own`: the names of the notebook's variables and items.
pub fn candidates(
    found: &Completions,
    preceding: Preceding,
    typed: &str,
    own: &[String],
) -> Vec<Candidate> {
    let items = found.items.iter();
    let mut all: Vec<Candidate> = items
        .filter_map(|item| Candidate::new(item, preceding, own))
        .filter(|candidate| candidate.name.starts_with(typed))
        .collect();
    all.sort_by_cached_key(|candidate| {
        let name = candidate.name.clone();
        (
            candidate.rank,
            !candidate.is_expected,
            name.to_lowercase(),
            name,
        )
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

#[cfg(test)]
mod tests;
