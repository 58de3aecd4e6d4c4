//! What of a job was done, while it runs and when it has ended.

use std::ops::Range;
use std::time::Duration;

use crate::event::PanicReport;

/// How a job ended, and what of it was done.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) end: End,
    /// Units whose results exist, in order, adjacent ranges joined.
    pub(super) finished: Vec<Range<usize>>,
    /// Units whose items are gone: the finished ones and those of failed blocks.
    pub(super) taken: Vec<Range<usize>>,
    pub(super) items_done: usize,
    pub(super) busy: Duration,
}

#[derive(Debug)]
pub(super) enum End {
    Complete,
    /// The task stopped at this item.
    Stopped,
    /// The task panicked at this item.
    Panicked {
        item: usize,
        panic: ItemPanic,
    },
    /// An interrupt.
    Interrupted,
    /// [`Job::cancel`].
    Cancelled,
}

/// A panic on an item's account.
#[derive(Debug)]
pub(super) struct ItemPanic {
    /// The item as text, where that can be told.
    pub(super) value: Option<String>,
    pub(super) report: PanicReport,
}

/// What a worker did, or all of them.
#[derive(Default)]
pub(super) struct Record {
    pub(super) finished: Vec<Range<usize>>,
    pub(super) failed: Vec<Range<usize>>,
    /// The lowest failing item; without a panic it stopped.
    pub(super) failure: Option<(usize, Option<ItemPanic>)>,
    pub(super) busy: Duration,
}

impl Outcome {
    /// Of a job without units.
    pub(super) fn of_nothing() -> Self {
        let (finished, taken) = (Vec::new(), Vec::new());
        Self {
            end: End::Complete,
            finished,
            taken,
            items_done: 0,
            busy: Duration::ZERO,
        }
    }

    /// Words for an end before the end.
    pub(super) fn describe(&self, verb: &str, items: usize) -> String {
        format!("{verb} after {} of {items} items", self.items_done)
    }
}

impl Record {
    pub(super) fn fail(&mut self, item: usize, panic: Option<ItemPanic>) {
        if self
            .failure
            .as_ref()
            .is_none_or(|(lowest, _)| item < *lowest)
        {
            self.failure = Some((item, panic));
        }
    }
}

/// Where a unit's items begin, when `items` are spread over `units` as evenly as can be.
pub(super) fn first_item(unit: usize, units: usize, items: usize) -> usize {
    if units == items {
        return unit;
    }
    match unit.checked_mul(items) {
        Some(product) => product / units.max(1),
        // In 128 bits nothing overflows, and the quotient is at most `items`.
        None => (unit as u128 * items as u128 / units.max(1) as u128) as usize,
    }
}

/// Adds a range, as part of the last one if it follows that.
pub(super) fn extend(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    }
}

/// The same units in order, adjacent ranges joined.
pub(super) fn joined(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut joined = Vec::new();
    ranges
        .into_iter()
        .for_each(|range| extend(&mut joined, range));
    joined
}
