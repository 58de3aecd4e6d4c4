//! The order in which a cell's source is compiled: the notebook's.
//!
//! evcxr 0.22 keeps items, crate attributes and variables in hash maps, and writes them in an order that
//! differs from kernel to kernel. rustc finds a macro only below its definition, the last of two
//! contradicting attributes wins, and what is loaded last is dropped first. So the kernel writes down in
//! which order the notebook has them, and the source is put into it. Pure but for that file.
//! To be dropped when evcxr keeps the order itself.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::line_map::LineMap;
use crate::evcxr::AFTER_ITEMS;

const FILE: &str = "order.json";

/// What the cells of a notebook define, in its order. Texts are as evcxr writes them: whole lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotebookOrder {
    /// Attributes of the crate, such as `#![allow(unused)]`. Empty where their order does not matter.
    pub attributes: Vec<String>,
    /// Functions, types, macros and so on. Empty where their order does not matter.
    pub items: Vec<String>,
    /// The variables' names.
    pub variables: Vec<String>,
}

/// By which the kernel tells the shim of one session. The kernel writes it, the shim reads it.
#[derive(Debug, Clone)]
pub struct OrderFile {
    path: PathBuf,
}

impl OrderFile {
    pub(crate) fn beside(tools: &Path) -> Self {
        Self {
            path: tools.join(FILE),
        }
    }

    /// Writes it for the cells that are compiled from now on.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or removed where no order matters.
    pub fn write(&self, order: &NotebookOrder) -> io::Result<()> {
        let NotebookOrder {
            attributes,
            items,
            variables,
        } = order;
        if !attributes.is_empty() || !items.is_empty() || variables.len() > 1 {
            let order = json!({ "attributes": attributes, "items": items, "variables": variables });
            return fs::write(&self.path, order.to_string());
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Nothing where no order matters.
    pub(super) fn read(&self) -> Option<NotebookOrder> {
        let order: Value = serde_json::from_slice(&fs::read(&self.path).ok()?).ok()?;
        let texts = |name: &str| {
            let texts = order[name].as_array().into_iter().flatten();
            texts.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Some(NotebookOrder {
            attributes: texts("attributes"),
            items: texts("items"),
            variables: texts("variables"),
        })
    }
}

impl NotebookOrder {
    /// The source with its items in this order, and where its lines were; nothing if they are so already.
    pub(super) fn of_items(&self, source: &str) -> Option<(String, LineMap)> {
        if self.attributes.is_empty() && self.items.is_empty() {
            return None;
        }
        let mut pieces = self.pieces(source);
        if pieces.is_sorted_by_key(|piece| piece.place) {
            return None;
        }
        pieces.sort_by_key(|piece| piece.place);
        let ranges: Vec<Range<usize>> = pieces.into_iter().map(|piece| piece.range).collect();
        Some(LineMap::join(source, &ranges))
    }

    /// The items of a source, one piece each, and what is around them.
    fn pieces(&self, source: &str) -> Vec<Piece> {
        let known = Known::new(self);
        let end = items_end(source);
        let mut pieces: Vec<Piece> = Vec::new();
        let mut at = 0;
        while at < end {
            let rest = &source[at..end];
            let line_len = rest
                .find('\n')
                .map_or(rest.len(), |line_break| line_break + 1);
            let found = known.begins(rest);
            let is_known = found.is_some();
            let (len, place) = found.unwrap_or_else(|| (line_len, Place::of_unknown(rest)));
            let range = at..at + len;
            at += len;
            match pieces.last_mut() {
                // What no cell holds may have several lines. They stay together.
                Some(last) if last.place == Place::Unknown && !is_known => {
                    last.range.end = range.end;
                }
                _ => pieces.push(Piece { range, place }),
            }
        }
        pieces.push(Piece {
            range: end..source.len(),
            place: Place::Generated,
        });
        pieces
    }

    /// The source with its variables loaded in this order; nothing if they are so already. What is moved are
    /// lines of evcxr's own that are all the same to it, so no line has to be led back.
    pub(super) fn of_variables(&self, source: &str) -> Option<String> {
        let places: HashMap<&str, usize> = (self.variables.iter().map(String::as_str))
            .zip(1..)
            .collect();
        let mut ordered = source.to_owned();
        for (first, call) in VARIABLE_STATEMENTS {
            let start = source.find(first)? + first.len();
            let mut statements = variable_statements(&source[start..], call);
            let place = |statement: &Statement<'_>| places.get(statement.variable).copied();
            if statements.is_sorted_by_key(place) {
                continue;
            }
            statements.sort_by_key(place);
            let text: String = statements.iter().map(|statement| statement.text).collect();
            ordered.replace_range(start..start + text.len(), &text);
        }
        (ordered != source).then_some(ordered)
    }
}

/// What stands before the statements that check and load variables, and what each of them calls.
const VARIABLE_STATEMENTS: [(&str, &str); 2] = [
    (
        "\n{let mut vars_ok = true;\n",
        "evcxr_variable_store.check_variable::<",
    ),
    (
        "\nif !vars_ok {return evcxr_variable_store;}}\n",
        "evcxr_variable_store.take_variable::<",
    ),
];

struct Statement<'a> {
    text: &'a str,
    variable: &'a str,
}

/// The statements at the beginning of a source that call one function of the store.
fn variable_statements<'a>(source: &'a str, call: &str) -> Vec<Statement<'a>> {
    const NAME_START: &str = ">(stringify!(";
    const NAME_END: &str = "));\n";
    let mut statements = Vec::new();
    let mut rest = source;
    loop {
        let line = rest.lines().next().unwrap_or_default();
        if !line.contains(call) {
            return statements;
        }
        // A type can have line breaks.
        let Some(end) = rest.find(NAME_END) else {
            return statements;
        };
        let name = rest[..end].rfind(NAME_START);
        let (text, after) = rest.split_at(end + NAME_END.len());
        statements.push(Statement {
            text,
            variable: name.map_or("", |at| &text[at + NAME_START.len()..end]),
        });
        rest = after;
    }
}

struct Piece {
    range: Range<usize>,
    place: Place,
}

/// Where a piece of the source belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// An attribute of evcxr's own.
    FirstAttribute,
    /// An attribute of a cell, by its number.
    Attribute(usize),
    /// What no cell holds, as from a file that evcxr reads.
    Unknown,
    /// An item of a cell, by its number.
    Item(usize),
    /// A `use` as evcxr takes it apart. It can name a macro, which has to stand above; nothing else depends on
    /// where it stands.
    Use,
    /// All that evcxr writes of its own.
    Generated,
}

impl Place {
    /// The place of what begins with a line that no cell holds.
    fn of_unknown(source: &str) -> Self {
        let line = first_line(source);
        if line.starts_with("#![") {
            Self::FirstAttribute
        } else if line.starts_with("use ") && line.trim_end().ends_with(';') {
            Self::Use
        } else {
            Self::Unknown
        }
    }
}

/// Texts of the cells, to be found at the beginning of a source.
struct Known<'a> {
    by_first_line: HashMap<&'a str, Vec<(&'a str, Place)>>,
}

impl<'a> Known<'a> {
    fn new(order: &'a NotebookOrder) -> Self {
        let attributes = order.attributes.iter().zip((0..).map(Place::Attribute));
        let items = order.items.iter().zip((0..).map(Place::Item));
        let mut by_first_line: HashMap<_, Vec<_>> = HashMap::new();
        for (text, place) in attributes.chain(items) {
            let texts = by_first_line.entry(first_line(text)).or_default();
            texts.push((text.as_str(), place));
        }
        Self { by_first_line }
    }

    /// How long the longest text is that a source begins with, and its place; that of the newest of two.
    fn begins(&self, source: &str) -> Option<(usize, Place)> {
        let texts = self.by_first_line.get(first_line(source))?.iter();
        texts
            .filter(|(text, _)| !text.is_empty() && source.starts_with(text))
            .map(|(text, place)| (text.len(), *place))
            .max()
    }
}

fn first_line(text: &str) -> &str {
    text.split_inclusive('\n').next().unwrap_or_default()
}

/// Where the code begins that evcxr writes around the items.
fn items_end(source: &str) -> usize {
    let found = AFTER_ITEMS.iter().filter_map(|lines| source.find(lines));
    found.min().map_or(source.len(), |at| at + 1)
}

#[cfg(test)]
mod tests;
