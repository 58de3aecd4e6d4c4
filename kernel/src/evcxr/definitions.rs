//! Keeps what the notebook's cells define, in the order of the notebook. Does no I/O.
//!
//! evcxr 0.22 splits a cell into statements and keeps its items, attributes and variables in hash maps. This module
//! splits cells in the same way but keeps the order, so that the shim can compile the items in it: see
//! [`NotebookOrder`].

use corebook_build::cargo_shim::order::NotebookOrder;
use ra_ap_syntax::ast::{HasAttrs, HasName};
use ra_ap_syntax::{AstNode, Edition, SourceFile, SyntaxNode, ast};

/// The definitions of all cells that evcxr has accepted.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    attributes: Vec<String>,
    items: Vec<Item>,
    variables: Vec<String>,
}

#[derive(Debug, Clone)]
struct Item {
    /// The name under which evcxr keeps the item: its own, or that of the item before it, as for an `impl`.
    owner: Option<String>,
    /// Whether the item is or contains a macro, which only code below it can use.
    is_macro: bool,
    text: String,
}

impl Definitions {
    /// The definitions after evcxr has accepted one more cell.
    pub fn with(&self, code: &str) -> Self {
        let mut all = self.clone();
        let mut owner = None;
        for Statement { text, node } in statements(code) {
            if let Some(declared) = ast::LetStmt::cast(node.clone()) {
                all.declare(&declared);
            } else if ast::Attr::can_cast(node.kind()) {
                // Whitespace after an attribute is not part of it.
                all.attributes
                    .retain(|known| known.trim_end() != text.trim_end());
                all.attributes.push(text);
            } else if let Some(item) = ast::Item::cast(node) {
                all.define(&item, text, &mut owner);
            }
        }
        all
    }

    /// The order of items and attributes, if it matters, and of variables.
    pub fn order(&self) -> NotebookOrder {
        let has_macros = self.items.iter().any(|item| item.is_macro);
        let items = self.items.iter().filter(|_| has_macros);
        let may_contradict = self.attributes.len() > 1;
        let attributes = self.attributes.iter().filter(|_| may_contradict);
        NotebookOrder {
            attributes: attributes.cloned().collect(),
            items: items.map(|item| item.text.clone()).collect(),
            variables: self.variables.clone(),
        }
    }

    fn declare(&mut self, declared: &ast::LetStmt) {
        let patterns = declared.pat().into_iter();
        let names = patterns
            .flat_map(|pattern| pattern.syntax().descendants())
            .filter_map(|node| Some(ast::IdentPat::cast(node)?.name()?.text().to_string()));
        for name in names {
            self.variables.retain(|known| *known != name);
            self.variables.push(name);
        }
    }

    /// * `owner`: the name of the previous item in the cell.
    fn define(&mut self, item: &ast::Item, text: String, owner: &mut Option<String>) {
        let is_macro = is_macro(item);
        let Some(name) = name(item) else {
            self.items.retain(|known| known.text != text);
            self.items.push(Item {
                owner: owner.clone(),
                is_macro,
                text,
            });
            return;
        };
        let name = Some(name);
        // A redefined macro keeps its place, so it stays above functions of earlier cells that use it. A redefined
        // function moves to the end, below macros of later cells that it may now use.
        let is_same = |known: &Item| known.is_macro && is_macro && known.owner == name;
        self.items
            .retain(|known| known.owner != name || is_same(known));
        match self.items.iter_mut().find(|known| is_same(known)) {
            Some(known) => known.text = text,
            None => self.items.push(Item {
                owner: name.clone(),
                is_macro,
                text,
            }),
        }
        if !matches!(item, ast::Item::MacroRules(_) | ast::Item::ExternCrate(_)) {
            *owner = name;
        }
    }
}

/// The name under which evcxr keeps an item. For `extern crate` the name has a prefix.
fn name(item: &ast::Item) -> Option<String> {
    let name = match item {
        ast::Item::ExternCrate(it) => {
            return Some(format!("extern crate {}", it.name_ref()?.text()));
        }
        ast::Item::Const(it) => it.name(),
        ast::Item::Enum(it) => it.name(),
        ast::Item::Fn(it) => it.name(),
        ast::Item::MacroRules(it) => it.name(),
        ast::Item::MacroDef(it) => it.name(),
        ast::Item::Module(it) => it.name(),
        ast::Item::Static(it) => it.name(),
        ast::Item::Struct(it) => it.name(),
        ast::Item::Trait(it) => it.name(),
        ast::Item::TypeAlias(it) => it.name(),
        ast::Item::Union(it) => it.name(),
        _ => None,
    };
    name.map(|name| name.text().to_string())
}

fn is_macro(item: &ast::Item) -> bool {
    let exports = |item: &dyn HasAttrs| {
        let mut attributes = item.attrs();
        attributes.any(|attribute| attribute.syntax().text().to_string().contains("macro_use"))
    };
    match item {
        ast::Item::MacroRules(_) => true,
        ast::Item::Module(it) => exports(it),
        ast::Item::ExternCrate(it) => exports(it),
        _ => false,
    }
}

/// A statement of a cell, with the text that evcxr writes into the source for it: whole lines.
struct Statement {
    text: String,
    node: SyntaxNode,
}

/// Splits a cell in the same way as evcxr. Every byte of it belongs to a statement; text that can't be parsed belongs
/// to the last one.
fn statements(code: &str) -> Vec<Statement> {
    const BEFORE: &str = "fn f(){";
    let code = without_commands(code);
    let parsed = SourceFile::parse(&format!("{BEFORE}{code}\n}}"), Edition::Edition2024);
    let body = parsed
        .syntax_node()
        .children()
        .next()
        .and_then(ast::Fn::cast)
        .and_then(|function| function.body()?.stmt_list());
    let nodes: Vec<SyntaxNode> =
        body.map_or_else(Vec::new, |body| body.syntax().children().collect());
    let mut statements = Vec::new();
    let mut start = 0;
    for (number, node) in (1..).zip(&nodes) {
        let end = nodes.get(number).map_or(code.len(), |next| {
            usize::from(next.text_range().start()) - BEFORE.len()
        });
        let Some(text) = code
            .get(start..end.min(code.len()))
            .filter(|it| !it.is_empty())
        else {
            break;
        };
        let line_break = if text.ends_with('\n') { "" } else { "\n" };
        statements.push(Statement {
            text: format!("{text}{line_break}"),
            node: node.clone(),
        });
        start = end;
    }
    statements
}

/// A cell without the commands at its start. evcxr also drops comments between them.
fn without_commands(code: &str) -> &str {
    let is_code = |line: &&str| {
        let is_command = line.starts_with('!') || line.trim_start_matches(' ').starts_with(':');
        !is_command && !line.starts_with("//") && !line.trim().is_empty()
    };
    let before: usize = code
        .split_inclusive('\n')
        .take_while(|line| !is_code(line))
        .map(str::len)
        .sum();
    &code[before..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(cells: &[&str]) -> NotebookOrder {
        let nothing = Definitions::default();
        let all = cells.iter().fold(nothing, |known, cell| known.with(cell));
        all.order()
    }

    #[test]
    fn items_keep_their_order_and_evcxrs_text() {
        let order = after(&[
            "// dropped\n:dep x\n\nmacro_rules! m { () => { 1 } } fn a() {}\n// of b\nfn b() {}\n\n1 + 1",
            "struct S; impl S {}",
        ]);
        assert_eq!(
            order.items,
            [
                "macro_rules! m { () => { 1 } } \n",
                "fn a() {}\n",
                "// of b\nfn b() {}\n\n",
                "struct S; \n",
                "impl S {}\n"
            ]
        );
    }

    #[test]
    fn without_a_macro_their_order_does_not_matter() {
        assert!(
            after(&["fn a() {}\nmod m { macro_rules! n {} }"])
                .items
                .is_empty()
        );
        let order = after(&["#[macro_use]\nmod m {}"]);
        assert_eq!(order.items, ["#[macro_use]\nmod m {}\n"]);
    }

    #[test]
    fn a_macro_keeps_its_place_and_a_function_gets_a_new_one() {
        let order = after(&[
            "macro_rules! m { () => { 1 } }\nfn f() { m!() }\nstruct S;\nimpl S {}",
            "macro_rules! n { () => { 1 } }",
            "macro_rules! m { () => { 2 } }",
            "fn f() { n!() }\nstruct S;\nimpl Clone for S {}",
        ]);
        assert_eq!(
            order.items,
            [
                "macro_rules! m { () => { 2 } }\n",
                "macro_rules! n { () => { 1 } }\n",
                "fn f() { n!() }\n",
                "struct S;\n",
                "impl Clone for S {}\n"
            ]
        );
    }

    #[test]
    fn a_cell_that_runs_again_adds_nothing() {
        let cell =
            "use std::fmt;\nmacro_rules! m { () => { 1 } }\nstruct S;\nimpl S {}\nextern crate x;";
        assert_eq!(after(&[cell, cell, cell]).items.len(), 5);
    }

    #[test]
    fn variables_are_in_the_order_of_their_last_declaration() {
        let order = after(&[
            "let (a, mut b) = (1, 2); let P { c, d: [e, ..] } = p;",
            "let x @ Some(_) = y else { panic!() };\nlet b = 3;\n{ let hidden = 1; }",
        ]);
        assert_eq!(order.variables, ["a", "c", "e", "x", "b"]);
    }

    #[test]
    fn attributes_that_may_contradict_are_in_order() {
        assert!(
            after(&["#![allow(unused)]\nfn f() {}"])
                .attributes
                .is_empty()
        );
        let order = after(&["#![allow(unused)] #![deny(unused)]", "#![allow(unused)]"]);
        assert_eq!(
            order.attributes,
            ["#![deny(unused)]\n", "#![allow(unused)]\n"]
        );
    }

    #[test]
    fn what_cannot_be_parsed_is_in_the_last_statement() {
        for code in ["fn f( {\n let x", "}", "macro_rules! m {", "é = ;", ""] {
            let texts: String = statements(code).into_iter().map(|it| it.text).collect();
            assert!(
                texts.is_empty() || texts.trim_end() == code.trim_end(),
                "{code}"
            );
        }
    }
}
