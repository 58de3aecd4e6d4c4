//! Reads the types of variables from the compiler's MIR. Does no I/O.
//!
//! MIR is rustc's intermediate form of functions, and `--emit=mir` prints it. It declares each local with its full
//! type, in paths that code can use: `std::vec::Vec<i32>`. A cell puts each variable into the store through a local
//! named [`SLOT`] and a number, so that is where its type stands.

mod public_path;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::items::Items;

/// The start of the names of the locals through which variables get into the store.
pub(crate) const SLOT: &str = "corebook_slot_";

/// The types of the variables in slots, by the number of the slot.
pub(crate) fn read(mir: &str) -> HashMap<usize, String> {
    let mut types = HashMap::new();
    // The slots of a function: the numbers of the locals, and their types.
    let mut slots: Vec<(&str, &str)> = Vec::new();
    for line in mir.lines() {
        if line.starts_with("fn ") {
            slots.clear();
        }
        let line = line.trim_start();
        if let Some(declaration) = line.strip_prefix("let mut _") {
            slots.extend(slot(declaration));
        } else if let Some(debug) = line.strip_prefix("debug ")
            && let Some(name) = debug.strip_prefix(SLOT)
            && let Some((number, value)) = name.split_once(" => ")
            && let Ok(number) = number.parse()
        {
            let found = match value.trim_end_matches(';').strip_prefix('_') {
                Some(local) => slots.iter().rfind(|(declared, _)| *declared == local),
                // The value is a constant. Its slot is the one that was declared last.
                None => slots.last(),
            };
            if let Some((_, name)) = found {
                types.insert(number, (*name).to_owned());
            }
        }
    }
    types
}

/// Number and type of a local, if it is a slot: `27: corebook::store::Slot<i32>;`.
fn slot(declaration: &str) -> Option<(&str, &str)> {
    let (number, declared) = declaration.split_once(": ")?;
    let (path, rest) = declared.split_once('<')?;
    let inner = rest.strip_suffix(">;")?;
    path.ends_with("::Slot").then_some((number, inner))
}

/// Why a type can't be written in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnameable {
    Closure,
    Function,
    Future,
    /// No path to it is public.
    Private,
    /// The same, for a type of another crate, or that crate is not a dependency of the notebook.
    Foreign,
    /// A type that is defined inside of a function, a type that contains one of the others, …
    Other,
}

/// A type with public paths, where rustc may have private ones.
///
/// # Errors
///
/// When code can't name the type.
pub(crate) fn public(name: &str, items: &Items) -> Result<String, Unnameable> {
    if name.contains("{closure@") {
        return Err(Unnameable::Closure);
    }
    if name.contains("{async") {
        return Err(Unnameable::Future);
    }
    if (name.starts_with("fn(") || name.contains(" fn(")) && name.ends_with('}') {
        return Err(Unnameable::Function);
    }
    if name.contains('{') || name == "!" || name.contains("impl ") {
        return Err(Unnameable::Other);
    }
    let mut public = String::with_capacity(name.len());
    let mut copied = 0;
    for root in roots(name) {
        let path = path_from(name, root.start);
        let (first, below) = (&name[root.clone()], &name[root.end..path.end]);
        if let (Some(module), Some(below)) = (items.module(first), below.strip_prefix("::")) {
            let below: Vec<&str> = below.split("::").collect();
            let below = public_path::below(&module.text, &below).ok_or(Unnameable::Private)?;
            public.push_str(&format!("{}{first}::{below}", &name[copied..root.start]));
            copied = path.end;
        }
    }
    public.push_str(&name[copied..]);
    Ok(public)
}

/// A type as code that means the same wherever it stands.
pub(crate) fn to_code(name: &str, items: &Items) -> String {
    let mut code = String::with_capacity(name.len() + 8);
    let mut copied = 0;
    for root in roots(name) {
        let is_path = name[root.end..].starts_with("::");
        if is_path && !items.is_root(&name[root.clone()]) {
            code.push_str(&format!("{}::", &name[copied..root.start]));
            copied = root.start;
        }
    }
    code.push_str(&name[copied..]);
    code
}

/// The type of a pointer to a function, from the function's own: `fn(i32) -> i32 {i32::abs}`.
pub(crate) fn pointer_to(name: &str) -> Option<&str> {
    let is_function = name.starts_with("fn(") || name.contains(" fn(");
    let (pointer, function) = name.split_once(" {")?;
    let is_whole = function.ends_with('}') && !function.contains(" {");
    (is_function && is_whole).then_some(pointer)
}

/// The bytes of the path that starts here, without generic arguments.
fn path_from(name: &str, start: usize) -> Range<usize> {
    let mut end = start;
    loop {
        let len = name[end..].find(|it| !is_ident(it));
        end = len.map_or(name.len(), |len| end + len);
        match name[end..].strip_prefix("::") {
            Some(rest) if rest.starts_with(is_ident) => end += "::".len(),
            _ => return start..end,
        }
    }
}

fn is_ident(it: char) -> bool {
    it.is_alphanumeric() || it == '_' || it == '#'
}

/// The bytes of the first words of all paths in a type.
fn roots(name: &str) -> Vec<Range<usize>> {
    let mut roots = Vec::new();
    let mut at = 0;
    while let Some(start) = name[at..].find(is_ident).map(|start| at + start) {
        let len = name[start..].find(|it| !is_ident(it));
        let end = len.map_or(name.len(), |len| start + len);
        if !name[..start].ends_with("::") && !name[..start].ends_with('\'') {
            roots.push(start..end);
        }
        at = end;
    }
    roots
}

/// All paths in a type, without generic arguments.
pub(crate) fn paths(name: &str) -> Vec<&str> {
    let roots = roots(name).into_iter();
    roots
        .map(|root| &name[path_from(name, root.start)])
        .collect()
}

/// All words of a type, or of other code.
pub(crate) fn words(text: &str) -> impl Iterator<Item = String> {
    let is_ident = |it: char| it.is_alphanumeric() || it == '_';
    let words = text.split(move |it| !is_ident(it));
    words.filter(|word| !word.is_empty()).map(str::to_owned)
}

/// Whether a type contains one of the notebook's own types.
pub(crate) fn mentions(name: &str, types: &HashSet<String>) -> bool {
    roots(name)
        .into_iter()
        .any(|root| types.contains(&name[root]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::items::items_of;
    use crate::statements::split;

    #[test]
    fn types_are_read_from_slots_even_if_the_value_is_constant() {
        let mir = "
fn run_user_code_1(_1: *mut Store) -> *mut Store {
    let mut _30: &mut corebook::store::Slot<u8>;
    scope 1 {
        let mut _27: corebook::store::Slot<std::vec::Vec<i32>>;
        scope 2 {
            let mut _28: u8;
        }
        scope 3 {
            debug corebook_slot_0 => _27;
            let mut _34: corebook::store::Slot<m::P<3>>;
            scope 4 {
                debug corebook_slot_1 => const Slot::<P<3>>(ManuallyDrop::<P<3>> {{ value: P(1) }});
                debug x => _34;
}
fn other() {
    let mut _27: corebook::store::Slot<u8>;
";
        let types = read(mir);
        assert_eq!(types.len(), 2);
        assert_eq!(types[&0], "std::vec::Vec<i32>");
        assert_eq!(types[&1], "m::P<3>");
    }

    fn items(code: &str) -> Items {
        let mut items = Items::default();
        items.add(items_of(code, &split(code).unwrap(), 0));
        items
    }

    #[test]
    fn paths_of_crates_begin_at_the_root() {
        let items =
            items("mod m { mod n { pub struct R<T>(T); } pub use n::R; pub struct Q; } struct P;");
        let code = |name| to_code(&public(name, &items).unwrap(), &items);
        assert_eq!(code("i32"), "i32");
        assert_eq!(
            code("std::collections::HashMap<std::string::String, (m::Q, P, &'static [a::B; 3])>"),
            "::std::collections::HashMap<::std::string::String, (m::Q, P, &'static [::a::B; 3])>"
        );
        assert_eq!(
            code(
                "for<'a> fn(&'a str) -> std::boxed::Box<dyn std::ops::Fn(i32) -> m::Q + std::marker::Send>"
            ),
            "for<'a> fn(&'a str) -> ::std::boxed::Box<dyn ::std::ops::Fn(i32) -> m::Q + ::std::marker::Send>"
        );
        assert_eq!(code("r#mod::r#type::T"), "::r#mod::r#type::T");
        assert_eq!(code("(m::n::R<m::n::R<P>>, u8)"), "(m::R<m::R<P>>, u8)");
    }

    #[test]
    fn functions_have_pointers() {
        assert_eq!(
            pointer_to("fn(i32) -> i32 {core::num::<impl i32>::abs}"),
            Some("fn(i32) -> i32")
        );
        assert_eq!(
            pointer_to("for<'a> fn(&'a str) {f}"),
            Some("for<'a> fn(&'a str)")
        );
        for other in [
            "i32",
            "{closure@src/lib.rs:1:1: 1:2}",
            "std::iter::Map<I, fn(u8) -> u8 {f}>",
            "fn(u8)",
        ] {
            assert_eq!(pointer_to(other), None, "{other}");
        }
    }

    #[test]
    fn what_code_cannot_name_is_noticed() {
        let items = items("mod m { mod n { pub struct R; } }");
        let why = |name| public(name, &items).unwrap_err();
        assert_eq!(why("{closure@src/lib.rs:3:9: 3:12}"), Unnameable::Closure);
        assert_eq!(
            why("std::iter::Map<I, {closure@src/lib.rs:1:1: 1:2}>"),
            Unnameable::Closure
        );
        assert_eq!(why("fn(i32) -> i32 {foo}"), Unnameable::Function);
        assert_eq!(why("for<'a> fn(&'a str) {foo}"), Unnameable::Function);
        assert_eq!(why("{async fn body of f()}"), Unnameable::Future);
        assert_eq!(
            why("run_user_code_1::{closure#0}::Local"),
            Unnameable::Other
        );
        assert_eq!(why("!"), Unnameable::Other);
        assert_eq!(why("std::vec::Vec<m::n::R>"), Unnameable::Private);
    }
}
