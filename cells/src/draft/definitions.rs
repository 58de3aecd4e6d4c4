//! Writes the items of a cell. Does no I/O.

use super::{Draft, Form};
use crate::items::Item;
use crate::source::{Mark, Source};
use crate::statics::{self, Home};

impl Draft {
    pub(super) fn write_item(&self, number: usize, item: &Item, source: &mut Source) {
        if !item.imports.is_empty() && item.cell != self.cell {
            let mark = Mark::Import(number);
            return source.copy_marked(&item.text, item.cell, item.start, mark);
        }
        if item.statics.is_empty() {
            return source.copy(&item.text, item.cell, item.start);
        }
        let away = self.away(number, item);
        let here = Home {
            run: self.run,
            item: number,
            library: None,
        };
        let home = away.unwrap_or(&here);
        for part in statics::parts(&item.statics, item.text.len(), home, away.is_some()) {
            match part {
                statics::Part::Copied(range) => {
                    let start = item.start.map(|start| start + range.start);
                    source.copy_part(&item.text[range], item.cell, start);
                }
                statics::Part::Generated(text) => source.generate(&text),
                statics::Part::Away(text) => source.generate_marked(text, Mark::Away(number)),
            }
        }
    }

    /// The other library that has the statics of an item.
    fn away<'a>(&self, number: usize, item: &'a Item) -> Option<&'a Home> {
        let home = item.home.as_ref()?;
        let is_usable = home.library.is_some() && !self.own_statics.contains(&number);
        is_usable.then_some(home)
    }

    /// The numbers of the items whose statics this cell defines.
    pub(crate) fn defined_statics(&self) -> Vec<usize> {
        if self.form == Form::Unparsed {
            return Vec::new();
        }
        let needed = self.needed.iter().copied();
        needed
            .filter(|&number| {
                let item = self.items.get(number);
                !item.statics.is_empty() && self.away(number, item).is_none()
            })
            .collect()
    }

    /// The libraries of earlier cells to which this one has to be linked.
    pub fn libraries(&self) -> Vec<String> {
        let needed = self.needed.iter().copied();
        let mut libraries: Vec<String> = needed
            .filter_map(|number| self.away(number, self.items.get(number))?.library.clone())
            .collect();
        libraries.sort_unstable();
        libraries.dedup();
        libraries
    }
}
