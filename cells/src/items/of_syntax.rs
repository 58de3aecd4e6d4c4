//! Reads from the syntax of an item what it defines. Does no I/O.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use ra_ap_syntax::ast::{HasAttrs, HasName};
use ra_ap_syntax::{AstNode, SyntaxKind, SyntaxNode, ast};

use super::{Implements, Item, Key, Namespace};
use crate::imports;
use crate::statements::{Kind, Statement};
use crate::statics;
use crate::words;

/// The items of a cell, in its order.
pub(crate) fn items_of(code: &str, statements: &[Statement], cell: usize) -> Vec<Item> {
    let own: Vec<(ast::Item, &Statement)> = statements
        .iter()
        .filter_map(|statement| match statement.kind(false) {
            Kind::Item(item) => Some((item, statement)),
            _ => None,
        })
        .collect();
    let types: Vec<String> = own
        .iter()
        .filter(|(item, _)| {
            matches!(
                item,
                ast::Item::Struct(_)
                    | ast::Item::Enum(_)
                    | ast::Item::Union(_)
                    | ast::Item::TypeAlias(_)
            )
        })
        .filter_map(|(item, _)| name_of(item))
        .collect();
    let mut previous: Option<String> = None;
    let mut items = Vec::new();
    for statement in statements {
        let range = statement.range.clone();
        match statement.kind(false) {
            Kind::Item(item) => {
                let made = new_item(&item, code, range, cell, previous.as_deref(), &types);
                previous = name_of(&item).or(previous);
                items.push(made);
            }
            Kind::ItemMacro(call) => items.push(from_macro(&call, code, range, cell)),
            _ => {}
        }
    }
    items
}

/// The name with which items without a name are replaced.
fn name_of(item: &ast::Item) -> Option<String> {
    let name = match item {
        ast::Item::Const(it) => it.name(),
        ast::Item::Enum(it) => it.name(),
        ast::Item::Fn(it) => it.name(),
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

/// Makes an item.
///
/// * `range`: its bytes in the code, with what follows up to the next statement.
/// * `previous`: the last name that the cell has defined before.
/// * `types`: the names of all types that the cell defines.
fn new_item(
    item: &ast::Item,
    code: &str,
    range: Range<usize>,
    cell: usize,
    previous: Option<&str>,
    types: &[String],
) -> Item {
    let imports = match item {
        ast::Item::Use(it) => imports::of(it),
        _ => Vec::new(),
    };
    let implements = match item {
        ast::Item::Impl(it) => Some(implements(it, range.start)),
        _ => None,
    };
    let keys = keys(item);
    let owner = match item {
        ast::Item::Impl(it) => self_name(it).filter(|name| types.contains(name)),
        _ if keys.is_empty() && imports.is_empty() => previous.map(str::to_owned),
        _ => None,
    };
    Item {
        text: whole_lines(&code[range.clone()]),
        cell,
        start: Some(range.start),
        keys,
        kind: kind(item),
        words: Arc::new(words_of(item.syntax())),
        owner,
        is_macro: is_macro(item),
        is_always_needed: is_always_needed(item, &code[range.clone()]),
        variants: match item {
            ast::Item::Enum(it) => variants(it),
            _ => Vec::new(),
        },
        trait_members: match item {
            ast::Item::Trait(it) => trait_members(it),
            _ => Vec::new(),
        },
        defines_type: matches!(
            item,
            ast::Item::Struct(_)
                | ast::Item::Enum(_)
                | ast::Item::Union(_)
                | ast::Item::Trait(_)
                | ast::Item::Module(_)
        ),
        extern_crate: match item {
            ast::Item::ExternCrate(it) => it.name_ref().map(|name| name.text().to_string()),
            _ => None,
        },
        statics: statics::of(item.syntax(), range.start),
        home: None,
        imports,
        implements,
    }
}

/// Makes an item of a call of a macro that defines statics.
fn from_macro(call: &ast::MacroCall, code: &str, range: Range<usize>, cell: usize) -> Item {
    let tokens = call.syntax().descendants_with_tokens();
    let words: Vec<String> = tokens
        .filter_map(|it| it.into_token())
        .filter(|token| !token.kind().is_trivia())
        .map(|token| token.text().to_owned())
        .collect();
    let after = words.iter().zip(words.iter().skip(1));
    // `static A`, `static ref A`
    let names = after
        .filter(|(word, next)| matches!(word.as_str(), "static" | "ref") && next.as_str() != "ref");
    let keys = names.map(|(_, name)| Key::new(Namespace::Value, name));
    let text = code[range.clone()].trim_end();
    // As an item, a macro with parentheses needs a semicolon.
    let end = if text.ends_with(['}', ';']) { "" } else { ";" };
    Item {
        text: format!("{text}{end}\n"),
        cell,
        start: Some(range.start),
        keys: keys.collect(),
        kind: "static",
        words: Arc::new(words_of(call.syntax())),
        owner: None,
        is_macro: false,
        is_always_needed: false,
        variants: Vec::new(),
        trait_members: Vec::new(),
        defines_type: false,
        extern_crate: None,
        statics: statics::of(call.syntax(), range.start),
        home: None,
        imports: Vec::new(),
        implements: None,
    }
}

fn kind(item: &ast::Item) -> &'static str {
    match item {
        ast::Item::Const(_) => "constant",
        ast::Item::Static(_) => "static",
        ast::Item::Enum(_) => "enum",
        ast::Item::Struct(_) => "struct",
        ast::Item::Union(_) => "union",
        ast::Item::Trait(_) => "trait",
        ast::Item::TypeAlias(_) => "type alias",
        ast::Item::Module(_) => "module",
        ast::Item::MacroRules(_) | ast::Item::MacroDef(_) => "macro",
        ast::Item::ExternCrate(_) => "crate",
        _ => "function",
    }
}

fn words_of(node: &SyntaxNode) -> HashSet<String> {
    let mut found = HashSet::new();
    words::add(node, &[], &mut found);
    found
}

fn whole_lines(text: &str) -> String {
    let line_break = if text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{line_break}")
}

fn keys(item: &ast::Item) -> Vec<Key> {
    use Namespace::{Any, Macro, Type, Value};
    let one = |space, name: Option<ast::Name>| {
        let name = name.map(|name| name.text().to_string());
        name.map(|name| Key::new(space, name)).into_iter().collect()
    };
    let constant = |name: Option<ast::Name>| {
        let keys: Vec<Key> = one(Value, name);
        let constants = keys.into_iter().map(|key| Key {
            is_constant: true,
            ..key
        });
        constants.collect()
    };
    match item {
        ast::Item::Const(it) => constant(it.name()),
        ast::Item::Static(it) => constant(it.name()),
        ast::Item::Fn(it) => one(Value, it.name()),
        ast::Item::Enum(it) => one(Type, it.name()),
        ast::Item::Module(it) => one(Type, it.name()),
        ast::Item::Trait(it) => one(Type, it.name()),
        ast::Item::TypeAlias(it) => one(Type, it.name()),
        ast::Item::Union(it) => one(Type, it.name()),
        ast::Item::MacroRules(it) => one(Macro, it.name()),
        ast::Item::MacroDef(it) => one(Macro, it.name()),
        ast::Item::ExternCrate(it) => {
            let renamed = it.rename().map(|rename| rename.name());
            let own = || Some(it.name_ref()?.text().to_string());
            match renamed {
                Some(name) => one(Type, name),
                None => own().map(|name| Key::new(Type, name)).into_iter().collect(),
            }
        }
        ast::Item::Struct(it) => {
            let is_record = matches!(it.field_list(), Some(ast::FieldList::RecordFieldList(_)));
            let is_unit = it.field_list().is_none();
            let mut keys: Vec<Key> = one(Type, it.name());
            if !is_record {
                keys.extend(one(Value, it.name()).into_iter().map(|key| Key {
                    is_constant: is_unit,
                    ..key
                }));
            }
            keys
        }
        ast::Item::Use(it) => imports::of(it)
            .into_iter()
            .filter_map(|import| Some(Key::new(Any, import.name?)))
            .collect(),
        ast::Item::ExternBlock(it) => {
            let inner = it.extern_item_list();
            let inner = inner.into_iter().flat_map(|list| list.extern_items());
            let names = inner.filter_map(|item| match item {
                ast::ExternItem::Fn(it) => it.name(),
                ast::ExternItem::Static(it) => it.name(),
                _ => None,
            });
            names
                .map(|name| Key::new(Value, name.text().to_string()))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn implements(item: &ast::Impl, start: usize) -> Implements {
    let body = item.assoc_item_list();
    let header: String = item
        .syntax()
        .children_with_tokens()
        .skip_while(|it| it.kind() != SyntaxKind::IMPL_KW && it.kind() != SyntaxKind::UNSAFE_KW)
        .take_while(|it| it.kind() != SyntaxKind::ASSOC_ITEM_LIST)
        .map(|it| it.to_string())
        .collect();
    let members = body.into_iter().flat_map(|body| body.assoc_items());
    let members = members.filter_map(|member| {
        let name = match &member {
            ast::AssocItem::Const(it) => it.name(),
            ast::AssocItem::Fn(it) => it.name(),
            ast::AssocItem::TypeAlias(it) => it.name(),
            ast::AssocItem::MacroCall(_) => None,
        };
        let range = Statement::to_code(member.syntax().text_range());
        let range = range.start.checked_sub(start)?..range.end.checked_sub(start)?;
        Some((name?.text().to_string(), range))
    });
    Implements {
        header: header.split_whitespace().collect::<Vec<_>>().join(" "),
        is_of_trait: item.trait_().is_some(),
        members: members.collect(),
    }
}

fn variants(item: &ast::Enum) -> Vec<String> {
    let variants = item.variant_list().into_iter();
    let variants = variants.flat_map(|list| list.variants());
    let names = variants.filter_map(|variant| variant.name());
    names.map(|name| name.text().to_string()).collect()
}

fn trait_members(item: &ast::Trait) -> Vec<String> {
    let members = item.assoc_item_list().into_iter();
    let members = members.flat_map(|list| list.assoc_items());
    let names = members.filter_map(|member| match member {
        ast::AssocItem::Const(it) => it.name(),
        ast::AssocItem::Fn(it) => it.name(),
        ast::AssocItem::TypeAlias(it) => it.name(),
        ast::AssocItem::MacroCall(_) => None,
    });
    names.map(|name| name.text().to_string()).collect()
}

/// The name of the type that an `impl` is for.
fn self_name(item: &ast::Impl) -> Option<String> {
    let ast::Type::PathType(path) = item.self_ty()? else {
        return None;
    };
    Some(path.path()?.segment()?.name_ref()?.text().to_string())
}

fn is_macro(item: &ast::Item) -> bool {
    let exports = |item: &dyn HasAttrs| {
        let mut attributes = item.attrs();
        attributes.any(|attribute| attribute.syntax().text().to_string().contains("macro_use"))
    };
    match item {
        ast::Item::MacroRules(_) | ast::Item::MacroDef(_) => true,
        ast::Item::Module(it) => exports(it),
        ast::Item::ExternCrate(it) => exports(it),
        _ => false,
    }
}

/// Marks of items that have an effect although nothing mentions them.
const HAVE_EFFECTS: [&str; 8] = [
    "no_mangle",
    "export_name",
    "link_section",
    "#[used",
    "ctor",
    "distributed_slice",
    "global_allocator",
    "panic_handler",
];

/// Whether every cell needs an item.
fn is_always_needed(item: &ast::Item, text: &str) -> bool {
    match item {
        // A trait has to be imported for its methods, which do not mention it.
        ast::Item::Use(_) | ast::Item::ExternCrate(_) => return true,
        // `#[macro_use]`: its macros can be used without its name.
        ast::Item::Module(_) if is_macro(item) => return true,
        ast::Item::Impl(_) => {}
        _ if keys(item).is_empty() => return true,
        _ => {}
    }
    HAVE_EFFECTS.iter().any(|mark| text.contains(mark))
}
