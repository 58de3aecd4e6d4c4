//! Questions to the evaluator, for as long as a person waits for an answer.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, sync_channel};
use std::time::{Duration, Instant};

use crate::evaluator::Found;
use crate::evaluator::current_cell::{CurrentCell, Phase};
use crate::evaluator::job::Job;

/// How long after it came in a request waits for a running cell.
const BUSY_WAIT: Duration = Duration::from_millis(300);
/// How long it waits for a kernel that is still starting.
const START_WAIT: Duration = Duration::from_secs(60);
/// How long an answer may take: the first one loads what rust-analyzer has not needed before.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Answers one request in the time it has.
pub struct EvaluatorClient<'thread> {
    /// To the evaluator.
    pub jobs: &'thread Sender<Job>,
    pub current_cell: &'thread CurrentCell,
    /// When the request came in.
    pub received: Instant,
    /// Where relative paths in a cell begin.
    pub folder: &'thread Path,
}

impl EvaluatorClient<'_> {
    /// What could be inserted at the byte `offset` of `code`.
    pub fn find(&self, code: String, offset: usize) -> Option<Found> {
        let (answer, answers) = sync_channel(1);
        self.ask(
            Job::Complete {
                code,
                offset,
                answer,
            },
            &answers,
        )
    }

    /// The documentation of the name that `code` ends with, as evcxr's HTML.
    pub fn hover(&self, code: String) -> Option<String> {
        let (answer, answers) = sync_channel(1);
        self.ask(Job::Inspect { code, answer }, &answers)
    }

    /// The evaluator's answer; nothing when it is busy longer than a moment.
    fn ask<T>(&self, job: Job, answers: &Receiver<T>) -> Option<T> {
        let Self {
            current_cell, jobs, ..
        } = self;
        let wait = if current_cell.phase() == Phase::Starting {
            START_WAIT
        } else {
            BUSY_WAIT
        };
        let asked = Instant::now();
        if !current_cell.wait_until_idle(wait.saturating_sub(asked - self.received)) {
            return None;
        }
        jobs.send(job).ok()?;
        // A cell may have been first; then the answer comes after it, too late.
        while asked.elapsed() < ANSWER_WAIT {
            match answers.recv_timeout(BUSY_WAIT) {
                Ok(answer) => return Some(answer),
                Err(RecvTimeoutError::Timeout) if current_cell.phase() == Phase::Idle => {}
                Err(_) => return None,
            }
        }
        None
    }
}
