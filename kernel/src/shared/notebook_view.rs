//! What the notebook has defined, for completion and inspection. The evaluator replaces it after each cell. Data only.

use std::sync::{Arc, Mutex, PoisonError};

/// What a cell of the notebook can use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotebookView {
    /// The source of all items, imports and attributes of the crate.
    pub items: String,
    pub variables: Vec<ViewedVariable>,
    /// The names of variables and items.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewedVariable {
    pub name: String,
    pub is_mutable: bool,
    /// As Rust code.
    pub type_name: String,
}

/// The view, as the evaluator leaves it after the last cell.
pub type SharedView = Arc<Mutex<Arc<NotebookView>>>;

/// The view now.
pub fn current(view: &SharedView) -> Arc<NotebookView> {
    Arc::clone(&view.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Replaces the view.
pub fn replace(view: &SharedView, new: NotebookView) {
    *view.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
}

/// The source of a crate that contains a cell, with the place of the cell in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    pub source: String,
    /// Where the cell's code begins.
    pub start: usize,
}

impl NotebookView {
    /// Puts `code` into a function of a crate in which it can use what the notebook has defined.
    pub fn wrap(&self, code: &str) -> Wrapped {
        let variables = self.variables.iter().map(|variable| {
            let mutable = if variable.is_mutable { "mut " } else { "" };
            format!("{mutable}{}: {}", variable.name, variable.type_name)
        });
        let variables = variables.collect::<Vec<_>>().join(", ");
        let before = format!(
            "{}\nasync fn corebook_analysis_wrapper({variables}) -> Result<(), Box<dyn std::error::Error>> {{\n",
            self.items
        );
        let start = before.len();
        let source = before + code + "\nOk(())\n}\n";
        Wrapped { source, start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_keeps_its_text_in_the_wrapper() {
        let view = NotebookView {
            items: "struct S;".to_owned(),
            variables: vec![
                ViewedVariable {
                    name: "a".to_owned(),
                    is_mutable: true,
                    type_name: "Vec<u8>".to_owned(),
                },
                ViewedVariable {
                    name: "b".to_owned(),
                    is_mutable: false,
                    type_name: "S".to_owned(),
                },
            ],
            names: Vec::new(),
        };
        let Wrapped { source, start } = view.wrap("a.len()");
        assert!(source[start..].starts_with("a.len()\n"));
        assert!(source.contains("(mut a: Vec<u8>, b: S)"), "{source}");
    }
}
