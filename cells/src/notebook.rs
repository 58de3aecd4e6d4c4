//! What the cells of a notebook have defined so far. Does no I/O.

use crate::draft::{Draft, Kept};
use crate::items::Items;
use crate::types;

/// The definitions and the variables of a notebook.
#[derive(Debug, Clone, Default)]
pub struct Notebook {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) items: Items,
    pub(crate) variables: Vec<Variable>,
    /// Whether a cell has used `.await`, so that there is a runtime for asynchronous code.
    pub(crate) is_async: bool,
    pub(crate) settings: Settings,
}

/// An attribute of the crate, such as `#![allow(unused)]`.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub text: String,
    pub cell: usize,
    pub start: usize,
}

/// A variable that later cells can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Without `r#`.
    pub name: String,
    pub is_mutable: bool,
    /// With public paths: `std::vec::Vec<i32>`.
    pub type_name: String,
}

impl Variable {
    /// The name as code has to write it: `r#type`.
    pub fn ident(&self) -> String {
        crate::draft::function::ident(&self.name)
    }
}

/// What commands change for the cells after them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How the error of a `?` is shown.
    pub error_format: ErrorFormat,
    /// Whether a panic loses the variables that the cell has loaded.
    pub lets_panics_pass: bool,
}

/// How an error is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ErrorFormat {
    /// `{}`
    #[default]
    Display,
    /// `{:?}`
    Debug,
    /// `{:#?}`
    Pretty,
}

/// What the runtime has reported at the end of a cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of the draft.
    pub run: u64,
    /// The variables that exist.
    pub kept: Vec<String>,
    /// Those that the cell has defined.
    pub new: Vec<String>,
    /// Those that the cell could not load.
    pub changed: Vec<String>,
    /// The library of the cell, if it defines statics.
    pub library: String,
}

impl Notebook {
    /// Prepares a cell.
    ///
    /// * `cell`: a number by which the caller knows the cell, for [`crate::source::Place`].
    /// * `code`: its Rust, with other lines left blank.
    pub fn draft(&self, cell: usize, run: u64, code: &str) -> Draft {
        Draft::new(self, cell, run, code)
    }

    /// Adds the definitions of a cell that has run, even if it ended early.
    pub fn define(&mut self, draft: &Draft) {
        self.attributes.clone_from(&draft.attributes);
        self.items = draft.defined_items();
        self.is_async |= draft.is_async();
        self.variables
            .retain(|variable| !draft.lost().contains(variable));
    }

    /// Applies a report of the runtime to the variables.
    ///
    /// * `kept`: the variables that the cell has put into the store.
    pub fn settle(&mut self, report: &Report, kept: &[Kept]) {
        self.variables.retain(|variable| {
            let name = &variable.name;
            report.kept.contains(name)
                && !report.new.contains(name)
                && !report.changed.contains(name)
        });
        self.items.set_library(report.run, &report.library);
        let is_new = |it: &&Kept| report.new.contains(&it.variable.name);
        let new = kept.iter().filter(is_new);
        self.variables.extend(
            new.filter(|it| it.is_nameable)
                .map(|it| it.variable.clone()),
        );
    }

    /// Forgets all variables, for a new process.
    pub fn forget_variables(&mut self) {
        self.variables.clear();
        self.items.forget_homes();
        self.is_async = false;
    }

    /// The variables that later cells can use, oldest first.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The source of all definitions, in the order of the notebook.
    pub fn definitions(&self) -> String {
        let attributes = self.attributes.iter().map(|it| it.text.as_str());
        attributes
            .chain(self.items.iter().map(|item| item.text.as_str()))
            .collect()
    }

    /// The names of all variables and items.
    pub fn names(&self) -> Vec<String> {
        let variables = self.variables.iter().map(|it| it.name.as_str());
        let names = variables.chain(self.items.names());
        names.map(str::to_owned).collect()
    }

    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// The type of a variable, as code.
    pub(crate) fn type_code(&self, variable: &Variable) -> String {
        types::to_code(&variable.type_name, &self.items)
    }
}
