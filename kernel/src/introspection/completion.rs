//! Completion: of magics, paths and crate names where the cursor is in one, of Rust by rust-analyzer.

use std::collections::HashSet;

use corebook_analysis::protocol::Completions;
use corebook_magics::completion::{self, CompletionKind};
use corebook_magics::context::{Context, context};
use corebook_magics::expansion::expand_for_analysis;
use jupyter_protocol::{CompleteReply, CompleteRequest};
use serde_json::json;

use super::Introspector;
use super::candidates::{Candidate, Preceding, candidates};
use super::completion_item::{Offer, Offers};
use super::positions::{byte_at, characters_before, is_ident_char};
use super::{commands, crates, files, known_names};

impl Introspector {
    pub fn complete(&mut self, request: &CompleteRequest) -> CompleteReply {
        let code = &request.code;
        let cursor = byte_at(code, request.cursor_pos);
        let offers = match completion::complete(code, cursor) {
            Some(found) => of_magic(found),
            None => match context(code, cursor) {
                Context::Comment => Offers::none(cursor),
                // In braces, a format string names a variable.
                Context::Text(text) if !is_in_braces(&code[text.clone()]) => {
                    files::complete(&code[text], cursor, self.folder())
                }
                Context::Command(command) => complete_command(&code[command], cursor),
                Context::Text(_) | Context::Rust => self
                    .complete_rust(code, cursor)
                    .unwrap_or_else(|| Offers::none(cursor)),
            },
        };
        to_reply(code, &offers)
    }

    fn complete_rust(&mut self, source: &str, cursor: usize) -> Option<Offers> {
        let (code, map) = expand_for_analysis(source);
        let cursor = map.to_code(cursor)?;
        let typed_from = code[..cursor].trim_end_matches(is_ident_char).len();
        let preceding = Preceding::of(&code[..typed_from]);
        let to_source = |start: usize, end: usize| Some(map.to_source(start)?..map.to_source(end)?);
        let Some(found) = self.find(&code, typed_from, cursor) else {
            // A name after a dot or in a path is not one of the notebook's.
            if preceding != Preceding::Nothing {
                return None;
            }
            return Some(Offers {
                replace: to_source(typed_from, cursor)?,
                items: known_names::offers(&self.analysis.view(), &code[typed_from..cursor]),
            });
        };
        let (before, typed) = (code.get(..found.start)?, code.get(found.start..cursor)?);
        let own = &self.analysis.view().names;
        let mut seen = HashSet::new();
        let items = candidates(&found, Preceding::of(before), typed, own)
            .into_iter()
            .filter(|candidate| seen.insert(candidate.name.clone()))
            .map(Candidate::into_offer);
        Some(Offers {
            replace: to_source(found.start, found.end)?,
            items: items.collect(),
        })
    }

    /// rust-analyzer's completions. None if it has no answer.
    ///
    /// * `typed_from`: where the name begins of which the part before `cursor` is typed.
    fn find(&mut self, code: &str, typed_from: usize, cursor: usize) -> Option<Completions> {
        let (before, typed) = (&code[..typed_from], &code[typed_from..cursor]);
        if typed.is_empty() || Preceding::of(before) != Preceding::Dot {
            return self.analysis.complete(code, cursor);
        }
        // rust-analyzer gets the code without the typed part of a member's name. If that part is a keyword, such as
        // `for` of `for_each`, it would end the statement before it.
        let after = code[cursor..].trim_start_matches(is_ident_char);
        let found = self
            .analysis
            .complete(&format!("{before}{after}"), typed_from)?;
        Some(Completions {
            start: typed_from,
            end: code.len() - after.len(),
            ..found
        })
    }
}

/// Names of commands, and crates after `:dep`.
fn complete_command(command: &str, cursor: usize) -> Offers {
    match command.strip_prefix(":dep ") {
        Some(arguments) => crates::complete(arguments, cursor),
        None => commands::complete(command, cursor),
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
