//! One cell on its way: from its code to a source that compiles. Does no I/O.
//!
//! * [`definitions`]: writes the items, with each static in its library
//! * [`function`]: writes the function that runs the cell
//! * [`revision`]: what to change after a compile error

mod definitions;
pub mod function;
mod revision;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

pub use self::revision::Verdict;
use crate::items::{Items, items_of};
use crate::notebook::{Attribute, Notebook, Settings, Variable};
use crate::source::Source;
use crate::statements::{Binding, Kind, Needs, Statement, bindings, split};
use crate::types::{self, Unnameable};
use crate::words;

/// A cell that is being compiled.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(crate) run: u64,
    cell: usize,
    /// With those of the cell.
    pub(crate) attributes: Vec<Attribute>,
    /// With those of the cell.
    pub(crate) items: Items,
    /// The other statements of the cell.
    statements: Vec<Part>,
    loads: Vec<Load>,
    /// The variables that the cell defines, without those that can't be kept.
    bindings: Vec<Binding>,
    /// The names of all variables of the notebook.
    variables: Vec<String>,
    /// The numbers of the items that the cell needs.
    needed: Vec<usize>,
    pub(crate) unkept: Vec<Unkept>,
    /// The numbers of items whose statics can't be declared, only defined.
    own_statics: HashSet<usize>,
    restarted: Vec<String>,
    dropped: Vec<Dropped>,
    /// The variables whose types the cell defines in another way.
    lost: Vec<Variable>,
    needs: Needs,
    /// Whether there is a runtime for asynchronous code already.
    has_runtime: bool,
    form: Form,
    /// Whether a compile has failed.
    has_failed: bool,
    /// The types of the variables, by their numbers; empty before the compiler has printed them.
    types: HashMap<usize, String>,
    /// Whether the value is shown by a function, to find out why the method can't be called.
    shows_by_function: bool,
    settings: Settings,
}

/// A statement of the cell's function.
#[derive(Debug, Clone)]
struct Part {
    text: String,
    start: usize,
    is_value: bool,
}

/// A variable that the cell takes out of the store.
#[derive(Debug, Clone)]
struct Load {
    variable: Variable,
    type_code: String,
    /// Whether the cell moves it away, so that it can't be put back.
    is_moved: bool,
}

/// What is generated around the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A function that catches panics.
    Run,
    /// A function as the user would write it, for better messages. If it compiles, a panic in it loses the variables
    /// that it has loaded.
    Plain,
    /// The syntax of the cell is wrong: its text alone in a function.
    Unparsed,
}

/// A variable of the cell that later cells can't use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unkept {
    pub name: String,
    /// The bytes of its name in the code of the cell.
    pub range: Range<usize>,
    pub why: WhyUnkept,
}

/// A `use` of an earlier cell that no longer compiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Its number among the items.
    number: usize,
    pub text: String,
    /// The cell that it is from.
    pub cell: usize,
    /// The compiler's message.
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyUnkept {
    Borrows,
    MayBeUnset,
    Type(Unnameable),
}

/// A variable that the cell has put into the store.
#[derive(Debug, Clone)]
pub struct Kept {
    pub variable: Variable,
    /// Whether later cells can name its type. If not, they can't load it.
    pub is_nameable: bool,
}

impl Draft {
    pub(crate) fn new(notebook: &Notebook, cell: usize, run: u64, code: &str) -> Self {
        let mut draft = Self {
            run,
            cell,
            attributes: notebook.attributes.clone(),
            items: notebook.items.clone(),
            statements: Vec::new(),
            loads: Vec::new(),
            bindings: Vec::new(),
            variables: notebook
                .variables
                .iter()
                .map(|it| it.name.clone())
                .collect(),
            needed: Vec::new(),
            unkept: Vec::new(),
            own_statics: HashSet::new(),
            restarted: Vec::new(),
            dropped: Vec::new(),
            lost: Vec::new(),
            needs: Needs::default(),
            has_runtime: notebook.is_async,
            form: Form::Run,
            has_failed: false,
            types: HashMap::new(),
            shows_by_function: false,
            settings: notebook.settings.clone(),
        };
        match split(code) {
            Some(statements) => draft.take_apart(notebook, code, &statements),
            None => {
                draft.form = Form::Unparsed;
                let mentioned = types::words(code).collect();
                draft.needed = draft.items.needed_by(cell, &mentioned);
                draft.statements.push(Part {
                    text: code.to_owned(),
                    start: 0,
                    is_value: false,
                });
            }
        }
        draft
    }

    fn take_apart(&mut self, notebook: &Notebook, code: &str, statements: &[Statement]) {
        let items = items_of(code, statements, self.cell);
        let changed = notebook.items.changed_types(&items);
        self.items.add(items);
        self.restarted = self.items.restart_statics(&changed);
        let of_changed = |variable: &&Variable| types::mentions(&variable.type_name, &changed);
        self.lost = notebook
            .variables
            .iter()
            .filter(of_changed)
            .cloned()
            .collect();
        let mut mentioned = HashSet::new();
        for (number, statement) in (1..).zip(statements) {
            let text = &code[statement.range.clone()];
            let kind = statement.kind(number == statements.len());
            match &kind {
                Kind::Attribute => {
                    self.add_attribute(text, statement.range.start);
                    continue;
                }
                Kind::Item(_) | Kind::ItemMacro(_) => continue,
                Kind::Let(found) => {
                    let found = bindings(found, &|name| self.items.is_constant(name));
                    let names: Vec<Range<usize>> =
                        found.iter().map(|it| it.range.clone()).collect();
                    words::add(&statement.node, &names, &mut mentioned);
                    for binding in found {
                        self.bindings.retain(|known| known.name != binding.name);
                        self.bindings.push(binding);
                    }
                }
                Kind::Value | Kind::Other => words::add(&statement.node, &[], &mut mentioned),
            }
            let needs = Needs::of(&statement.node);
            self.needs.awaits |= needs.awaits;
            self.needs.fails |= needs.fails;
            self.statements.push(Part {
                text: text.to_owned(),
                start: statement.range.start,
                is_value: matches!(kind, Kind::Value),
            });
        }
        let named = notebook.variables.iter();
        let named = named
            .filter(|variable| mentioned.contains(&variable.name) && !self.lost.contains(variable));
        self.loads = named
            .map(|variable| Load {
                variable: variable.clone(),
                type_code: notebook.type_code(variable),
                is_moved: false,
            })
            .collect();
        for load in &self.loads {
            mentioned.extend(types::words(&load.variable.type_name));
        }
        self.needed = self.items.needed_by(self.cell, &mentioned);
    }

    fn add_attribute(&mut self, text: &str, start: usize) {
        // Whitespace after an attribute is not part of it.
        self.attributes
            .retain(|known| known.text.trim() != text.trim());
        self.attributes.push(Attribute {
            text: format!("{}\n", text.trim_end()),
            cell: self.cell,
            start,
        });
    }

    /// The source to compile.
    pub fn source(&self) -> Source {
        let mut source = Source::default();
        source.generate("#![allow(unused_imports, unused_mut, dead_code, improper_ctypes)]\n");
        for attribute in &self.attributes {
            source.copy(&attribute.text, attribute.cell, Some(attribute.start));
        }
        for &number in &self.needed {
            self.write_item(number, self.items.get(number), &mut source);
        }
        self.write_function(&mut source);
        source
    }

    /// The imports of earlier cells that no longer compile. The notebook forgets them.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// The items of the notebook after the cell has run.
    pub(crate) fn defined_items(&self) -> Items {
        let mut items = self.items.clone();
        items.set_homes(self.run, &self.defined_statics());
        let dropped: Vec<usize> = self.dropped.iter().map(|it| it.number).collect();
        items.without(&dropped)
    }

    /// The statics of earlier cells that start anew, because the cell defines their types in another way.
    pub fn restarted(&self) -> &[String] {
        &self.restarted
    }

    /// Whether the compiler has to print the types of variables.
    pub fn wants_types(&self) -> bool {
        !self.bindings.is_empty()
    }

    /// Whether the cell runs in, or makes, a runtime for asynchronous code.
    pub fn is_async(&self) -> bool {
        self.needs.awaits
    }

    /// The `extern crate` items of the cell, as text.
    pub fn extern_crates(&self) -> Vec<String> {
        const NO_DEPENDENCIES: [&str; 7] = [
            "std",
            "core",
            "alloc",
            "test",
            "proc_macro",
            "self",
            "corebook",
        ];
        let own = self.items.iter().filter(|item| item.cell == self.cell);
        let own = own.filter_map(|item| item.extern_crate.as_deref());
        own.filter(|name| !NO_DEPENDENCIES.contains(name))
            .map(|name| format!("extern crate {name};"))
            .collect()
    }

    /// The number by which the runtime reports the cell.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// The names of the variables that the cell loads.
    #[cfg(test)]
    pub(crate) fn loaded(&self) -> impl Iterator<Item = &str> {
        self.loads.iter().map(|load| load.variable.name.as_str())
    }

    /// Reads the types of the variables.
    ///
    /// * `mir`: what the compiler printed for [`Self::wants_types`].
    pub fn learn_types(&mut self, mir: &str) {
        self.types = types::read(mir);
    }

    /// The variables that the cell puts into the store, and adds those to [`Self::unkept`] whose types have no name.
    pub fn kept(&mut self) -> Vec<Kept> {
        let mut kept = Vec::new();
        for (number, binding) in self.bindings.iter().enumerate() {
            // The compiler leaves out a variable that the end of the cell never reaches, as after `panic!()`.
            let type_name = self.types.get(&number).map_or("", String::as_str);
            let public = types::public(type_name, &self.items);
            if let Err(why) = public {
                self.unkept.push(Unkept {
                    name: binding.name.clone(),
                    range: binding.range.clone(),
                    why: WhyUnkept::Type(why),
                });
            }
            let type_name = public.unwrap_or_default();
            kept.push(Kept {
                is_nameable: !type_name.is_empty(),
                variable: Variable {
                    name: binding.name.clone(),
                    is_mutable: binding.is_mutable,
                    type_name,
                },
            });
        }
        kept
    }

    /// Code that keeps the functions among the variables of the cell as pointers. The type of a function itself has no
    /// name.
    pub fn function_pointers(&self) -> String {
        let functions = self.bindings.iter().enumerate().filter_map(|(number, it)| {
            let pointer = types::pointer_to(self.types.get(&number)?)?;
            let mutable = if it.is_mutable { "mut " } else { "" };
            let (name, path) = (function::ident(&it.name), it.path.as_ref()?);
            Some(format!("let {mutable}{name}: {pointer} = {path};\n"))
        });
        functions.collect()
    }

    /// Takes back that variables can't be kept, because another draft has kept them.
    pub fn forgive(&mut self, kept: &[Kept]) {
        let is_kept = |name: &str| {
            kept.iter()
                .any(|it| it.is_nameable && it.variable.name == name)
        };
        self.unkept.retain(|it| !is_kept(&it.name));
    }

    pub(crate) fn binding(&self, name: &str) -> Option<Binding> {
        let mut bindings = self.bindings.iter();
        bindings.find(|binding| binding.name == name).cloned()
    }

    /// The variables that later cells can't use any more, because the cell defines their types in another way.
    pub fn lost(&self) -> &[Variable] {
        &self.lost
    }

    /// The variables of the cell that later cells can't use.
    pub fn unkept(&self) -> &[Unkept] {
        &self.unkept
    }
}

#[cfg(test)]
mod tests;
