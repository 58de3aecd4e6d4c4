//! A progress bar that counts finished items. In a notebook the kernel draws it; in a terminal it is a line on
//! stderr that is rewritten.
//!
//! A bar is redrawn at most 10 times a second, and once more at its end.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::cancel;
use crate::event::{self, Event, ProgressReport};

const UPDATES_PER_SECOND: u64 = 10;

/// Shows the progress of a loop.
///
/// * `items`: what the loop runs over. The bar shows a percentage if their number is known, otherwise a count.
///
/// The bar ends with the loop, also if the loop ends by `break`, `return` or a panic. An interrupt stops the loop
/// between two items. For a parallel map use [`Pool::progress`](crate::pool::Pool::progress).
///
/// # Panics
///
/// While iterating, with [`cancel::Interrupted`] as the payload, when an interrupt was requested.
///
/// # Examples
///
/// ```
/// use corebook::progress::progress;
///
/// let mut sum = 0;
/// for number in progress(1..=100) {
///     sum += number;
/// }
/// assert_eq!(sum, 5050);
/// ```
pub fn progress<I: IntoIterator>(items: I) -> Progress<I::IntoIter> {
    let items = items.into_iter();
    let total = match items.size_hint() {
        (least, Some(most)) if least == most => least as u64,
        _ => 0,
    };
    Progress {
        items,
        bar: Bar::new("", total),
        is_first: true,
    }
}

/// An iterator that shows its progress; made by [`progress`].
pub struct Progress<I> {
    items: I,
    bar: Bar,
    is_first: bool,
}

impl<I> Progress<I> {
    /// Sets the text before the bar.
    ///
    /// # Examples
    ///
    /// ```
    /// use corebook::progress::progress;
    /// assert_eq!(progress(0..3).label("counting").count(), 3);
    /// ```
    pub fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.bar.label);
        self
    }
}

impl<I: Iterator> Iterator for Progress<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.bar.step(!std::mem::take(&mut self.is_first));
        let item = self.items.next();
        if item.is_none() {
            self.bar.end();
        }
        item
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Progress<I> {}

/// The state of one bar. Threads share it.
pub(crate) struct Bar {
    id: u64,
    label: String,
    total: u64,
    started: Instant,
    done: AtomicU64,
    /// When the next state may be shown, in nanoseconds after the start.
    next_ns: AtomicU64,
    has_ended: AtomicBool,
}

impl Bar {
    /// `total`: 0 when unknown.
    pub(crate) fn new(label: &str, total: u64) -> Self {
        static ID: AtomicU64 = AtomicU64::new(1);
        Self {
            id: ID.fetch_add(1, Ordering::Relaxed),
            label: label.to_owned(),
            total,
            started: Instant::now(),
            done: AtomicU64::new(0),
            next_ns: AtomicU64::new(0),
            has_ended: AtomicBool::new(false),
        }
    }

    /// Counts finished items, and shows the bar unless it was shown a moment ago.
    pub(crate) fn add(&self, items: u64) {
        self.done.fetch_add(items, Ordering::Relaxed);
        let now_ns = nanoseconds(self.started.elapsed());
        let next_ns = self.next_ns.load(Ordering::Relaxed);
        let pause_ns = 1_000_000_000 / UPDATES_PER_SECOND;
        let is_due = now_ns >= next_ns
            && self
                .next_ns
                .compare_exchange(
                    next_ns,
                    now_ns + pause_ns,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if is_due {
            self.show(false);
        }
    }

    /// Shows the last state, once.
    pub(crate) fn end(&self) {
        if !self.has_ended.swap(true, Ordering::Relaxed) {
            self.show(true);
        }
    }

    /// Counts at the begin of a round of the loop. `is_done`: whether an earlier round has just finished.
    fn step(&self, is_done: bool) {
        // A loop in a destructor must not begin a second panic.
        if cancel::is_requested() && !std::thread::panicking() {
            self.end();
            let done = self.done.load(Ordering::Relaxed) + u64::from(is_done);
            cancel::stop(&match self.total {
                0 => format!("a loop after {done} items"),
                total => format!("a loop after {done} of {total} items"),
            });
        }
        self.add(u64::from(is_done));
    }

    fn show(&self, ended: bool) {
        let report = ProgressReport {
            id: self.id,
            label: self.label.clone(),
            done: self.done.load(Ordering::Relaxed),
            total: self.total,
            elapsed_ns: nanoseconds(self.started.elapsed()),
            ended,
        };
        if event::in_notebook() {
            event::send(&Event::Progress(report));
        } else if std::io::stderr().is_terminal() {
            let end = if ended { "\n" } else { "" };
            // A closed terminal must not end the program.
            let _ = write!(std::io::stderr(), "\r{}{end}", draw(&report));
        }
    }
}

/// Ends the bar of a loop that did not reach its end.
impl Drop for Bar {
    fn drop(&mut self) {
        self.end();
    }
}

/// Draws a bar as a line of text, without a line break: label, bar, count and time.
fn draw(report: &ProgressReport) -> String {
    const WIDTH: u64 = 20;
    let label = if report.label.is_empty() {
        String::new()
    } else {
        format!("{} ", report.label)
    };
    let seconds = report.elapsed_ns as f64 / 1e9;
    if report.total == 0 {
        return format!("{label}{} items, {seconds:.1} s", report.done);
    }
    let (done, total) = (report.done.min(report.total), report.total);
    let share = done as f64 / total as f64;
    let full = (share * WIDTH as f64) as usize;
    let bar = format!("{}{}", "=".repeat(full), " ".repeat(WIDTH as usize - full));
    format!(
        "{label}{:3}% [{bar}] {done}/{total}, {seconds:.1} s",
        (share * 100.0) as u64
    )
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_share_or_count() {
        let report = |done, total| ProgressReport {
            done,
            total,
            elapsed_ns: 1_500_000_000,
            ..Default::default()
        };
        assert_eq!(
            draw(&report(3, 3)),
            "100% [====================] 3/3, 1.5 s"
        );
        assert_eq!(
            draw(&report(0, 3)),
            "  0% [                    ] 0/3, 1.5 s"
        );
        assert_eq!(draw(&report(7, 0)), "7 items, 1.5 s");
        let half = ProgressReport {
            label: "render".into(),
            ..report(5, 10)
        };
        assert_eq!(
            draw(&half),
            "render  50% [==========          ] 5/10, 1.5 s"
        );
    }

    #[test]
    fn a_loop_counts_what_is_finished() {
        let mut items = progress([1, 2, 3]);
        assert_eq!(items.next(), Some(1));
        assert_eq!(items.bar.done.load(Ordering::Relaxed), 0);
        assert_eq!(items.next(), Some(2));
        assert_eq!(items.bar.done.load(Ordering::Relaxed), 1);
        assert_eq!(items.by_ref().count(), 1);
        assert_eq!(items.bar.done.load(Ordering::Relaxed), 3);
        assert!(items.bar.has_ended.load(Ordering::Relaxed));
    }

    #[test]
    fn a_loop_has_the_length_of_its_items() {
        let mut items = progress([1, 2, 3]).label("three");
        assert_eq!((items.bar.label.as_str(), items.bar.total), ("three", 3));
        items.next();
        assert_eq!((items.size_hint(), items.len()), ((2, Some(2)), 2));
        let some = progress((0..9).filter(|x| x % 2 == 0));
        assert_eq!((some.bar.total, some.size_hint()), (0, (0, Some(9))));
    }

    #[test]
    fn a_bar_waits_a_tenth_of_a_second_between_two_states() {
        let bar = Bar::new("", 3);
        bar.add(1);
        let next_ns = bar.next_ns.load(Ordering::Relaxed);
        let now_ns = nanoseconds(bar.started.elapsed());
        assert!(
            (100_000_000..=now_ns + 100_000_000).contains(&next_ns),
            "{next_ns}"
        );
        // As if that time were far away, and then past.
        bar.next_ns.store(u64::MAX, Ordering::Relaxed);
        bar.add(1);
        assert_eq!(bar.next_ns.load(Ordering::Relaxed), u64::MAX);
        bar.next_ns.store(1, Ordering::Relaxed);
        bar.add(1);
        assert!(bar.next_ns.load(Ordering::Relaxed) >= 100_000_000);
        assert_eq!(bar.done.load(Ordering::Relaxed), 3);
    }
}
