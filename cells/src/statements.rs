//! Splits a cell into statements. Does no I/O.

use std::ops::Range;

use ra_ap_syntax::ast::HasName;
use ra_ap_syntax::{AstNode, Edition, SourceFile, SyntaxKind, SyntaxNode, ast};

/// A statement of a cell.
pub struct Statement {
    /// Its bytes in the code of the cell, with the white space and the comments that follow. The first statement also
    /// has those before it.
    pub range: Range<usize>,
    /// Its syntax tree. Offsets in it are not those of the cell: see [`Statement::to_code`].
    pub node: SyntaxNode,
}

/// What a statement is.
pub enum Kind {
    /// `#![…]`
    Attribute,
    Item(ast::Item),
    /// A call of a macro that defines items, such as `thread_local!`.
    ItemMacro(ast::MacroCall),
    Let(ast::LetStmt),
    /// The expression at the end of the cell, which is its value.
    Value,
    Other,
}

/// The names of macros that define items.
const ITEM_MACROS: [&str; 2] = ["thread_local", "lazy_static"];

/// What stands around a cell to make it a whole file.
const BEFORE: &str = "fn f(){";

impl Statement {
    /// * `is_last`: whether no statement follows in the cell.
    pub fn kind(&self, is_last: bool) -> Kind {
        let node = &self.node;
        if ast::Attr::can_cast(node.kind()) {
            return Kind::Attribute;
        }
        if let Some(item) = ast::Item::cast(node.clone()) {
            return Kind::Item(item);
        }
        if let Some(found) = ast::LetStmt::cast(node.clone()) {
            return Kind::Let(found);
        }
        if let Some(call) = item_macro(node) {
            return Kind::ItemMacro(call);
        }
        // An attribute on an expression is unstable, but allowed on a statement.
        let has_attribute = || node.first_token().is_some_and(|it| it.text() == "#");
        if is_last && ast::Expr::can_cast(node.kind()) && !has_attribute() {
            return Kind::Value;
        }
        Kind::Other
    }

    /// The bytes in the code of the cell of a node or token in [`Self::node`].
    pub fn to_code(range: ra_ap_syntax::TextRange) -> Range<usize> {
        let shifted = |at: ra_ap_syntax::TextSize| usize::from(at).saturating_sub(BEFORE.len());
        shifted(range.start())..shifted(range.end())
    }
}

fn item_macro(node: &SyntaxNode) -> Option<ast::MacroCall> {
    let node = match ast::ExprStmt::cast(node.clone()) {
        Some(statement) => statement.expr()?.syntax().clone(),
        None => node.clone(),
    };
    let call = ast::MacroExpr::cast(node)?.macro_call()?;
    let name = call.path()?.segment()?.name_ref()?.text().to_string();
    ITEM_MACROS.contains(&name.as_str()).then_some(call)
}

/// Splits a cell. `None` if its syntax is wrong.
///
/// * `code`: the Rust of the cell, without commands.
pub fn split(code: &str) -> Option<Vec<Statement>> {
    let parsed = SourceFile::parse(&format!("{BEFORE}{code}\n}}"), Edition::Edition2024);
    if !parsed.errors().is_empty() {
        return None;
    }
    let mut functions = parsed.syntax_node().children();
    let function = ast::Fn::cast(functions.next()?)?;
    // A cell such as `} fn g() {` is not inside the function.
    if functions.next().is_some() {
        return None;
    }
    let body = function.body()?.stmt_list()?;
    let nodes: Vec<SyntaxNode> = body.syntax().children().collect();
    let mut statements = Vec::new();
    let mut start = 0;
    for (number, node) in (1..).zip(&nodes) {
        let end = nodes.get(number).map_or(code.len(), |next| {
            Statement::to_code(next.text_range()).start.min(code.len())
        });
        if start < end {
            statements.push(Statement {
                range: start..end,
                node: node.clone(),
            });
        }
        start = end;
    }
    Some(statements)
}

/// A variable that a `let` at the top level of a cell defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Without `r#`.
    pub name: String,
    pub is_mutable: bool,
    /// The bytes of its name in the code of the cell.
    pub range: Range<usize>,
    /// The path that is its value, as in `let f = i32::abs;`. Evaluating it again has no effect.
    pub path: Option<String>,
}

/// The variables of a `let`, in the order of the text.
///
/// * `is_constant`: whether a name is that of a constant, which a pattern compares with.
pub fn bindings(found: &ast::LetStmt, is_constant: &dyn Fn(&str) -> bool) -> Vec<Binding> {
    let Some(pattern) = found.pat() else {
        return Vec::new();
    };
    let identifiers = pattern
        .syntax()
        .descendants()
        .filter_map(ast::IdentPat::cast);
    identifiers
        .filter_map(|identifier| {
            let name = identifier.name()?;
            let text = name.text().to_string();
            let text = text.trim_start_matches("r#");
            let is_plain = identifier.mut_token().is_none()
                && identifier.ref_token().is_none()
                && identifier.at_token().is_none();
            if is_plain && (text == "None" || is_constant(text)) {
                return None;
            }
            let value = found.initializer().filter(|_| found.ty().is_none());
            let path = value.and_then(|value| path_in(&pattern, value, identifier.syntax()));
            Some(Binding {
                path,
                name: text.to_owned(),
                is_mutable: identifier.mut_token().is_some(),
                range: Statement::to_code(name.syntax().text_range()),
            })
        })
        .collect()
}

/// The path that a variable gets as its value, in a pattern without destructuring or in tuples.
fn path_in(pattern: &ast::Pat, value: ast::Expr, identifier: &SyntaxNode) -> Option<String> {
    match (pattern, value) {
        (ast::Pat::IdentPat(whole), ast::Expr::PathExpr(path)) => {
            (whole.syntax() == identifier).then(|| path.to_string())
        }
        (ast::Pat::TuplePat(parts), ast::Expr::TupleExpr(values)) => parts
            .fields()
            .zip(values.fields())
            .find_map(|(part, value)| path_in(&part, value, identifier)),
        _ => None,
    }
}

/// What the function of a cell needs to allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// The cell uses `.await`.
    pub awaits: bool,
    /// The cell uses `?`.
    pub fails: bool,
}

impl Needs {
    /// What a statement uses outside of functions, closures and asynchronous blocks of its own.
    pub fn of(node: &SyntaxNode) -> Self {
        let mut needs = Self::default();
        needs.add(node);
        needs
    }

    fn add(&mut self, node: &SyntaxNode) {
        match node.kind() {
            SyntaxKind::FN | SyntaxKind::CLOSURE_EXPR => return,
            SyntaxKind::BLOCK_EXPR => {
                let block = ast::BlockExpr::cast(node.clone());
                if block.is_some_and(|it| it.async_token().is_some()) {
                    return;
                }
            }
            SyntaxKind::AWAIT_EXPR => self.awaits = true,
            SyntaxKind::TRY_EXPR => self.fails = true,
            SyntaxKind::TOKEN_TREE => self.add_tokens(node),
            _ => {}
        }
        for child in node.children() {
            self.add(&child);
        }
    }

    /// Looks at the arguments of a macro, which have no syntax yet. What is not found here costs one compile more.
    fn add_tokens(&mut self, arguments: &SyntaxNode) {
        let tokens: Vec<_> = arguments
            .children_with_tokens()
            .filter_map(|it| it.into_token())
            .filter(|token| !token.kind().is_trivia())
            .collect();
        if tokens
            .iter()
            .any(|token| matches!(token.text(), "|" | "||" | "async" | "fn"))
        {
            return;
        }
        for pair in tokens.windows(2) {
            let (first, second) = (pair[0].text(), pair[1].text());
            self.awaits |= first == "." && second == "await";
            self.fails |= first == "?" && matches!(second, ")" | "," | ";" | "." | "}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(code: &str) -> Vec<&str> {
        let statements = split(code).unwrap();
        statements.into_iter().map(|it| &code[it.range]).collect()
    }

    #[test]
    fn every_byte_belongs_to_a_statement() {
        assert_eq!(
            texts("// first\nlet a = 1; fn b() {}\n// of c\nc()\n"),
            ["// first\nlet a = 1; ", "fn b() {}\n// of c\n", "c()\n"]
        );
        assert!(texts("").is_empty());
    }

    #[test]
    fn wrong_syntax_is_not_split() {
        for code in [
            "let x = ;",
            "fn f( {",
            "}",
            "let fn = 3;",
            "} fn g() {",
            "\"open",
            "let x = 1",
        ] {
            assert!(split(code).is_none(), "{code}");
        }
    }

    fn names(code: &str) -> Vec<String> {
        let statements = split(code).unwrap();
        let lets = statements
            .iter()
            .filter_map(|it| ast::LetStmt::cast(it.node.clone()));
        let bindings = lets.flat_map(|it| bindings(&it, &|name| name == "limit"));
        bindings
            .map(|it| {
                assert_eq!(code[it.range].trim_start_matches("r#"), it.name);
                format!("{}{}", if it.is_mutable { "mut " } else { "" }, it.name)
            })
            .collect()
    }

    #[test]
    fn all_patterns_define_their_variables() {
        let code = "let (a, mut b) = t; let P { c, d: [e, ..] } = p; let x @ Some(_) = y else { panic!() };\
                    let r#type = 1; let N = 5; let (None, limit, X) = z else { return }; let ref g = h; { let no = 1; }";
        assert_eq!(
            names(code),
            ["a", "mut b", "c", "e", "x", "type", "N", "X", "g"]
        );
    }

    #[test]
    fn values_that_are_paths_are_found() {
        let code = "let f = i32::abs; let (a, (mut b, c)) = (str::len, (x, y())); let d: fn() = e; let g = h();";
        let statements = split(code).unwrap();
        let lets = statements
            .iter()
            .filter_map(|it| ast::LetStmt::cast(it.node.clone()));
        let paths: Vec<Option<String>> = lets
            .flat_map(|it| bindings(&it, &|_| false))
            .map(|it| it.path)
            .collect();
        let expected = [
            Some("i32::abs"),
            Some("str::len"),
            Some("x"),
            None,
            None,
            None,
        ];
        assert_eq!(paths, expected.map(|path| path.map(str::to_owned)));
    }

    fn needs(code: &str) -> (bool, bool) {
        let all = split(code).unwrap();
        let needs: Vec<Needs> = all.iter().map(|it| Needs::of(&it.node)).collect();
        (
            needs.iter().any(|it| it.awaits),
            needs.iter().any(|it| it.fails),
        )
    }

    #[test]
    fn what_a_cell_uses_itself_is_found() {
        assert_eq!(needs("let x = f().await;"), (true, false));
        assert_eq!(needs("if a { b()?; }"), (false, true));
        assert_eq!(needs("println!(\"{}\", f().await?)"), (true, true));
        for inner in [
            "async { f().await? };",
            "async fn f() { g().await }",
            "let f = |x| x?;",
            "fn f() -> Option<i32> { g()?; None }",
            "run!(|x| x?)",
            "println!(\"? .await\")",
        ] {
            assert_eq!(needs(inner), (false, false), "{inner}");
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        let kinds = |code: &str| {
            let statements = split(code).unwrap();
            let last = statements.len() - 1;
            let kinds: String = (0..)
                .zip(&statements)
                .map(|(at, it)| match it.kind(at == last) {
                    Kind::Attribute => 'a',
                    Kind::Item(_) => 'i',
                    Kind::ItemMacro(_) => 'm',
                    Kind::Let(_) => 'l',
                    Kind::Value => 'v',
                    Kind::Other => 'o',
                })
                .collect();
            kinds
        };
        assert_eq!(kinds("#![allow(x)] fn a() {} let x = 1; x; x"), "ailov");
        assert_eq!(
            kinds("thread_local! { static A: u8 = 1; } for x in y {}"),
            "mv"
        );
        assert_eq!(kinds("std::thread_local!(static A: u8 = 1); f()"), "mv");
        assert_eq!(kinds("#[cfg(unix)] { f(); }"), "o");
    }
}
