//! What a job has done, while it runs and when it has ended.

use std::ops::Range;
use std::time::Duration;

use crate::event::PanicReport;

/// How a job ended, and what it did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// Slots whose results exist, in order, adjacent ranges joined.
    pub(crate) finished: Vec<Range<usize>>,
    /// Slots whose items are gone: the finished ones and those of failed blocks.
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
    /// An interrupt.
    Interrupted,
    /// [`Job::cancel`](super::job::Job::cancel).
    Cancelled,
}

/// A panic of the user's function for an item.
#[derive(Debug)]
pub(crate) struct ItemPanic {
    /// The item as text, if its type is one that can be shown.
    pub(crate) value: Option<String>,
    pub(crate) report: PanicReport,
}

/// What a worker did, or all of them.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) finished: Vec<Range<usize>>,
    pub(crate) failed: Vec<Range<usize>>,
    /// The lowest failing item, and its panic; without one the function stopped there.
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

    /// How far a job came that ended early, in words.
    pub(crate) fn describe(&self, verb: &str, items: usize) -> String {
        format!("{verb} after {} of {items} items", self.items_done)
    }
}

impl ItemPanic {
    /// The report of a map that panicked because this item did. A value that is the item's number is not
    /// repeated.
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

/// Where a slot's items begin, when `items` are spread over `slots` as evenly as can be.
pub(crate) fn first_item(slot: usize, slots: usize, items: usize) -> usize {
    if slots == items {
        return slot;
    }
    match slot.checked_mul(items) {
        Some(product) => product / slots.max(1),
        // In 128 bits nothing overflows, and the quotient is at most `items`.
        None => (slot as u128 * items as u128 / slots.max(1) as u128) as usize,
    }
}

/// Adds a range, joined to the last one if it follows it.
pub(crate) fn extend(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    }
}

/// The same ranges in order, adjacent ranges joined.
pub(crate) fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined = Vec::new();
    ranges
        .into_iter()
        .for_each(|range| extend(&mut joined, range));
    joined
}
