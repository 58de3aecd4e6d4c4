//! Maps whose results come one by one: `imap` in the order of the items, `imap_unordered` as they finish.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::items::Supply;
use super::job::{Block, End, Outcome, SERVE_AGAIN};
use super::map::{Shared, ThroughArcMutexOrAtomic};
use super::panics::is_worker;
use super::task::{Background, Failure, LOOK_UP};
use super::{Pool, panics};

/// The results of [`Pool::imap`], in the order of the items. Dropping it stops the map.
pub struct Imap<R> {
    arrivals: ImapUnordered<R>,
    /// Results that came before those of earlier items.
    early: BTreeMap<usize, R>,
    next: usize,
}

/// The results of [`Pool::imap_unordered`] with the positions of their items, as they finish. Dropping
/// it stops the map.
pub struct ImapUnordered<R> {
    work: Background,
    channel: Arc<Channel<R>>,
    left: usize,
}

/// From the workers to the iterator; as long as there are results.
struct Channel<R> {
    queue: Mutex<Queue<R>>,
    arrived: Condvar,
}

struct Queue<R> {
    results: VecDeque<(usize, R)>,
    failure: Option<Failure>,
    has_ended: bool,
}

impl Pool {
    /// An iterator over the results, in the order of the items. The map starts at once, and its first
    /// results are there before the last item is done.
    ///
    /// What the closure captures must be its own: write `move`, and share with an `Arc`.
    ///
    /// # Panics
    ///
    /// When the pool is closed. The iterator panics where an item did.
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
        let arrivals = stream(self, "pool.imap", f, Supply::new(items));
        Imap {
            arrivals,
            early: BTreeMap::new(),
            next: 0,
        }
    }

    /// An iterator over pairs of an item's position and its result, in the order in which they finish.
    ///
    /// What the closure captures must be its own: write `move`, and share with an `Arc`.
    ///
    /// # Panics
    ///
    /// When the pool is closed. The iterator panics at its end when an item did.
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
        stream(self, "pool.imap_unordered", f, Supply::new(items))
    }
}

#[track_caller]
fn stream<T, R>(
    pool: Pool,
    verb: &'static str,
    f: impl Fn(T) -> R + Send + Sync + 'static,
    supply: Supply<T>,
) -> ImapUnordered<R>
where
    T: Send + 'static,
    R: Send + 'static,
{
    let count = supply.count();
    let supply = Arc::new(supply);
    let queue = Queue {
        results: VecDeque::new(),
        failure: None,
        has_ended: false,
    };
    let channel = Arc::new(Channel {
        queue: Mutex::new(queue),
        arrived: Condvar::new(),
    });
    let (items, results) = (Arc::clone(&supply), Arc::clone(&channel));
    let run = move |block: &mut Block| {
        let step = |index, item| {
            results.push(index, f(item));
            true
        };
        // SAFETY: a job hands each unit out once, and units are items here.
        unsafe { items.take(block.units.clone(), &mut block.failed, step) };
    };
    let ended = Arc::clone(&channel);
    let on_end = move |outcome: Outcome| {
        supply.drop_untaken(&outcome.taken);
        let is_complete = matches!(outcome.end, End::Complete);
        ended.end((!is_complete).then(|| Failure::of(verb, count, outcome)));
    };
    let work = Background::start(pool, verb, count, Box::new(run), Box::new(on_end));
    ImapUnordered {
        work,
        channel,
        left: count,
    }
}

impl<R> Iterator for ImapUnordered<R> {
    type Item = (usize, R);

    #[track_caller]
    fn next(&mut self) -> Option<(usize, R)> {
        let result = self.receive();
        self.left -= usize::from(result.is_some());
        if result.is_none() {
            self.fail_if_failed();
        }
        result
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<R> Iterator for Imap<R> {
    type Item = R;

    #[track_caller]
    fn next(&mut self) -> Option<R> {
        loop {
            if let Some(result) = self.early.remove(&self.next) {
                self.next += 1;
                return Some(result);
            }
            match self.arrivals.receive() {
                Some((index, result)) => drop(self.early.insert(index, result)),
                None => {
                    self.arrivals.fail_if_failed();
                    return None;
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.arrivals.work.items() - self.next))
    }
}

impl<R> ImapUnordered<R> {
    /// Waits for the next result; nothing when there will be none.
    #[track_caller]
    fn receive(&self) -> Option<(usize, R)> {
        self.work.help();
        loop {
            let mut queue = self.channel.lock();
            if let Some(result) = queue.results.pop_front() {
                return Some(result);
            }
            if queue.has_ended {
                return None;
            }
            self.wait(queue);
            self.work.check();
        }
    }

    fn wait(&self, queue: MutexGuard<'_, Queue<R>>) {
        if is_worker() {
            drop(queue);
            self.work.job.wait_for(SERVE_AGAIN);
        } else {
            drop(self.channel.arrived.wait_timeout(queue, LOOK_UP));
        }
    }

    #[track_caller]
    fn fail_if_failed(&self) {
        let failure = self.channel.lock().failure.take();
        match failure {
            Some(Failure::Panicked(report)) => panics::raise(report),
            Some(Failure::Cancelled(message)) => panics::fail(message),
            None => {}
        }
    }
}

impl<R> Drop for ImapUnordered<R> {
    fn drop(&mut self) {
        self.work.job.cancel();
    }
}

impl<R> Channel<R> {
    fn push(&self, index: usize, result: R) {
        self.lock().results.push_back((index, result));
        self.arrived.notify_one();
    }

    fn end(&self, failure: Option<Failure>) {
        let mut queue = self.lock();
        queue.failure = failure;
        queue.has_ended = true;
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue<R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
