//! Takes a `use` apart into the names that it imports. Does no I/O.

use ra_ap_syntax::ast::HasName;
use ra_ap_syntax::{AstNode, ast};

/// One import of a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The name in the notebook; `None` for a glob and for `as _`.
    pub name: Option<String>,
    /// A `use` of this import alone.
    pub code: String,
}

impl Import {
    /// The first name of its path; `None` if that is the root of all crates.
    pub fn root(&self) -> Option<&str> {
        let path = self.code.strip_prefix("use ")?;
        let path = path
            .strip_prefix("self::")
            .or(path.strip_prefix("crate::"))
            .unwrap_or(path);
        let end = path.find([':', ';', ' ', '*']).unwrap_or(path.len());
        Some(&path[..end]).filter(|root| !root.is_empty())
    }
}

/// All imports of a `use`, with its visibility and attributes left out.
pub fn of(item: &ast::Use) -> Vec<Import> {
    let mut imports = Vec::new();
    if let Some(tree) = item.use_tree() {
        add(&tree, "", &mut imports);
    }
    imports
}

/// * `prefix`: the path before the tree, with `::` at its end.
fn add(tree: &ast::UseTree, prefix: &str, imports: &mut Vec<Import>) {
    let path = tree.path().map(|it| it.syntax().text().to_string());
    // `use ::{a, b}` has a list without a path.
    let start = match tree.coloncolon_token() {
        Some(_) if path.is_none() => format!("{prefix}::"),
        _ => prefix.to_owned(),
    };
    if let Some(list) = tree.use_tree_list() {
        let prefix = path.map_or(start, |path| format!("{prefix}{path}::"));
        for part in list.use_trees() {
            add(&part, &prefix, imports);
        }
        return;
    }
    if tree.star_token().is_some() {
        let path = path.map_or_else(|| prefix.to_owned(), |path| format!("{prefix}{path}::"));
        imports.push(Import {
            name: None,
            code: format!("use {path}*;"),
        });
        return;
    }
    let Some(path) = path else { return };
    let last = tree
        .path()
        .and_then(|path| Some(path.segment()?.syntax().text().to_string()))
        .unwrap_or_default();
    // `use a::{self}` imports `a`.
    let (path, last) = if last == "self" && !prefix.is_empty() {
        let path = prefix.trim_end_matches("::").to_owned();
        let last = path.rsplit("::").next().unwrap_or_default().to_owned();
        (path, last)
    } else {
        (format!("{prefix}{path}"), last)
    };
    let rename = tree.rename();
    let renamed = rename
        .as_ref()
        .and_then(|it| Some(it.name()?.text().to_string()));
    let is_unnamed = rename.is_some() && renamed.is_none();
    let alias = match (&renamed, is_unnamed) {
        (Some(name), _) => format!(" as {name}"),
        (None, true) => " as _".to_owned(),
        (None, false) => String::new(),
    };
    imports.push(Import {
        name: (!is_unnamed).then(|| renamed.unwrap_or(last)),
        code: format!("use {path}{alias};"),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::split;

    #[test]
    fn every_form_of_use_is_taken_apart() {
        let code = "use std::{collections::{self, HashMap as Map, hash_map::*}, fmt::Write as _}; use ::{a, b::c}; use d;";
        let statements = split(code).unwrap();
        let uses = statements
            .iter()
            .filter_map(|it| ast::Use::cast(it.node.clone()));
        let found: Vec<(Option<String>, String)> = uses
            .flat_map(|it| of(&it))
            .map(|it| (it.name, it.code))
            .collect();
        let expected = [
            (Some("collections"), "use std::collections;"),
            (Some("Map"), "use std::collections::HashMap as Map;"),
            (None, "use std::collections::hash_map::*;"),
            (None, "use std::fmt::Write as _;"),
            (Some("a"), "use ::a;"),
            (Some("c"), "use ::b::c;"),
            (Some("d"), "use d;"),
        ];
        let expected = expected.map(|(name, code)| (name.map(str::to_owned), code.to_owned()));
        assert_eq!(found, expected);
    }
}
