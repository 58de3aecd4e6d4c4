//! Finds the path by which code can name a type of the notebook's own modules. Does no I/O.
//!
//! rustc names such a type by where it is defined, even if that module is private and the type is exported elsewhere.

use ra_ap_syntax::ast::{HasModuleItem, HasName, HasVisibility};
use ra_ap_syntax::{Edition, SourceFile, ast};

use crate::imports;

/// The path of a type below a module; `None` if the type is private.
///
/// * `text`: the source of the module.
/// * `path`: the path that rustc gives, without the name of the module.
pub(super) fn below(text: &str, path: &[&str]) -> Option<String> {
    let file = SourceFile::parse(text, Edition::Edition2024).tree();
    let module = file.items().find_map(|item| match item {
        ast::Item::Module(module) => Some(module),
        _ => None,
    });
    let items = module?.item_list()?.items().collect::<Vec<_>>();
    in_items(&items, path)
}

fn in_items(items: &[ast::Item], path: &[&str]) -> Option<String> {
    let (first, rest) = path.split_first()?;
    directly(items, first, rest).or_else(|| exported(items, path))
}

/// Through an item that is public.
fn directly(items: &[ast::Item], first: &str, rest: &[&str]) -> Option<String> {
    for item in items {
        match item {
            ast::Item::Module(module)
                if !rest.is_empty() && is_named(module, first) && module.visibility().is_some() =>
            {
                let inner: Vec<ast::Item> = module.item_list()?.items().collect();
                return Some(format!("{first}::{}", in_items(&inner, rest)?));
            }
            item if rest.is_empty() && is_public_type(item, first) => {
                return Some(first.to_owned());
            }
            _ => {}
        }
    }
    None
}

/// Through `pub use`.
fn exported(items: &[ast::Item], path: &[&str]) -> Option<String> {
    let wanted = path.join("::");
    let name = path.last()?;
    let uses = items.iter().filter_map(|item| match item {
        ast::Item::Use(it) if it.visibility().is_some() => Some(it),
        _ => None,
    });
    for import in uses.flat_map(imports::of) {
        let code = import.code.trim_start_matches("use ").trim_end_matches(';');
        let code = code.trim_start_matches("self::");
        let imported = code.split(" as ").next().unwrap_or_default();
        if imported == wanted {
            return import.name;
        }
        if imported
            .strip_suffix("::*")
            .is_some_and(|module| wanted == format!("{module}::{name}"))
        {
            return Some((*name).to_owned());
        }
    }
    None
}

fn is_named(item: &impl HasName, name: &str) -> bool {
    item.name().is_some_and(|own| own.text() == name)
}

fn is_public_type(item: &ast::Item, name: &str) -> bool {
    match item {
        ast::Item::Struct(it) => is_named(it, name) && it.visibility().is_some(),
        ast::Item::Enum(it) => is_named(it, name) && it.visibility().is_some(),
        ast::Item::Union(it) => is_named(it, name) && it.visibility().is_some(),
        ast::Item::Trait(it) => is_named(it, name) && it.visibility().is_some(),
        // It may define anything.
        ast::Item::MacroCall(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_type_is_named_by_a_public_path() {
        let module = "mod m { mod hidden { pub struct A; pub struct B; struct C; pub mod deep { pub enum D {} } }\
                      pub use hidden::A; pub use self::hidden::{B as Other}; pub use hidden::deep::*;\
                      pub(crate) mod open { pub struct E; struct F; } struct G; pub trait H {} }";
        let path = |path: &str| below(module, &path.split("::").collect::<Vec<_>>());
        assert_eq!(path("hidden::A").as_deref(), Some("A"));
        assert_eq!(path("hidden::B").as_deref(), Some("Other"));
        assert_eq!(path("hidden::deep::D").as_deref(), Some("D"));
        assert_eq!(path("open::E").as_deref(), Some("open::E"));
        assert_eq!(path("H").as_deref(), Some("H"));
        for private in ["hidden::C", "open::F", "G", "missing"] {
            assert_eq!(path(private), None, "{private}");
        }
    }
}
