//! How long to wait for a cell: when to interrupt it, and when to give up the kernel. Does no I/O and reads no clock:
//! every function takes the time.

use std::time::{Duration, Instant};

/// How long a kernel may warm up before it starts the cell.
const START_WAIT: Duration = Duration::from_secs(300);

/// How long an interrupted cell may take to end. The kernel kills its process after a second by itself, and at once
/// after a second interrupt.
const INTERRUPT_WAIT: Duration = Duration::from_secs(5);

/// How long the kernel may take from reply to idle, or from idle to reply.
const REST_WAIT: Duration = Duration::from_secs(10);

/// The deadlines of one cell.
#[derive(Debug)]
pub struct Timeouts {
    limit: Option<Duration>,
    stage: Stage,
    stage_end: Option<Instant>,
    /// When reply and idle must both have arrived.
    rest_end: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Interrupted,
    InterruptedTwice,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Interrupt,
    GiveUp,
}

impl Timeouts {
    /// To be called when the request is sent.
    ///
    /// * `limit`: how long the cell may take, from when the kernel starts it.
    pub fn new(limit: Option<Duration>, now: Instant) -> Self {
        Self {
            limit,
            stage: Stage::Waiting,
            stage_end: Some(now + START_WAIT),
            rest_end: None,
        }
    }

    /// The kernel has started the cell.
    pub fn cell_started(&mut self, now: Instant) {
        if self.stage == Stage::Waiting {
            self.enter(
                Stage::Running,
                self.limit.and_then(|limit| now.checked_add(limit)),
            );
        }
    }

    /// Reply or idle has arrived.
    pub fn answer_began(&mut self, now: Instant) {
        self.rest_end.get_or_insert(now + REST_WAIT);
    }

    /// When the next step is due.
    pub fn deadline(&self) -> Option<Instant> {
        [self.stage_end, self.rest_end].into_iter().flatten().min()
    }

    /// The step that is due. Each is returned once.
    pub fn due(&mut self, now: Instant) -> Option<Step> {
        let is_over = |end: Option<Instant>| end.is_some_and(|end| now >= end);
        if is_over(self.rest_end) {
            return Some(Step::GiveUp);
        }
        if !is_over(self.stage_end) {
            return None;
        }
        let next = match self.stage {
            Stage::Waiting | Stage::InterruptedTwice => return Some(Step::GiveUp),
            Stage::Running => Stage::Interrupted,
            Stage::Interrupted => Stage::InterruptedTwice,
        };
        self.enter(next, Some(now + INTERRUPT_WAIT));
        Some(Step::Interrupt)
    }

    /// Whether the cell has exceeded its limit.
    pub fn is_exceeded(&self) -> bool {
        matches!(self.stage, Stage::Interrupted | Stage::InterruptedTwice)
    }

    fn enter(&mut self, stage: Stage, end: Option<Instant>) {
        self.stage = stage;
        self.stage_end = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn running(limit: Option<Duration>) -> (Timeouts, Instant) {
        let now = Instant::now();
        let mut timeouts = Timeouts::new(limit, now);
        timeouts.cell_started(now);
        (timeouts, now)
    }

    #[test]
    fn a_cell_without_a_limit_may_take_any_time() {
        let (mut timeouts, now) = running(None);
        assert_eq!(timeouts.deadline(), None);
        assert_eq!(timeouts.due(now + 100_000 * SECOND), None);
    }

    #[test]
    fn warming_up_does_not_count() {
        let now = Instant::now();
        let mut timeouts = Timeouts::new(Some(SECOND), now);
        assert_eq!(timeouts.due(now + 100 * SECOND), None);
        timeouts.cell_started(now + 100 * SECOND);
        assert_eq!(timeouts.deadline(), Some(now + 101 * SECOND));
    }

    #[test]
    fn a_kernel_that_never_starts_the_cell_is_given_up() {
        let now = Instant::now();
        assert_eq!(
            Timeouts::new(None, now).due(now + START_WAIT),
            Some(Step::GiveUp)
        );
    }

    #[test]
    fn a_cell_over_its_limit_is_interrupted_twice_and_then_given_up() {
        let (mut timeouts, start) = running(Some(2 * SECOND));
        assert_eq!(timeouts.due(start + SECOND), None);
        assert!(!timeouts.is_exceeded());
        assert_eq!(timeouts.due(start + 2 * SECOND), Some(Step::Interrupt));
        assert!(timeouts.is_exceeded());
        assert_eq!(timeouts.due(start + 3 * SECOND), None);
        assert_eq!(timeouts.due(start + 7 * SECOND), Some(Step::Interrupt));
        assert_eq!(timeouts.due(start + 12 * SECOND), Some(Step::GiveUp));
    }

    #[test]
    fn a_reply_without_idle_is_given_up() {
        let (mut timeouts, start) = running(None);
        timeouts.answer_began(start);
        timeouts.answer_began(start + SECOND);
        assert_eq!(timeouts.deadline(), Some(start + REST_WAIT));
        assert_eq!(timeouts.due(start + REST_WAIT), Some(Step::GiveUp));
    }
}
