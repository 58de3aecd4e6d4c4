//! What a job did: the records of its workers, and the outcome at its end. Decides nothing.

use std::ops::Range;
use std::time::Duration;

use crate::event::PanicReport;

/// How a job ended, and what it did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// Slots whose results exist, in order. Adjacent ranges are joined.
    pub(crate) finished: Vec<Range<usize>>,
    /// Slots whose items were taken: the finished slots and those of failed blocks.
    pub(crate) taken: Vec<Range<usize>>,
    pub(crate) items_done: usize,
    pub(crate) busy: Duration,
}

#[derive(Debug)]
pub(crate) enum End {
    Complete,
    /// The function stopped at this item.
    Stopped,
    /// The function panicked at this item.
    Panicked {
        item: usize,
        panic: ItemPanic,
    },
    /// An interrupt was requested.
    Interrupted,
    /// [`Job::cancel`](super::job::Job::cancel) was called.
    Cancelled,
}

/// A panic of the user's function for an item.
#[derive(Debug)]
pub(crate) struct ItemPanic {
    /// The item as text, if its type can be shown.
    pub(crate) value: Option<String>,
    pub(crate) report: PanicReport,
}

/// What one worker or all workers did.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) finished: Vec<Range<usize>>,
    pub(crate) failed: Vec<Range<usize>>,
    /// The lowest failing item, and its panic. `None` if the function stopped there without a panic.
    pub(crate) failure: Option<(usize, Option<ItemPanic>)>,
    pub(crate) busy: Duration,
}

impl Outcome {
    /// The outcome of a job without slots.
    pub(crate) fn of_nothing() -> Self {
        let (finished, taken) = (Vec::new(), Vec::new());
        Self {
            end: End::Complete,
            finished,
            taken,
            items_done: 0,
            busy: Duration::ZERO,
        }
    }

    /// Describes how far a job came that ended early.
    pub(crate) fn describe(&self, verb: &str, items: usize) -> String {
        format!("{verb} after {} of {items} items", self.items_done)
    }
}

impl ItemPanic {
    /// Makes the report of the map from that of the item. The value of the item is left out if it is the item's number.
    pub(crate) fn in_item(self, item: usize, items: usize) -> PanicReport {
        let value = self.value.filter(|value| *value != item.to_string());
        let value = value.map_or_else(String::new, |value| format!(", {value}"));
        let message = format!(
            "panicked in item {item} (of {items}){value}: {}",
            self.report.message
        );
        PanicReport {
            message,
            ..self.report
        }
    }
}

impl Record {
    pub(crate) fn fail(&mut self, item: usize, panic: Option<ItemPanic>) {
        if self
            .failure
            .as_ref()
            .is_none_or(|(lowest, _)| item < *lowest)
        {
            self.failure = Some((item, panic));
        }
    }
}

/// Returns the first item of a slot, if `items` are distributed over `slots` as evenly as possible.
pub(crate) fn first_item(slot: usize, slots: usize, items: usize) -> usize {
    if slots == items {
        return slot;
    }
    match slot.checked_mul(items) {
        Some(product) => product / slots.max(1),
        // 128 bits do not overflow, and the quotient is at most `items`.
        None => (slot as u128 * items as u128 / slots.max(1) as u128) as usize,
    }
}

/// Adds a range. Joins it to the last one if it follows directly.
pub(crate) fn extend(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    }
}

/// Sorts ranges and joins adjacent ones.
pub(crate) fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined = Vec::new();
    ranges
        .into_iter()
        .for_each(|range| extend(&mut joined, range));
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_spread_evenly_over_slots() {
        let firsts = |slots, items| -> Vec<usize> {
            (0..=slots)
                .map(|slot| first_item(slot, slots, items))
                .collect()
        };
        assert_eq!(firsts(4, 4), [0, 1, 2, 3, 4]);
        assert_eq!(firsts(4, 10), [0, 2, 5, 7, 10]);
        assert_eq!(firsts(0, 0), [0]);
        // The product does not fit into 64 bits.
        assert_eq!(first_item(1 << 40, 1 << 41, 1 << 42), 1 << 41);
    }

    #[test]
    fn adjacent_ranges_are_joined() {
        assert_eq!(joined(vec![5..7, 0..2, 2..3, 8..9]), [0..3, 5..7, 8..9]);
    }
}
