//! Runs one cell in a session: sends its request and waits for reply and idle. Does not decide whether it passed.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use corebook_jupyter::client::Channel;
use corebook_jupyter::wire::Incoming;
use jupyter_protocol::{
    ExecuteReply, ExecutionState, JupyterMessageContent, ReplyError, ReplyStatus,
};

use super::output::Output;
use super::session::{Event, Session};
use super::signals::UserSignal;
use super::timeouts::{Step, Timeouts};
use super::verdict::Ending;

/// What a running cell has to show.
pub enum Report {
    Output(Output),
    /// A line of the kernel's log.
    Log(String),
    /// Ctrl-C was pressed, and the cell is asked to stop.
    Interrupting,
}

/// Why a session can't go on.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error("the kernel {how}")]
    Died { how: String },
    #[error("the kernel does not answer any more")]
    Silent,
    /// A second Ctrl-C, or a signal to end.
    #[error("stopped")]
    Stopped,
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// Runs `source` and waits until it has ended.
///
/// * `limit`: how long it may take before it is interrupted.
/// * `show`: called with each report as it comes; its errors end the wait.
pub fn run(
    session: &mut Session,
    source: &str,
    limit: Option<Duration>,
    show: &mut dyn FnMut(Report) -> anyhow::Result<()>,
) -> Result<Ending, Lost> {
    let id = session.execute(source)?;
    let mut running = Running {
        id,
        reply: None,
        is_idle: false,
        is_interrupted: false,
        timeouts: Timeouts::new(limit, Instant::now()),
    };
    loop {
        match session.next(running.timeouts.deadline())? {
            Event::Message(channel, message) => running.take(channel, *message, show)?,
            Event::Log(line) => show(Report::Log(line))?,
            Event::UserSignal(UserSignal::Interrupt) if !running.is_interrupted => {
                running.is_interrupted = true;
                show(Report::Interrupting)?;
                session.interrupt()?;
            }
            Event::UserSignal(UserSignal::Interrupt | UserSignal::End) => {
                return Err(Lost::Stopped);
            }
            Event::Died(how) => return Err(Lost::Died { how }),
            Event::TimeIsUp => match running.timeouts.due(Instant::now()) {
                Some(Step::Interrupt) => session.interrupt()?,
                Some(Step::GiveUp) => return Err(Lost::Silent),
                None => {}
            },
        }
        if running.is_idle
            && let Some(reply) = running.reply.take()
        {
            return Ok(running.ending(reply, limit));
        }
    }
}

/// A cell whose reply or idle has not arrived.
struct Running {
    id: String,
    reply: Option<ExecuteReply>,
    is_idle: bool,
    is_interrupted: bool,
    timeouts: Timeouts,
}

impl Running {
    fn take(
        &mut self,
        channel: Channel,
        message: Incoming,
        show: &mut dyn FnMut(Report) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if message.parent_id != self.id {
            return Ok(());
        }
        match (channel, message.content) {
            (Channel::Shell, JupyterMessageContent::ExecuteReply(reply)) => {
                self.reply = Some(reply);
                self.timeouts.answer_began(Instant::now());
            }
            (Channel::Iopub, JupyterMessageContent::ExecuteInput(_)) => {
                self.timeouts.cell_started(Instant::now());
            }
            (Channel::Iopub, JupyterMessageContent::Status(status))
                if status.execution_state == ExecutionState::Idle =>
            {
                self.is_idle = true;
                self.timeouts.answer_began(Instant::now());
            }
            (Channel::Iopub, content) => {
                if let Some(output) = Output::of(content) {
                    show(Report::Output(output)).context("can't show an output")?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn ending(&self, reply: ExecuteReply, limit: Option<Duration>) -> Ending {
        Ending {
            execution_count: Some(reply.execution_count.0),
            error: error_of(reply),
            exceeded_s: limit
                .filter(|_| self.timeouts.is_exceeded())
                .map(|limit| limit.as_secs_f64()),
            is_interrupted: self.is_interrupted,
        }
    }
}

fn error_of(reply: ExecuteReply) -> Option<ReplyError> {
    let unnamed = |name: &str| ReplyError {
        ename: name.to_owned(),
        ..ReplyError::default()
    };
    match reply.status {
        ReplyStatus::Ok => None,
        ReplyStatus::Error => Some(reply.error.map_or_else(|| unnamed("Error"), |error| *error)),
        ReplyStatus::Aborted => Some(unnamed("Aborted")),
    }
}
