//! Sorts a cell's source into the notebook's order.
//!
//! evcxr 0.22 keeps items, crate attributes and variables in hash maps, and writes them in an order that differs from
//! kernel to kernel. But rustc finds a macro only below its definition, the last of two contradicting attributes wins,
//! and the variable that is loaded last is dropped first. So the kernel writes the notebook's order to a file, and the
//! shim sorts the source by it. Does no other I/O.
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

/// The definitions of a notebook's cells, in its order. Texts are as evcxr writes them: whole lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotebookOrder {
    /// Attributes of the crate, such as `#![allow(unused)]`. Empty where their order does not matter.
    pub attributes: Vec<String>,
    /// Functions, types, macros and so on. Empty where their order does not matter.
    pub items: Vec<String>,
    /// The variables' names.
    pub variables: Vec<String>,
}

/// The file that holds the order for the shim of one session. The kernel writes it, the shim reads it.
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

    /// Writes the order for the cells that are compiled from now on.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or cannot be removed if no order matters.
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

    /// `None` if no order matters.
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
    /// The source with its items in this order, and the map of its lines; `None` if they are already in order.
    pub(super) fn sort_items(&self, source: &str) -> Option<(String, LineMap)> {
        if self.attributes.is_empty() && self.items.is_empty() {
            return None;
        }
        let mut blocks = self.blocks(source);
        if blocks.is_sorted_by_key(|block| block.place) {
            return None;
        }
        blocks.sort_by_key(|block| block.place);
        let ranges: Vec<Range<usize>> = blocks.into_iter().map(|block| block.range).collect();
        Some(LineMap::join(source, &ranges))
    }

    /// Splits a source into blocks: one for each item, and those around the items.
    fn blocks(&self, source: &str) -> Vec<Block> {
        let known = Known::new(self);
        let end = items_end(source);
        let mut blocks: Vec<Block> = Vec::new();
        let mut at = 0;
        while at < end {
            let rest = &source[at..end];
            let line_len = rest
                .find('\n')
                .map_or(rest.len(), |line_break| line_break + 1);
            let found = known.longest_prefix(rest);
            let is_known = found.is_some();
            let (len, place) = found.unwrap_or_else(|| (line_len, Place::of_unknown(rest)));
            let range = at..at + len;
            at += len;
            match blocks.last_mut() {
                // Code that is in no cell may have several lines. They stay together.
                Some(last) if last.place == Place::Unknown && !is_known => {
                    last.range.end = range.end;
                }
                _ => blocks.push(Block { range, place }),
            }
        }
        blocks.push(Block {
            range: end..source.len(),
            place: Place::Generated,
        });
        blocks
    }

    /// The source with its variables loaded in this order; `None` if they are already in order. Only lines that evcxr
    /// generates are moved, and it treats them all alike, so no line has to be mapped back.
    pub(super) fn sort_variables(&self, source: &str) -> Option<String> {
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

/// The code before the statements that check and load variables, and the call in each of them.
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

struct Block {
    range: Range<usize>,
    place: Place,
}

/// Where a block of the source belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// An attribute that evcxr adds.
    FirstAttribute,
    /// An attribute of a cell, by its number.
    Attribute(usize),
    /// Code that is in no cell, for example from a file that evcxr reads.
    Unknown,
    /// An item of a cell, by its number.
    Item(usize),
    /// A `use`, as evcxr splits it. It can name a macro, which has to be above it. Otherwise its place does not matter.
    Use,
    /// All code that evcxr generates below the items.
    Generated,
}

impl Place {
    /// The place of a block whose first line is in no cell.
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

/// The texts of the cells, to recognise them at the start of a source.
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

    /// The length and the place of the longest text that a source begins with. Of equal texts, the newest.
    fn longest_prefix(&self, source: &str) -> Option<(usize, Place)> {
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

/// Where the items end and the code begins that evcxr generates around them.
fn items_end(source: &str) -> usize {
    let found = AFTER_ITEMS.iter().filter_map(|lines| source.find(lines));
    found.min().map_or(source.len(), |at| at + 1)
}

#[cfg(test)]
mod tests;
