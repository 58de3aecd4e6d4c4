//! How long a cell is waited for: when to interrupt it, and when to give the kernel up. Pure; told the time.

use std::time::{Duration, Instant};

/// How long a kernel may warm up before it takes the cell up.
const START_WAIT: Duration = Duration::from_secs(300);

/// How long an interrupted cell may take to end. The kernel stops it harder after a second by itself, and
/// at once when interrupted again.
const INTERRUPT_WAIT: Duration = Duration::from_secs(5);

/// How long the rest of an answer may take once a part is there.
const REST_WAIT: Duration = Duration::from_secs(10);

/// The clock of one cell.
#[derive(Debug)]
pub struct Timeouts {
    limit: Option<Duration>,
    stage: Stage,
    stage_end: Option<Instant>,
    /// When the answer must be complete.
    rest_end: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Interrupted,
    InterruptedTwice,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Interrupt,
    GiveUp,
}

impl Timeouts {
    /// A request was sent. `limit`: for the cell itself, from when the kernel takes it up.
    pub fn new(limit: Option<Duration>, now: Instant) -> Self {
        Self {
            limit,
            stage: Stage::Waiting,
            stage_end: Some(now + START_WAIT),
            rest_end: None,
        }
    }

    /// The kernel has taken the cell up.
    pub fn cell_started(&mut self, now: Instant) {
        if self.stage == Stage::Waiting {
            self.enter(
                Stage::Running,
                self.limit.and_then(|limit| now.checked_add(limit)),
            );
        }
    }

    /// A part of the answer is there.
    pub fn answer_began(&mut self, now: Instant) {
        self.rest_end.get_or_insert(now + REST_WAIT);
    }

    /// When something will be due next.
    pub fn deadline(&self) -> Option<Instant> {
        [self.stage_end, self.rest_end].into_iter().flatten().min()
    }

    /// What is due, once.
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

    /// Whether the cell took longer than its limit.
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
    fn a_cell_without_a_limit_is_waited_for() {
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
    fn a_kernel_that_never_takes_the_cell_up_is_given_up() {
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
    fn half_an_answer_is_not_waited_on_for_ever() {
        let (mut timeouts, start) = running(None);
        timeouts.answer_began(start);
        timeouts.answer_began(start + SECOND);
        assert_eq!(timeouts.deadline(), Some(start + REST_WAIT));
        assert_eq!(timeouts.due(start + REST_WAIT), Some(Step::GiveUp));
    }
}
