//! Completion: of magics, paths and crate names where the cursor is in one, of Rust by rust-analyzer.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use corebook_magics::completion::{self, CompletionKind};
use corebook_magics::context::{Context, context, receiver_start};
use corebook_magics::expansion::expand_for_analysis;
use jupyter_protocol::{CompleteReply, CompleteRequest};
use serde_json::json;

use crate::evaluator::Found;

use super::candidates::{Candidate, Preceding, candidates};
use super::completion_item::{Offer, Offers};
use super::crates;
use super::documentation::{is_of_notebook, is_private};
use super::evaluator_client::EvaluatorClient;
use super::files;
use super::positions::{byte_at, characters_before, is_ident_char};

/// How many fields of a type are checked for being private, because a check takes as long as a completion. If any
/// candidate is private, further fields are taken for private without a check.
const MOST_CHECKS: usize = 6;
/// For how many lists of candidates the result is remembered.
const MOST_REMEMBERED: usize = 256;

/// The private candidates of lists that were checked before, by a hash of the list.
pub type PrivateCandidates = HashMap<u64, HashSet<Candidate>>;

impl EvaluatorClient<'_> {
    pub fn complete(
        &self,
        request: &CompleteRequest,
        known_private: &mut PrivateCandidates,
    ) -> CompleteReply {
        let code = &request.code;
        let cursor = byte_at(code, request.cursor_pos);
        let offers = match completion::complete(code, cursor) {
            Some(found) => of_magic(found),
            None => match context(code, cursor) {
                Context::Comment => Offers::none(cursor),
                // In braces, a format string names a variable.
                Context::Text(text) if !is_in_braces(&code[text.clone()]) => {
                    files::complete(&code[text], cursor, self.folder)
                }
                Context::Command(command) => self
                    .complete_command(&code[command], cursor)
                    .unwrap_or_else(|| Offers::none(cursor)),
                Context::Text(_) | Context::Rust => self
                    .complete_rust(code, cursor, known_private)
                    .unwrap_or_else(|| Offers::none(cursor)),
            },
        };
        to_reply(code, &offers)
    }

    /// Names of evcxr's commands, and crates after `:dep`.
    fn complete_command(&self, command: &str, cursor: usize) -> Option<Offers> {
        if let Some(arguments) = command.strip_prefix(":dep ") {
            return Some(crates::complete(arguments, cursor));
        }
        let found = self.find(command.to_owned(), command.len())?;
        let is_prefixed = |text: &String| text.starts_with(command);
        let mut names: Vec<String> = found
            .items
            .into_iter()
            .map(|item| item.code)
            .filter(is_prefixed)
            .collect();
        names.sort();
        Some(Offers {
            replace: cursor - command.len()..cursor,
            items: names
                .into_iter()
                .map(|name| Offer::new(name, "magic"))
                .collect(),
        })
    }

    fn complete_rust(
        &self,
        source: &str,
        cursor: usize,
        known_private: &mut PrivateCandidates,
    ) -> Option<Offers> {
        let (code, map) = expand_for_analysis(source);
        let cursor = map.to_code(cursor)?;
        // rust-analyzer gets the code without the typed part of a member's name. If that part is a keyword, such as
        // `for` of `for_each`, it would end the statement before it.
        let typed_from = code[..cursor].trim_end_matches(is_ident_char).len();
        let is_member = Preceding::of(&code[..typed_from]) == Preceding::Dot;
        let found = if is_member {
            let after = code[cursor..].trim_start_matches(is_ident_char);
            let (start, end) = (typed_from, code.len() - after.len());
            let found = self.find_members(&code[..typed_from], after)?;
            Found {
                start,
                end,
                ..found
            }
        } else {
            self.find(code.clone(), cursor)?
        };
        let (before, typed) = (code.get(..found.start)?, code.get(found.start..cursor)?);
        let replace = map.to_source(found.start)?..map.to_source(found.end)?;
        let all = candidates(&found, before, typed);
        let private = self.private_among(&all, before, known_private);
        let mut seen = HashSet::new();
        let items = all
            .into_iter()
            .filter(|candidate| !private.contains(candidate) && seen.insert(candidate.name.clone()))
            .map(Candidate::into_offer);
        Some(Offers {
            replace,
            items: items.collect(),
        })
    }

    /// The members that fit between `before`, which ends with a dot, and `after`.
    fn find_members(&self, before: &str, after: &str) -> Option<Found> {
        let found = self.find(format!("{before}{after}"), before.len());
        if found.is_some() {
            return found;
        }
        // For a field that holds a closure, such as the private one of `Map`, rust-analyzer also edits the value
        // before the dot, and evcxr then drops the whole list. Where a function is expected, rust-analyzer makes no
        // such edit. To be dropped when evcxr leaves out only that item.
        let dot = before.trim_end().len() - ".".len();
        let receiver = receiver_start(before, dot)?;
        let (outside, receiver) = before.split_at(receiver);
        let before = format!("{outside}{{ let _: fn() = {receiver}");
        self.find(format!("{before}; }}{after}"), before.len())
    }

    /// The private fields and functions among the candidates to follow `before`.
    fn private_among(
        &self,
        all: &[Candidate],
        before: &str,
        known: &mut PrivateCandidates,
    ) -> HashSet<Candidate> {
        let mut hasher = DefaultHasher::new();
        all.iter().for_each(|candidate| candidate.hash(&mut hasher));
        let list = hasher.finish();
        if let Some(private) = known.get(&list) {
            return private.clone();
        }
        let preceding = Preceding::of(before);
        let mut private = HashSet::new();
        let (mut checks, mut has_all_answers) = (0, true);
        for candidate in all.iter().filter(|it| it.may_be_private(preceding)) {
            let is_field = candidate.is_field(preceding);
            if checks >= MOST_CHECKS && is_field {
                if !private.is_empty() {
                    private.insert(candidate.clone());
                }
                continue;
            }
            checks += 1;
            match self.hover(format!("{before}{}", candidate.name)) {
                Some(html) if is_private(&html) => {
                    private.insert(candidate.clone());
                }
                // The type is the notebook's own, and code in a crate's root can use all fields of its types.
                Some(html) if is_of_notebook(&html) && is_field => break,
                answer => has_all_answers &= answer.is_some(),
            }
        }
        // An answer is missing if a cell came in between.
        if has_all_answers {
            if known.len() >= MOST_REMEMBERED {
                known.clear();
            }
            known.insert(list, private.clone());
        }
        private
    }
}

/// Whether `text` ends inside the braces of a format string.
fn is_in_braces(text: &str) -> bool {
    match text.rfind(['{', '}']) {
        Some(at) => text[at..].starts_with('{') && !text[..at].ends_with('{'),
        None => false,
    }
}

fn of_magic(found: completion::Completions) -> Offers {
    let kind = |kind| match kind {
        CompletionKind::Magic => "magic",
        CompletionKind::Option => "option",
        CompletionKind::Word => "keyword",
    };
    let items = found.items.into_iter();
    Offers {
        replace: found.replace,
        items: items
            .map(|item| Offer::new(item.text, kind(item.kind)))
            .collect(),
    }
}

/// Converts to a message, in which positions count code points.
fn to_reply(code: &str, offers: &Offers) -> CompleteReply {
    let start = characters_before(code, offers.replace.start);
    let end = characters_before(code, offers.replace.end);
    let typed = |offer: &Offer| {
        let mut typed =
            json!({ "text": offer.text, "type": offer.kind, "start": start, "end": end });
        if let Some(signature) = &offer.signature {
            typed["signature"] = json!(signature);
        }
        typed
    };
    let types: Vec<_> = offers.items.iter().map(typed).collect();
    let mut metadata = serde_json::Map::new();
    metadata.insert("_jupyter_types_experimental".to_owned(), json!(types));
    CompleteReply {
        matches: offers
            .items
            .iter()
            .map(|offer| offer.text.clone())
            .collect(),
        cursor_start: start,
        cursor_end: end,
        metadata,
        ..CompleteReply::default()
    }
}

#[cfg(test)]
mod tests {
    use super::is_in_braces;

    #[test]
    fn a_format_names_variables_in_braces() {
        assert!(is_in_braces("x = {nu"));
        assert!(!is_in_braces("x = {{nu"));
        assert!(!is_in_braces("{number} of"));
        assert!(!is_in_braces("data/"));
    }
}
