//! Asks rust-analyzer, inside evcxr, about code that is being typed. Runs no code.

use super::Evaluator;

/// rust-analyzer's completions for the bytes `start..end` of the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub items: Vec<FoundItem>,
    pub start: usize,
    pub end: usize,
    /// The names of the notebook's variables and items.
    pub own: Vec<String>,
}

/// A completion: the code to insert, and the label to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundItem {
    pub code: String,
    pub kind: &'static str,
    pub label: String,
}

impl Evaluator {
    pub(super) fn complete(&mut self, code: &str, offset: usize) -> Option<Found> {
        let context = self.interpreter.as_mut().ok()?.for_question_about(code);
        let found = context.completions(code, offset);
        let found = found
            .inspect_err(|error| tracing::debug!("no completions: {error:#}"))
            .ok()?;
        let variables = context.variables_and_types().map(|(name, _)| name);
        let own = variables.chain(context.defined_item_names());
        Some(Found {
            start: found.start_offset,
            end: found.end_offset,
            own: own.map(str::to_owned).collect(),
            items: found
                .completions
                .into_iter()
                .map(|item| FoundItem {
                    code: item.code,
                    kind: item.kind,
                    label: item.label,
                })
                .collect(),
        })
    }

    pub(super) fn inspect(&mut self, code: &str) -> Option<String> {
        let context = self.interpreter.as_mut().ok()?.for_question_about(code);
        let (text, html) = context
            .hover_at(code, code.len())
            .inspect_err(|error| tracing::debug!("no documentation: {error:#}"))
            .ok()?;
        // evcxr returns this text if it has found nothing.
        (!text.is_empty() && text != "No documentation found").then_some(html)
    }
}
