//! Lines for stderr about what later cells can't use, and what to do about it. Does no I/O.

use corebook_cells::draft::{Dropped, Unkept, WhyUnkept};
use corebook_cells::notebook::Variable;
use corebook_cells::types::Unnameable;

use super::locate::Cell;

/// Why a variable of the cell is not kept for later cells, and what would be.
pub fn on_unkept(unkept: &Unkept, cell: &Cell) -> String {
    let Unkept { name, range, why } = unkept;
    let place = cell.place_of(range.start);
    let why = match why {
        WhyUnkept::Borrows => {
            "it borrows from a value that ends with this cell: keep an owned value, such as `.clone()` or `.to_vec()` make"
                .to_owned()
        }
        WhyUnkept::MayBeUnset => "it may have no value at the end of the cell".to_owned(),
        WhyUnkept::Type(Unnameable::Closure) => format!(
            "its type contains a closure, and that has no name: write a function (`fn {name}(…) {{ … }}`) or box it \
             (`let {name}: Box<dyn Fn(i64) -> i64> = Box::new(…);`); collect an iterator"
        ),
        WhyUnkept::Type(Unnameable::Function) => format!(
            "the type of a function has no name: keep a pointer to it (`let {name}: fn(i64) -> i64 = …;`)"
        ),
        WhyUnkept::Type(Unnameable::Future) => {
            "the type of a future has no name: await it in this cell, or box it (`Box::pin(…)`)".to_owned()
        }
        WhyUnkept::Type(Unnameable::Private) => {
            "its type is private, so another cell can't name it: make it and its module `pub`".to_owned()
        }
        WhyUnkept::Type(Unnameable::Foreign) => {
            "its type is private in its crate, or that crate is not a dependency of the notebook: convert it, or add the \
             crate with `:dep`"
                .to_owned()
        }
        WhyUnkept::Type(Unnameable::Other) => {
            "its type can't be written in another cell: convert it, or box it as a `Box<dyn Trait>`".to_owned()
        }
    };
    format!("{place}: {name} is not kept for later cells: {why}\n")
}

/// About a variable whose type was defined in another way.
pub fn on_lost(variable: &Variable) -> String {
    let Variable {
        name, type_name, ..
    } = variable;
    format!(
        "{name} is lost, because the cell has defined its type {type_name} in another way: assign it again\n"
    )
}

/// About a static whose type was defined in another way.
pub fn on_restarted(name: &str) -> String {
    format!("{name} starts anew, because the cell has defined a type in it in another way\n")
}

/// About an import of an earlier cell that no longer compiles.
///
/// * `cell`: the cell with the import.
pub fn on_dropped(dropped: &Dropped, cell: Option<&Cell>) -> String {
    let Dropped { text, why, .. } = dropped;
    let (place, advice) = match cell {
        Some(cell) => {
            let count = cell.execution_count;
            (
                format!(" of cell [{count}]"),
                format!(": run cell [{count}] again"),
            )
        }
        None => (String::new(), String::new()),
    };
    format!("`{text}`{place} no longer compiles ({why}){advice}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_names_the_place_and_the_reason() {
        let code = "let a = 1;\nlet é = |x| x;".to_owned();
        let (_, map) = corebook_magics::expansion::expand_for_analysis(&code);
        let cell = Cell {
            execution_count: 3,
            source: code.clone(),
            code,
            map,
            is_timing: false,
        };
        let unkept = Unkept {
            name: "é".to_owned(),
            range: 15..17,
            why: WhyUnkept::Type(Unnameable::Closure),
        };
        let text = on_unkept(&unkept, &cell);
        assert!(
            text.starts_with(
                "cell [3]:2:5: é is not kept for later cells: its type contains a closure"
            ),
            "{text}"
        );
        assert!(text.ends_with('\n') && text.matches('\n').count() == 1);
    }
}
