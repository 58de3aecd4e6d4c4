//! Which of the notebook's items a cell needs. Does no I/O.
//!
//! A cell is compiled with the items that it mentions, and those that these mention, so it takes no longer in a
//! notebook with a hundred functions. rustc never sees the others.

use std::collections::{HashMap, HashSet};

use super::{Item, Namespace};

/// For each item, whether a cell needs it.
///
/// * `own`: the number of the cell. It needs all of its own items.
/// * `mentioned`: the names in its other statements, and in the types of the variables that it loads.
pub(super) fn needed(items: &[Item], own: usize, mentioned: &HashSet<String>) -> Vec<bool> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, item) in items.iter().enumerate() {
        for name in item.names() {
            by_name.entry(name).or_default().push(number);
        }
    }
    let mut search = Search {
        items,
        by_name,
        is_needed: vec![false; items.len()],
        names: HashSet::new(),
        waiting: Vec::new(),
    };
    for (number, item) in items.iter().enumerate() {
        if item.cell == own || item.is_always_needed {
            search.add(number);
        }
    }
    for name in mentioned {
        search.mention(name);
    }
    while let Some(number) = search.waiting.pop() {
        search.follow(number);
    }
    search.is_needed
}

struct Search<'a> {
    items: &'a [Item],
    /// The items that each name can mean: those that define it, and those that are needed along with it.
    by_name: HashMap<&'a str, Vec<usize>>,
    is_needed: Vec<bool>,
    /// The names that were mentioned.
    names: HashSet<String>,
    /// Needed items whose own mentions are still to be followed.
    waiting: Vec<usize>,
}

impl Search<'_> {
    fn add(&mut self, number: usize) {
        if !std::mem::replace(&mut self.is_needed[number], true) {
            self.waiting.push(number);
        }
    }

    fn mention(&mut self, name: &str) {
        if self.names.contains(name) {
            return;
        }
        self.names.insert(name.to_owned());
        for number in self.by_name.get(name).cloned().unwrap_or_default() {
            self.add(number);
        }
    }

    fn follow(&mut self, number: usize) {
        let item = &self.items[number];
        if item.imports.is_empty() {
            for word in item.words.iter() {
                self.mention(word);
            }
            return;
        }
        // An import needs what it imports, if that is the notebook's own. The names in it mean other crates' items else.
        let is_own = |name: &str| {
            self.items.iter().any(|other| {
                other.imports.is_empty()
                    && other
                        .keys
                        .iter()
                        .any(|key| key.name == name && key.space != Namespace::Value)
            })
        };
        let roots = item.imports.iter().filter_map(|import| import.root());
        let own: Vec<String> = roots
            .filter(|root| is_own(root))
            .map(str::to_owned)
            .collect();
        for root in own {
            self.mention(&root);
        }
    }
}

impl Item {
    /// The names that lead to this item when code mentions them.
    fn names(&self) -> Vec<&str> {
        let keys = self.keys.iter().map(|key| key.name.as_str());
        let keys = keys.chain(self.trait_members.iter().map(String::as_str));
        let Some(implements) = &self.implements else {
            return keys.collect();
        };
        let members = implements.members.iter().map(|(name, _)| name.as_str());
        let is_ident = |it: char| it.is_alphanumeric() || it == '_';
        let header = implements.header.split(move |it| !is_ident(it));
        // `impl<T> From<u8> for P`: needed along with `P`, but not whenever there is a `u8`.
        let header = header
            .filter(|word| !matches!(*word, "" | "impl" | "for" | "where" | "unsafe" | "const"));
        keys.chain(members).chain(header).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::items::items_of;
    use crate::statements::split;

    /// The needed items of earlier cells for a cell that mentions these names.
    fn needed_for(cells: &[&str], mentioned: &[&str]) -> Vec<String> {
        let mut items = super::super::Items::default();
        for (cell, code) in cells.iter().enumerate() {
            items.add(items_of(code, &split(code).unwrap(), cell));
        }
        let mentioned = mentioned.iter().map(|name| (*name).to_owned()).collect();
        let needed = needed(&items.0, usize::MAX, &mentioned);
        let needed = items
            .0
            .iter()
            .zip(needed)
            .filter(|(_, is_needed)| *is_needed);
        needed
            .map(|(item, _)| item.text.trim().to_owned())
            .collect()
    }

    #[test]
    fn only_mentioned_items_are_needed_and_what_they_mention() {
        let cells = [
            "fn a() { b() }",
            "fn b() {}",
            "fn c() { a() }",
            "macro_rules! m { () => { d() } }",
            "fn d() {}",
        ];
        assert_eq!(needed_for(&cells, &[]), Vec::<String>::new());
        assert_eq!(needed_for(&cells, &["a"]), ["fn a() { b() }", "fn b() {}"]);
        assert_eq!(
            needed_for(&cells, &["m"]),
            ["macro_rules! m { () => { d() } }", "fn d() {}"]
        );
    }

    #[test]
    fn implementations_come_with_their_type_their_trait_and_their_methods() {
        let cells = [
            "struct P;",
            "impl std::ops::Add for P { type Output = P; fn add(self, _: P) -> P { P } }",
            "trait Double { fn double(&self) -> Self; fn twice(&self) -> Self where Self: Sized { self.double() } }",
            "impl Double for i32 { fn double(&self) -> i32 { helper(*self) } }",
            "fn helper(x: i32) -> i32 { 2 * x }",
            "fn other() {}",
        ];
        assert_eq!(needed_for(&cells, &["P"]), cells[..2]);
        assert_eq!(needed_for(&cells, &["double"]), cells[2..5]);
        assert_eq!(needed_for(&cells, &["Double"]), cells[2..5]);
        assert_eq!(needed_for(&cells, &["twice"]), cells[2..5]);
    }

    #[test]
    fn imports_are_always_needed_with_what_they_import() {
        let cells = [
            "use std::fmt::Write as _;",
            "mod own { pub trait T {} }",
            "use own::T;",
            "mod fmt {}",
        ];
        assert_eq!(needed_for(&cells, &[]), cells[..3]);
    }

    #[test]
    fn items_with_effects_are_always_needed() {
        let cells = [
            "#[unsafe(no_mangle)] fn a() {}",
            "const _: () = assert!(true);",
            "static B: u8 = 1;",
        ];
        assert_eq!(needed_for(&cells, &[]), cells[..2]);
    }
}
