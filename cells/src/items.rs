//! The items of all cells, in the order of the notebook, and which of them a new cell replaces. Does no I/O.
//!
//! rustc finds a macro only below its definition, so the order matters. A name that is defined again replaces the
//! earlier definition, as far as both are in the same namespace.

mod needed;
mod of_syntax;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use self::of_syntax::items_of;
use crate::imports::Import;
use crate::statics::{Home, Static};

/// An item of a cell.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its text: whole lines.
    pub text: String,
    /// The cell that defines it.
    pub cell: usize,
    /// Where it begins in the code of that cell. `None` if the text is not that of the cell.
    pub start: Option<usize>,
    pub(crate) keys: Vec<Key>,
    /// What it is, in rustc's words.
    pub(crate) kind: &'static str,
    /// The name of the item with which this one, which has no name itself, is replaced.
    pub(crate) owner: Option<String>,
    /// The names that it mentions, in strings and macros too. Shared, because a draft copies all items.
    pub(crate) words: Arc<HashSet<String>>,
    /// Whether it is or contains a macro, which only code below it can use.
    pub(crate) is_macro: bool,
    /// Whether every cell needs it.
    pub(crate) is_always_needed: bool,
    /// The names of its variants, if it is an enum.
    pub(crate) variants: Vec<String>,
    /// The names of its methods and the like, if it is a trait.
    pub(crate) trait_members: Vec<String>,
    /// Whether a variable can be of a type that the item defines.
    pub(crate) defines_type: bool,
    /// The name of the crate, if this is `extern crate`.
    pub(crate) extern_crate: Option<String>,
    pub(crate) statics: Vec<Static>,
    /// Where its statics are; `None` until a library with them was loaded.
    pub(crate) home: Option<Home>,
    pub(crate) imports: Vec<Import>,
    pub(crate) implements: Option<Implements>,
}

/// A name that an item defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub space: Namespace,
    pub name: String,
    /// Whether a pattern with this name compares with it.
    pub is_constant: bool,
}

/// Rust's namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Namespace {
    Type,
    Value,
    Macro,
    /// Of an import, which may be in any.
    Any,
}

impl Key {
    pub(crate) fn new(space: Namespace, name: impl Into<String>) -> Self {
        let name: String = name.into();
        Self {
            space,
            name: name.trim_start_matches("r#").to_owned(),
            is_constant: false,
        }
    }

    fn collides_with(&self, other: &Self) -> bool {
        let is_same_space = self.space == other.space
            || self.space == Namespace::Any
            || other.space == Namespace::Any;
        is_same_space && self.name == other.name
    }
}

/// What an `impl` implements.
#[derive(Debug, Clone)]
pub(crate) struct Implements {
    /// From `impl` to the brace, with single spaces.
    pub header: String,
    pub is_of_trait: bool,
    /// The members' names, and their bytes in the text of the item.
    pub members: Vec<(String, Range<usize>)>,
}

/// The items of a notebook.
#[derive(Debug, Clone, Default)]
pub struct Items(Vec<Item>);

impl Items {
    pub fn iter(&self) -> impl Iterator<Item = &Item> {
        self.0.iter()
    }

    /// The numbers of the items that a cell needs: its own, those that it mentions, and those that these need.
    ///
    /// * `mentioned`: the names in its other statements, and in the types of the variables that it loads.
    pub(crate) fn needed_by(&self, cell: usize, mentioned: &HashSet<String>) -> Vec<usize> {
        let needed = needed::needed(&self.0, cell, mentioned);
        let numbers = needed.iter().enumerate();
        numbers
            .filter_map(|(number, is_needed)| is_needed.then_some(number))
            .collect()
    }

    /// The items without those with these numbers.
    pub(crate) fn without(&self, numbers: &[usize]) -> Self {
        let items = self.0.iter().enumerate();
        let kept = items.filter(|(number, _)| !numbers.contains(number));
        Self(kept.map(|(_, item)| item.clone()).collect())
    }

    /// The item with this number.
    pub(crate) fn get(&self, number: usize) -> &Item {
        &self.0[number]
    }

    /// Notes where the statics of these items are.
    ///
    /// * `numbers`: those of [`Self::needed_by`].
    pub(crate) fn set_homes(&mut self, run: u64, numbers: &[usize]) {
        for &number in numbers {
            self.0[number].home = Some(Home {
                run,
                item: number,
                library: None,
            });
        }
    }

    /// Learns the library of a run. Without one, its statics have no home.
    pub(crate) fn set_library(&mut self, run: u64, library: &str) {
        for item in &mut self.0 {
            if let Some(home) = item.home.as_mut().filter(|home| home.run == run) {
                home.library = Some(library.to_owned()).filter(|library| !library.is_empty());
            }
        }
    }

    /// Forgets all libraries, for a new process.
    pub(crate) fn forget_homes(&mut self) {
        self.0.iter_mut().for_each(|item| item.home = None);
    }

    /// Has the statics start anew whose types have changed. Returns the names of their items.
    pub(crate) fn restart_statics(&mut self, changed: &HashSet<String>) -> Vec<String> {
        let mut restarted = Vec::new();
        for item in self.0.iter_mut().filter(|item| item.home.is_some()) {
            if !item.words.is_disjoint(changed) {
                item.home = None;
                restarted.extend(item.keys.iter().map(|key| key.name.clone()));
            }
        }
        restarted
    }

    /// Adds the items of one cell, and removes what they replace.
    pub(crate) fn add(&mut self, mut new: Vec<Item>) {
        let mut replaced_names = HashSet::new();
        let mut kept = Vec::with_capacity(self.0.len() + new.len());
        for mut old in std::mem::take(&mut self.0) {
            if old.survives(&new) {
                kept.push(old);
                continue;
            }
            replaced_names.extend(old.keys.drain(..).map(|key| key.name));
            // A macro that is defined again keeps its place, so it stays above functions of earlier cells that use it.
            // A function moves to the end, below macros of later cells that it may now use.
            if old.is_macro {
                let names = &replaced_names;
                let is_successor = |item: &Item| {
                    item.is_macro && item.keys.iter().any(|key| names.contains(&key.name))
                };
                if let Some(at) = new.iter().position(is_successor) {
                    kept.push(new.remove(at));
                }
            }
        }
        let owner_is_replaced = |item: &Item| {
            let owner = item.owner.as_ref();
            owner.is_some_and(|owner| replaced_names.contains(owner))
        };
        kept.retain(|item| !owner_is_replaced(item));
        kept.append(&mut new);
        self.0 = kept;
    }

    /// The types that are no longer the same when these items are added: those that they define in another way, and
    /// those that contain one of them.
    pub(crate) fn changed_types(&self, new: &[Item]) -> HashSet<String> {
        let is_changed = |old: &Item, key: &Key| {
            let mut same = new.iter().filter(|item| item.keys.contains(key));
            let is_redefined = same.clone().next().is_some();
            is_redefined && !same.any(|item| item.text.trim() == old.text.trim())
        };
        let own = |item: &&Item| item.defines_type;
        let mut changed = HashSet::new();
        for old in self.0.iter().filter(own) {
            let keys = old.keys.iter().filter(|key| key.space == Namespace::Type);
            changed.extend(
                keys.filter(|key| is_changed(old, key))
                    .map(|key| key.name.clone()),
            );
        }
        let mut before = 0;
        while changed.len() > before {
            before = changed.len();
            for old in self.0.iter().filter(own) {
                if !old.words.is_disjoint(&changed) {
                    let types = old.keys.iter().filter(|key| key.space == Namespace::Type);
                    changed.extend(types.map(|key| key.name.clone()));
                }
            }
        }
        changed
    }

    /// What each name of the notebook is, in rustc's words, and the name.
    pub(crate) fn kinds_and_names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let named = self.0.iter().filter(|item| item.imports.is_empty());
        named.flat_map(|item| item.keys.iter().map(|key| (item.kind, key.name.as_str())))
    }

    /// The names that the notebook defines.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|item| item.keys.iter().map(|key| key.name.as_str()))
    }

    pub(crate) fn is_constant(&self, name: &str) -> bool {
        let is_variant = |item: &Item| item.variants.iter().any(|variant| variant == name);
        let mut keys = self.0.iter().flat_map(|item| &item.keys);
        keys.any(|key| key.is_constant && key.name == name) || self.0.iter().any(is_variant)
    }

    pub(crate) fn module(&self, name: &str) -> Option<&Item> {
        let mut modules = self.0.iter().filter(|item| item.kind == "module");
        modules.find(|item| item.keys.iter().any(|key| key.name == name))
    }

    /// Whether a path can begin with this name, as one of the notebook's own.
    pub(crate) fn is_root(&self, name: &str) -> bool {
        let mut keys = self.0.iter().flat_map(|item| &item.keys);
        keys.any(|key| matches!(key.space, Namespace::Type | Namespace::Any) && key.name == name)
    }
}

impl Item {
    /// Whether the item, or a part of it, stays when these are added.
    fn survives(&mut self, new: &[Item]) -> bool {
        if !self.imports.is_empty() {
            return self.loses_imports(new);
        }
        if self.keys.is_empty() && new.iter().any(|item| item.text.trim() == self.text.trim()) {
            return false;
        }
        if let Some(implements) = &mut self.implements {
            for other in new.iter().filter_map(|item| item.implements.as_ref()) {
                if other.header != implements.header {
                    continue;
                }
                if other.is_of_trait {
                    return false;
                }
                implements.lose(other, &mut self.text);
                if implements.members.is_empty() {
                    return false;
                }
            }
            return true;
        }
        let mut keys = new.iter().flat_map(|item| &item.keys);
        !keys.any(|key| self.keys.iter().any(|own| own.collides_with(key)))
    }

    /// Removes the imports that are replaced. Returns whether any stay.
    fn loses_imports(&mut self, new: &[Item]) -> bool {
        let new_keys: Vec<&Key> = new.iter().flat_map(|item| &item.keys).collect();
        let is_replaced = |import: &Import| match &import.name {
            Some(name) => new_keys.iter().any(|key| key.name == *name),
            None => new
                .iter()
                .any(|item| item.imports.iter().any(|other| other.code == import.code)),
        };
        let before = self.imports.len();
        self.imports.retain(|import| !is_replaced(import));
        if self.imports.len() < before {
            let codes = self.imports.iter().map(|import| import.code.as_str());
            self.text = format!("{}\n", codes.collect::<Vec<_>>().join(" "));
            self.start = None;
            let imports = &self.imports;
            self.keys
                .retain(|key| imports.iter().any(|it| it.name.as_ref() == Some(&key.name)));
        }
        !self.imports.is_empty()
    }
}

impl Implements {
    /// Replaces the members that `other` has too by blanks, so that all others keep their places.
    fn lose(&mut self, other: &Self, text: &mut String) {
        let has = |name: &String| other.members.iter().any(|(new, _)| new == name);
        for (_, range) in self.members.extract_if(.., |(name, _)| has(name)) {
            let blank: String = text[range.clone()]
                .chars()
                .flat_map(|it| {
                    let blank = if it == '\n' { '\n' } else { ' ' };
                    std::iter::repeat_n(blank, it.len_utf8())
                })
                .collect();
            text.replace_range(range, &blank);
        }
    }
}

#[cfg(test)]
mod tests;
