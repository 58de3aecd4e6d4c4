//! Maps whose results come one by one: `imap` in the order of the items, `imap_unordered` as they finish.
//!
//! Results are never copied into the channel: they stay where the workers wrote them until the iterator reads them.
//! Only their positions go through the channel.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::marker::PhantomData;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::handle::Pool;
use super::map::{Shared, ThroughArcMutexOrAtomic};
use super::task::{Background, Failure};
use crate::pool::erased::erased_map::ErasedMap;
use crate::pool::erased::item_slice::{ItemSlice, OwnedSliceFn};
use crate::pool::erased::items::Items;
use crate::pool::erased::memory::Kind;
use crate::pool::schedule::job::{Block, INTERRUPT_CHECK, SERVE_AGAIN};
use crate::pool::schedule::outcome::{End, Outcome};
use crate::pool::threads::panics;
use crate::pool::threads::panics::is_worker;

/// An iterator over the results of [`Pool::imap`], in the order of the items. Dropping it stops the map.
pub struct Imap<R> {
    arrivals: Arrivals,
    /// Positions of results that finished before those of earlier items.
    early: BinaryHeap<Reverse<usize>>,
    next: usize,
    results: PhantomData<R>,
}

/// An iterator over the results of [`Pool::imap_unordered`] with the positions of their items, as they finish.
/// Dropping it stops the map.
pub struct ImapUnordered<R> {
    arrivals: Arrivals,
    left: usize,
    results: PhantomData<R>,
}

/// The end of the channel that an iterator receives from.
struct Arrivals {
    background: Background,
    channel: Arc<Channel>,
}

/// The channel from the workers, which send, to the iterator, which receives. Its bound is one position for each item.
struct Channel {
    map: ErasedMap,
    queue: Mutex<Queue>,
    arrived: Condvar,
}

struct Queue {
    /// Positions of results that have not been read.
    finished: VecDeque<usize>,
    failure: Option<Failure>,
    has_ended: bool,
    /// The iterator is gone: the worker that finishes a result drops it.
    is_abandoned: bool,
}

impl Pool {
    /// Returns an iterator over the results, in the order of the items. The map starts at once, and its first results
    /// come before the last item is done.
    ///
    /// * `f`: as for [`Pool::map`], but it must own what it captures: write `move`, and share with an `Arc`.
    /// * `items`: as for [`Pool::map`].
    ///
    /// Results are kept in memory until they are read.
    ///
    /// # Panics
    ///
    /// When the pool is closed. The iterator panics at the position of an item that panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let first = pool.imap(|x| x * x, 1..1_000_000u64).find(|square| *square > 50);
    /// assert_eq!(first, Some(64));
    /// ```
    #[track_caller]
    pub fn imap<F, I, R>(self, f: F, items: I) -> Imap<R>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Shared<ThroughArcMutexOrAtomic> + Send + 'static,
        R: Send + 'static,
    {
        let arrivals = stream(
            self,
            "pool.imap",
            Items::of(items),
            Kind::of::<R>(),
            mapper(f),
        );
        Imap {
            arrivals,
            early: BinaryHeap::new(),
            next: 0,
            results: PhantomData,
        }
    }

    /// Returns an iterator over pairs of the position of an item and its result, in the order in which they finish.
    ///
    /// * `f`: as for [`Pool::map`], but it must own what it captures: write `move`, and share with an `Arc`.
    /// * `items`: as for [`Pool::map`].
    ///
    /// Results are kept in memory until they are read.
    ///
    /// # Panics
    ///
    /// When the pool is closed. The iterator panics at its end if an item panicked.
    ///
    /// # Examples
    ///
    /// ```
    /// # let pool = corebook::pool::Pool::new(2);
    /// let mut results: Vec<(usize, i32)> = pool.imap_unordered(|x| x * 10, [3, 1, 2]).collect();
    /// results.sort();
    /// assert_eq!(results, [(0, 30), (1, 10), (2, 20)]);
    /// ```
    #[track_caller]
    pub fn imap_unordered<F, I, R>(self, f: F, items: I) -> ImapUnordered<R>
    where
        I: IntoIterator,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> R + Shared<ThroughArcMutexOrAtomic> + Send + 'static,
        R: Send + 'static,
    {
        let items = Items::of(items);
        let left = items.count();
        let arrivals = stream(
            self,
            "pool.imap_unordered",
            items,
            Kind::of::<R>(),
            mapper(f),
        );
        ImapUnordered {
            arrivals,
            left,
            results: PhantomData,
        }
    }
}

/// Makes the function of a slice from a function of one item.
fn mapper<T, R>(f: impl Fn(T) -> R + Send + Sync + 'static) -> Box<OwnedSliceFn> {
    // SAFETY: both callers make the map for these types.
    Box::new(move |slice: &mut ItemSlice| unsafe { slice.map(&f) })
}

#[track_caller]
fn stream(
    pool: Pool,
    verb: &'static str,
    items: Items,
    kind: Kind,
    function: Box<OwnedSliceFn>,
) -> Arrivals {
    let count = items.count();
    let queue = Queue {
        finished: VecDeque::new(),
        failure: None,
        has_ended: false,
        is_abandoned: false,
    };
    let map = ErasedMap::stream(items, kind);
    let channel = Arc::new(Channel {
        map,
        queue: Mutex::new(queue),
        arrived: Condvar::new(),
    });
    let (sender, ended) = (Arc::clone(&channel), Arc::clone(&channel));
    let run = move |block: &mut Block<'_>| {
        let send = |slice: &mut ItemSlice| {
            function(slice);
            sender.send(slice.first);
        };
        // SAFETY: a job hands each slot out once.
        unsafe { sender.map.run_items(block, &send) };
    };
    let on_end = move |outcome: Outcome| {
        // SAFETY: the job has ended. The channel owns the results.
        unsafe { ended.map.drop_untaken(&outcome) };
        let is_complete = matches!(outcome.end, End::Complete);
        ended.end((!is_complete).then(|| Failure::of(verb, count, outcome)));
    };
    Arrivals {
        background: Background::start(pool, verb, count, Box::new(run), Box::new(on_end)),
        channel,
    }
}

impl<R> Iterator for ImapUnordered<R> {
    type Item = (usize, R);

    #[track_caller]
    fn next(&mut self) -> Option<(usize, R)> {
        let index = self.arrivals.receive()?;
        self.left -= 1;
        // SAFETY: the position came out of the channel; the results are of type `R`.
        Some((index, unsafe { self.arrivals.take(index) }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<R> Iterator for Imap<R> {
    type Item = R;

    #[track_caller]
    fn next(&mut self) -> Option<R> {
        let index = self.arrivals.receive_in_order(&mut self.early, self.next)?;
        self.next += 1;
        // SAFETY: the position came out of the channel; the results are of type `R`.
        Some(unsafe { self.arrivals.take(index) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.arrivals.channel.map.items() - self.next))
    }
}

impl<R> Drop for Imap<R> {
    fn drop(&mut self) {
        for Reverse(index) in self.early.drain() {
            // SAFETY: it came out of the channel and was not read.
            unsafe { self.arrivals.channel.map.drop_result(index) };
        }
    }
}

impl Arrivals {
    /// Waits for the position of the next result. `None` after the last one.
    ///
    /// # Panics
    ///
    /// Instead of the end, when the map failed.
    #[track_caller]
    fn receive(&self) -> Option<usize> {
        self.background.help();
        loop {
            let mut queue = self.channel.lock();
            if let Some(index) = queue.finished.pop_front() {
                return Some(index);
            }
            if queue.has_ended {
                let failure = queue.failure.take();
                drop(queue);
                match failure {
                    Some(Failure::Panicked(report)) => panics::raise(report),
                    Some(Failure::Cancelled(message)) => panics::fail(message),
                    None => return None,
                }
            }
            self.wait(queue);
            self.background.check();
        }
    }

    /// Like [`Self::receive`], but waits for position `next`. `early` keeps the later positions that arrive first.
    #[track_caller]
    fn receive_in_order(
        &self,
        early: &mut BinaryHeap<Reverse<usize>>,
        next: usize,
    ) -> Option<usize> {
        while early.peek() != Some(&Reverse(next)) {
            early.push(Reverse(self.receive()?));
        }
        early.pop().map(|Reverse(index)| index)
    }

    /// Reads the result at a position.
    ///
    /// # Safety
    ///
    /// The position came out of the channel, which sends each position once, and was not used before. `R` is the type
    /// of the results.
    unsafe fn take<R>(&self, index: usize) -> R {
        // SAFETY: the channel sends each position once, and only its receiver reads the result.
        unsafe { self.channel.map.result_at(index).cast::<R>().read() }
    }

    fn wait(&self, queue: MutexGuard<'_, Queue>) {
        if is_worker() {
            drop(queue);
            self.background.job.wait_for(SERVE_AGAIN);
        } else {
            drop(self.channel.arrived.wait_timeout(queue, INTERRUPT_CHECK));
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.background.job.cancel();
        let mut queue = self.channel.lock();
        queue.is_abandoned = true;
        let unread = std::mem::take(&mut queue.finished);
        drop(queue);
        for index in unread {
            // SAFETY: the result exists, and only this end of the channel reads.
            unsafe { self.channel.map.drop_result(index) };
        }
    }
}

impl Channel {
    fn send(&self, index: usize) {
        let mut queue = self.lock();
        if queue.is_abandoned {
            drop(queue);
            // SAFETY: the result was just written, and its position was not sent.
            unsafe { self.map.drop_result(index) };
        } else {
            queue.finished.push_back(index);
            self.arrived.notify_one();
        }
    }

    fn end(&self, failure: Option<Failure>) {
        let mut queue = self.lock();
        queue.failure = failure;
        queue.has_ended = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
