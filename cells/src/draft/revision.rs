//! Decides after a compile error what to change in a draft, or which errors are the user's. Does no I/O.

use super::{Draft, Dropped, Form, Unkept, WhyUnkept};
use crate::messages::{Message, Span};
use crate::notebook::Variable;
use crate::source::{Mark, Source};

/// What to do after a compile error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The draft has changed: compile it again.
    Again,
    /// These errors are the user's.
    Errors(Vec<Message>),
    /// The type of this variable can't be used any more; the message says why.
    Unusable { variable: Variable, message: String },
}

/// The codes of the errors of the borrow checker.
const OF_BORROWS: [&str; 16] = [
    "E0373", "E0381", "E0382", "E0384", "E0499", "E0501", "E0502", "E0503", "E0505", "E0506",
    "E0507", "E0521", "E0594", "E0596", "E0597", "E0716",
];

/// The codes of errors about a name that does not exist.
const OF_NAMES: [&str; 7] = [
    "E0405", "E0412", "E0422", "E0423", "E0425", "E0433", "E0531",
];

/// Of shorter names, too many are similar.
const SHORTEST_SIMILAR: usize = 3;

/// Whether an error mentions the closure that is generated around the cell.
fn is_of_closure(source: &Source, error: &Message) -> bool {
    let is_generated =
        |span: &Span| source.place(&span.range).is_none() && source.mark(&span.range).is_none();
    is_of_borrows(error)
        && (error.text.contains("captured")
            || error.all_spans().any(is_generated)
            || is_of_assignment(error))
}

/// A variable of an earlier cell is declared outside of the closure, so assigning to it is another error in it.
fn is_of_assignment(error: &Message) -> bool {
    matches!(error.code.as_deref(), Some("E0384" | "E0594" | "E0596"))
}

/// Whether an error is at the generated brace after a cell that can't be parsed.
fn is_at_end(source: &Source, error: &Message) -> bool {
    error
        .spans
        .iter()
        .any(|span| source.is_after_copy(&span.range))
}

fn is_of_borrows(error: &Message) -> bool {
    match error.code.as_deref() {
        Some(code) => OF_BORROWS.contains(&code),
        None => error.text == "lifetime may not live long enough",
    }
}

impl Draft {
    /// Decides about the errors of a compile.
    ///
    /// * `source`: what was compiled.
    /// * `messages`: what the compiler said about it.
    pub fn revise(&mut self, source: &Source, messages: Vec<Message>) -> Verdict {
        let errors: Vec<Message> = messages.into_iter().filter(Message::is_error).collect();
        if self.form == Form::Unparsed {
            return Verdict::Errors(self.of_user(source, errors));
        }
        for error in &errors {
            if let Some(variable) = self.unusable(source, error) {
                let message = error.text.clone();
                return Verdict::Unusable { variable, message };
            }
        }
        let mut revised = self.clone();
        let (generated, own): (Vec<Message>, Vec<Message>) = errors
            .into_iter()
            .partition(|error| revised.mends(source, error));
        if own.is_empty() && !generated.is_empty() {
            *self = revised;
            self.has_failed = true;
            return Verdict::Again;
        }
        // Two compiles are enough to say what is wrong.
        if !self.has_failed && own.iter().any(|error| is_of_closure(source, error)) {
            *self = revised;
            self.form = Form::Plain;
            self.has_failed = true;
            return Verdict::Again;
        }
        Verdict::Errors(self.of_user(source, own))
    }

    /// Changes the draft so that an error goes away, if generated code is its cause. Returns whether it does.
    fn mends(&mut self, source: &Source, error: &Message) -> bool {
        let code = error.code.as_deref().unwrap_or_default();
        let primary = error.spans.iter().find(|span| span.is_primary);
        let at = primary.and_then(|span| source.mark(&span.range));
        match (code, at) {
            // A macro contains an `.await` or a `?`.
            ("E0728", _) if !self.needs.awaits => {
                self.needs.awaits = true;
                return true;
            }
            ("E0277", _)
                if !self.needs.fails
                    && error.text.starts_with("the `?` operator can only be used") =>
            {
                self.needs.fails = true;
                return true;
            }
            ("E0599", Some(Mark::Value)) if !self.shows_by_function => {
                self.shows_by_function = true;
                return true;
            }
            // The type may be inferred where no method is called on it, as in `Err("no")?`.
            ("E0282", None) if !self.shows_by_function && self.is_in_value(source, error) => {
                self.shows_by_function = true;
                return true;
            }
            // The cell has moved the variable away.
            ("E0382", Some(Mark::Return(name))) => {
                let loads = self.loads.iter_mut();
                loads
                    .filter(|load| load.variable.name == *name)
                    .for_each(|load| load.is_moved = true);
                return true;
            }
            ("E0382", Some(Mark::Keep(name))) => {
                self.bindings.retain(|binding| binding.name != *name);
                return true;
            }
            ("E0381", Some(Mark::Keep(name))) => {
                let name = name.clone();
                self.drop_binding(&name, WhyUnkept::MayBeUnset);
                return true;
            }
            _ => {}
        }
        // An import that no longer compiles would disturb every cell, because all imports are compiled with each.
        if let Some(Mark::Import(item)) = at {
            self.needed.retain(|number| number != item);
            let dropped = self.items.get(*item);
            self.dropped.push(Dropped {
                number: *item,
                text: dropped.text.trim().to_owned(),
                cell: dropped.cell,
                why: error.text.clone(),
            });
            return true;
        }
        if let Some(Mark::Away(item)) = at {
            self.own_statics.insert(*item);
            return true;
        }
        is_of_borrows(error) && self.drop_borrowers(source, error)
    }

    /// Keeps no variable that borrows from something that ends with the cell, if that is the error. Returns whether it
    /// is.
    fn drop_borrowers(&mut self, source: &Source, error: &Message) -> bool {
        let is_keep = |span: &&Span| matches!(source.mark(&span.range), Some(Mark::Keep(_)));
        let (main, others): (Vec<&Span>, Vec<&Span>) = error
            .all_spans()
            .filter(is_keep)
            .partition(|span| span.is_primary);
        // If `r` borrows from `v`, keeping `v` is the error, and keeping `r` is the reason.
        let reasons = if others.is_empty() { main } else { others };
        let kept: Vec<String> = reasons
            .into_iter()
            .filter_map(|span| match source.mark(&span.range) {
                Some(Mark::Keep(name)) => Some(name.clone()),
                _ => None,
            })
            .collect();
        for name in &kept {
            self.drop_binding(name, WhyUnkept::Borrows);
        }
        !kept.is_empty()
    }

    /// Whether an error is in the value of the cell.
    fn is_in_value(&self, source: &Source, error: &Message) -> bool {
        let primary = error.spans.iter().find(|span| span.is_primary);
        let place = primary.and_then(|span| source.place(&span.range));
        let value = self.statements.iter().find(|part| part.is_value);
        match (place, value) {
            (Some(place), Some(value)) => {
                place.cell == self.cell && place.range.start >= value.start
            }
            _ => false,
        }
    }

    /// The variable whose type can't be named any more, if that is the error.
    fn unusable(&self, source: &Source, error: &Message) -> Option<Variable> {
        let primary = error.spans.iter().find(|span| span.is_primary)?;
        let Some(Mark::Load(name)) = source.mark(&primary.range) else {
            return None;
        };
        if is_of_borrows(error) {
            return None;
        }
        let load = self.loads.iter().find(|load| load.variable.name == *name)?;
        Some(load.variable.clone())
    }

    /// The errors without those that have no place in a cell, if any has one.
    fn of_user(&self, source: &Source, mut errors: Vec<Message>) -> Vec<Message> {
        let has_place = |error: &Message| {
            error
                .all_spans()
                .any(|span| source.place(&span.range).is_some())
        };
        if errors.iter().any(has_place) {
            errors.retain(has_place);
        }
        for error in &mut errors {
            if self.form == Form::Unparsed && is_at_end(source, error) {
                error.text = error.text.replace("found `}`", "found the end of the cell");
            }
            let help = self.similar_name(error);
            error.children.extend(help);
        }
        errors
    }

    /// The help that rustc would give if it knew all definitions of the notebook. The source has only those that the
    /// cell mentions.
    fn similar_name(&self, error: &Message) -> Option<Message> {
        let code = error.code.as_deref()?;
        if !OF_NAMES.contains(&code) {
            return None;
        }
        let knows_one = |child: &Message| child.text.contains("similar name exists");
        if error.children.iter().any(knows_one) {
            return None;
        }
        let wanted = error.text.split('`').nth(1)?;
        if wanted.chars().count() < SHORTEST_SIMILAR {
            return None;
        }
        let variables = self
            .variables
            .iter()
            .map(|name| ("local variable", name.as_str()));
        let names = variables.chain(self.items.kinds_and_names());
        let (_, kind, name) = names
            .filter(|(_, name)| *name != wanted)
            .map(|(kind, name)| (strsim::osa_distance(name, wanted), kind, name))
            .filter(|(distance, ..)| *distance <= wanted.chars().count().max(3) / 3)
            .min()?;
        let starts_with_vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
        let article = if starts_with_vowel { "an" } else { "a" };
        Some(Message {
            level: "help".to_owned(),
            code: None,
            text: format!("{article} {kind} with a similar name exists: `{name}`"),
            spans: Vec::new(),
            children: Vec::new(),
            explanation: None,
        })
    }

    fn drop_binding(&mut self, name: &str, why: WhyUnkept) {
        for binding in self.bindings.extract_if(.., |it| it.name == name) {
            self.unkept.push(Unkept {
                name: binding.name,
                range: binding.range,
                why,
            });
        }
    }
}

#[cfg(test)]
mod tests;
