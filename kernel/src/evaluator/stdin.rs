//! Asks the user for a line of input through the client.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use corebook_jupyter::socket_queue::SocketSender;
use corebook_jupyter::wire::{Incoming, Outgoing};
use corebook_processes::ipc::ToSupervisor;
use corebook_processes::link::SupervisorLink;
use jupyter_protocol::{InputReply, InputRequest, JupyterMessageContent};
use serde_json::json;

use super::current_cell::CurrentCell;

/// How often [`StdinPrompt::ask`] checks whether the cell was interrupted.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Asks one question at a time on the stdin socket.
pub struct StdinPrompt {
    stdin: SocketSender,
    /// Sender: the thread `stdin`. Unbounded: a client sends one reply for each request.
    replies: Mutex<Receiver<InputReply>>,
}

/// Why a cell got no input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoInput {
    #[error(
        "this client does not take questions (allow_stdin is false): run the cell where a person can answer"
    )]
    NotAllowed,
    #[error("interrupted while waiting for input")]
    Interrupted,
}

impl StdinPrompt {
    pub fn new(stdin: SocketSender, replies: Receiver<InputReply>) -> Self {
        Self {
            stdin,
            replies: Mutex::new(replies),
        }
    }

    /// Asks for a line and returns it.
    pub fn ask(
        &self,
        prompt: &str,
        is_password: bool,
        cell: &CurrentCell,
    ) -> Result<String, NoInput> {
        let requester = cell.requester().ok_or(NoInput::NotAllowed)?;
        // A panic in another thread leaves the receiver consistent.
        let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        // Drops replies to questions that were given up.
        while replies.try_recv().is_ok() {}
        self.stdin.send(Outgoing {
            content: InputRequest {
                prompt: prompt.to_owned(),
                password: is_password,
            }
            .into(),
            metadata: json!({}),
            parent_header: requester.header,
            identities: requester.identities,
        });
        loop {
            match replies.recv_timeout(LOOK_AGAIN) {
                Ok(reply) => return Ok(reply.value),
                Err(RecvTimeoutError::Timeout)
                    if cell.is_interrupted() || cell.is_kernel_ending() =>
                {
                    return Err(NoInput::Interrupted);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(NoInput::Interrupted),
            }
        }
    }
}

/// Passes a reply from the client to [`StdinPrompt::ask`].
pub fn take(message: Incoming, replies: &Sender<InputReply>) {
    match message.content {
        JupyterMessageContent::InputReply(reply) => {
            // Fails while the kernel is ending.
            let _ = replies.send(reply);
        }
        other => tracing::warn!("stdin: dropped a message of type {}", other.message_type()),
    }
}

/// Asks the client whenever a cell's code reads stdin, and sends the line to the supervisor.
pub fn answer_reads(
    wanted: &Receiver<()>,
    stdin_prompt: &StdinPrompt,
    cell: &CurrentCell,
    supervisor: &SupervisorLink,
) {
    while wanted.recv().is_ok() {
        match stdin_prompt.ask("", false, cell) {
            Ok(line) => supervisor.send(&ToSupervisor::Input { line }),
            Err(reason) => {
                cell.deny_input(reason);
                supervisor.send(&ToSupervisor::NoInput);
            }
        }
    }
}
