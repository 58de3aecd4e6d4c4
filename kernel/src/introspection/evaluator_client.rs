//! Asks the evaluator, with timeouts as long as a user would wait for an answer.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, sync_channel};
use std::time::{Duration, Instant};

use crate::evaluator::Found;
use crate::evaluator::current_cell::{CurrentCell, Phase};
use crate::evaluator::job::Job;

/// How long a request waits for a running cell, counted from the moment it came in.
const BUSY_WAIT: Duration = Duration::from_millis(300);
/// How long a request waits while the kernel is still starting.
const START_WAIT: Duration = Duration::from_secs(60);
/// How long an answer may take. The first one is slow, because rust-analyzer loads what it has not needed before.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Answers one request within its timeout.
pub struct EvaluatorClient<'thread> {
    /// To the evaluator.
    pub jobs: &'thread Sender<Job>,
    pub current_cell: &'thread CurrentCell,
    /// When the request came in.
    pub received: Instant,
    /// The folder to which relative paths in a cell refer.
    pub folder: &'thread Path,
}

impl EvaluatorClient<'_> {
    /// Completions at the byte `offset` of `code`.
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

    /// The documentation of the name at the end of `code`, as evcxr's HTML.
    pub fn hover(&self, code: String) -> Option<String> {
        let (answer, answers) = sync_channel(1);
        self.ask(Job::Inspect { code, answer }, &answers)
    }

    /// The evaluator's answer. None if the evaluator stays busy.
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
        // A cell may have got into the queue before this job. Then the answer would come too late.
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
