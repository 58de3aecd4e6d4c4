//! Gives each static of the notebook one home. Does no I/O.
//!
//! Every cell that needs an item compiles it anew, so a static would start anew in each of them. Instead, the library of
//! the cell that defines it exports it, and the libraries of later cells link to that one: its *home*. There the static
//! is declared in an `extern` block, with the same name and type, so code that uses it does not change.
//!
//! A `thread_local!` becomes a static of type `LocalKey`, whose value is a pointer to a function of the home.

use std::ops::Range;

use ra_ap_syntax::ast::{HasAttrs, HasModuleItem, HasName, HasVisibility};
use ra_ap_syntax::{AstNode, Edition, SourceFile, SyntaxNode, ast};

use crate::statements::Statement;

/// A static in an item, at any depth.
#[derive(Debug, Clone)]
pub(crate) struct Static {
    /// Its bytes in the text of the item.
    pub range: Range<usize>,
    /// How its home defines it.
    home: Vec<Piece>,
    /// How other libraries declare it, before and after the name of its symbol.
    away: (String, String),
}

/// A part of the text that defines a static.
#[derive(Debug, Clone)]
enum Piece {
    /// A range of the item's text.
    Copied(Range<usize>),
    Generated(String),
    /// The name of its symbol.
    Symbol,
}

/// A part of the source of an item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// A range of the item's text.
    Copied(Range<usize>),
    Generated(String),
    /// The declaration of a static that another library defines.
    Away(&'a str),
}

/// Where the statics of an item are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The number of the run that defined them.
    pub run: u64,
    /// The number of the item in it.
    pub item: usize,
    /// The library; `None` until the runtime has reported it.
    pub library: Option<String>,
}

impl Home {
    fn symbol(&self, number: usize) -> String {
        format!("corebook_static_{}_{}_{number}", self.run, self.item)
    }
}

/// The statics in an item.
///
/// * `start`: where its text begins in the code of the cell.
pub(crate) fn of(node: &SyntaxNode, start: usize) -> Vec<Static> {
    let mut statics = Vec::new();
    for node in node.descendants() {
        if let Some(found) = ast::Static::cast(node.clone()) {
            statics.extend(of_static(&found, start));
        } else if let Some(call) = ast::MacroCall::cast(node) {
            statics.extend(of_thread_local(&call, start));
        }
    }
    statics
}

fn of_static(item: &ast::Static, start: usize) -> Option<Static> {
    let range = within(item.syntax(), start)?;
    let attributes: Vec<ast::Attr> = item.attrs().collect();
    // Attributes such as `#[used]` are about the definition, and those with a symbol fix its name.
    let is_harmless = |attribute: &ast::Attr| {
        let name = attribute.path().map(|path| path.to_string());
        matches!(
            name.as_deref(),
            Some("allow" | "expect" | "cfg" | "doc" | "deprecated" | "rustfmt::skip")
        )
    };
    // A declaration in an `extern` block has no value.
    item.body()?;
    if !attributes.iter().all(is_harmless) {
        return None;
    }
    let from = match item.visibility() {
        Some(visibility) => within(visibility.syntax(), start)?.start,
        None => {
            let keyword = item.static_token()?;
            Statement::to_code(keyword.text_range())
                .start
                .checked_sub(start)?
        }
    };
    let attributes: String = attributes.iter().map(|it| format!("{it} ")).collect();
    Some(Static {
        home: vec![
            Piece::Copied(range.start..from),
            Piece::Generated("#[unsafe(export_name = \"".to_owned()),
            Piece::Symbol,
            Piece::Generated("\")] ".to_owned()),
            Piece::Copied(from..range.end),
        ],
        away: away(&attributes, item, &static_type(&item.ty()?))?,
        range,
    })
}

/// * `declared`: its type.
fn away(attributes: &str, item: &ast::Static, declared: &str) -> Option<(String, String)> {
    let name = item.name()?;
    let visibility = item
        .visibility()
        .map_or_else(String::new, |it| format!("{it} "));
    let kind = match item.mut_token() {
        Some(_) => "static mut",
        None => "safe static",
    };
    Some((
        format!("{attributes}unsafe extern \"C\" {{ #[link_name = \""),
        format!("\"] {visibility}{kind} {name}: {declared}; }}"),
    ))
}

/// A type as a foreign static has to write it: with the lifetimes that a static may leave out.
fn static_type(declared: &ast::Type) -> String {
    let text = declared.syntax().text().to_string();
    let start = declared.syntax().text_range().start();
    let whole = declared.syntax().text_range();
    let has_own_rule =
        |kind| ast::FnPtrType::can_cast(kind) || ast::ParenthesizedArgList::can_cast(kind);
    let is_elided_otherwise = |node: &SyntaxNode| {
        node.ancestors()
            .take_while(|it| whole.contains_range(it.text_range()))
            .any(|it| has_own_rule(it.kind()))
    };
    let references = declared
        .syntax()
        .descendants()
        .filter_map(ast::RefType::cast);
    let mut positions: Vec<usize> = references
        .filter(|it| it.lifetime().is_none() && !is_elided_otherwise(it.syntax()))
        .filter_map(|it| Some(usize::from(it.amp_token()?.text_range().end() - start)))
        .collect();
    positions.sort_unstable();
    let mut with_lifetimes = text;
    for position in positions.into_iter().rev() {
        with_lifetimes.insert_str(position, "'static ");
    }
    with_lifetimes
}

/// The variables of a `thread_local!`.
fn of_thread_local(call: &ast::MacroCall, start: usize) -> Vec<Static> {
    let name = call.path().and_then(|path| path.segment()?.name_ref());
    if name.is_none_or(|name| name.text() != "thread_local") {
        return Vec::new();
    }
    thread_locals(call, start).unwrap_or_default()
}

fn thread_locals(call: &ast::MacroCall, start: usize) -> Option<Vec<Static>> {
    let arguments = within(call.token_tree()?.syntax(), start)?;
    let whole = within(call.syntax(), start)?;
    let text = call.token_tree()?.syntax().text().to_string();
    // Between the brackets are statics, of which the last may lack its semicolon.
    let inner = &text[1..text.len() - 1];
    let parsed = SourceFile::parse(&format!("{inner};"), Edition::Edition2024);
    let items: Vec<ast::Static> = parsed
        .tree()
        .items()
        .map(|item| match item {
            ast::Item::Static(item) => Some(item),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let at = |offset: ra_ap_syntax::TextSize| arguments.start + 1 + usize::from(offset);
    let mut statics = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let name = item.name()?;
        let declared = item.ty()?;
        let types = declared.syntax().text_range();
        let (keyword, body) = (item.static_token()?, item.body()?);
        let visibility = item
            .visibility()
            .map_or_else(String::new, |it| format!("{it} "));
        let attributes: String = item.attrs().map(|it| format!("{it} ")).collect();
        let home = vec![
            Piece::Generated(format!("{attributes}#[unsafe(export_name = \"")),
            Piece::Symbol,
            Piece::Generated(format!(
                "\")] {visibility}static {name}: ::std::thread::LocalKey<"
            )),
            Piece::Copied(at(types.start())..at(types.end())),
            Piece::Generated("> = { ::std::thread_local! { ".to_owned()),
            Piece::Copied(at(keyword.text_range().start())..at(body.syntax().text_range().end())),
            Piece::Generated(format!(" }} {name} }}; ")),
        ];
        let key = format!("::std::thread::LocalKey<{}>", static_type(&declared));
        // The first one takes the place of the whole call.
        let range = match number {
            0 => whole.clone(),
            _ => whole.end..whole.end,
        };
        let away = away(&attributes, item, &key)?;
        statics.push(Static { range, home, away });
    }
    Some(statics)
}

/// The bytes of a node in the text of the item.
fn within(node: &SyntaxNode, start: usize) -> Option<Range<usize>> {
    let range = Statement::to_code(node.text_range());
    Some(range.start.checked_sub(start)?..range.end.checked_sub(start)?)
}

/// The source of an item with its statics.
///
/// * `len`: the length of its text.
/// * `home`: where its statics are, or will be.
/// * `is_away`: whether that is another library.
pub(crate) fn parts<'a>(
    statics: &'a [Static],
    len: usize,
    home: &Home,
    is_away: bool,
) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    let mut copied = 0;
    for (number, found) in statics.iter().enumerate() {
        let symbol = home.symbol(number);
        parts.push(Part::Copied(copied..found.range.start));
        copied = found.range.end;
        if is_away {
            let (before, after) = &found.away;
            parts.extend([
                Part::Away(before),
                Part::Generated(symbol),
                Part::Away(after),
            ]);
            continue;
        }
        parts.extend(found.home.iter().map(|piece| match piece {
            Piece::Copied(range) => Part::Copied(range.clone()),
            Piece::Generated(text) => Part::Generated(text.clone()),
            Piece::Symbol => Part::Generated(symbol.clone()),
        }));
    }
    parts.push(Part::Copied(copied..len));
    parts.retain(|part| !matches!(part, Part::Copied(range) if range.is_empty()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::split;

    fn sources(code: &str) -> (String, String) {
        let statement = &split(code).unwrap()[0];
        let statics = of(&statement.node, 0);
        let home = Home {
            run: 3,
            item: 1,
            library: None,
        };
        let text = |is_away| {
            let parts = parts(&statics, code.len(), &home, is_away).into_iter();
            let texts = parts.map(|part| match part {
                Part::Copied(range) => code[range].to_owned(),
                Part::Generated(text) => text,
                Part::Away(text) => text.to_owned(),
            });
            texts.collect::<String>()
        };
        (text(false), text(true))
    }

    #[test]
    fn a_static_is_exported_by_its_home_and_declared_elsewhere() {
        let (home, away) = sources("#[allow(x)] pub static A: &[&str] = &[\"a\"];");
        assert_eq!(
            home,
            "#[allow(x)] #[unsafe(export_name = \"corebook_static_3_1_0\")] pub static A: &[&str] = &[\"a\"];"
        );
        assert_eq!(
            away,
            "#[allow(x)] unsafe extern \"C\" { #[link_name = \"corebook_static_3_1_0\"] pub safe static A: &'static [&'static str]; }"
        );
        let (_, away) = sources("static mut B: fn(&str) -> &str = f;");
        assert!(
            away.ends_with("static mut B: fn(&str) -> &str; }"),
            "{away}"
        );
    }

    #[test]
    fn statics_in_functions_and_modules_are_found() {
        let (home, away) = sources("fn f() { static A: u8 = 1; static B: u8 = 2; A + B }");
        assert_eq!(home.matches("export_name").count(), 2);
        assert!(
            away.contains("safe static A: u8; } unsafe extern"),
            "{away}"
        );
        assert!(away.ends_with(" A + B }"), "{away}");
        let (_, away) = sources("mod m { pub mod n { pub(super) static C: u8 = 1; } }");
        assert!(away.contains("pub(super) safe static C: u8;"), "{away}");
    }

    #[test]
    fn thread_locals_become_statics() {
        let code =
            "thread_local! { static A: Cell<u8> = const { Cell::new(1) }; pub static B: u8 = 2 }";
        let (home, away) = sources(code);
        assert_eq!(home.matches("::std::thread_local! {").count(), 2, "{home}");
        assert!(
            home.contains("static A: Cell<u8> = const { Cell::new(1) } } A };"),
            "{home}"
        );
        assert!(
            away.contains("safe static A: ::std::thread::LocalKey<Cell<u8>>; }"),
            "{away}"
        );
        assert!(
            away.contains("pub safe static B: ::std::thread::LocalKey<u8>; }"),
            "{away}"
        );
    }

    #[test]
    fn what_must_stay_in_its_library_stays() {
        for code in [
            "#[unsafe(no_mangle)] static A: u8 = 1;",
            "#[used] static A: u8 = 1;",
            "unsafe extern \"C\" { static environ: *const u8; }",
            "thread_local! { fn f() {} }",
            "other! { static A: u8 = 1; }",
        ] {
            assert_eq!(sources(code), (code.to_owned(), code.to_owned()));
        }
    }
}
