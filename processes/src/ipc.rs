//! What supervisor and kernel tell each other: length-prefixed binary messages on a local socket.

use std::io::{Read, Write};

use corebook::__private::event::Event;
use nanoserde::{DeBin, SerBin};

/// A message longer than this is a broken stream, not a message: events carry pictures, not films.
const LARGEST_MESSAGE: usize = 1 << 30;

/// From the supervisor to the kernel, in the order in which things happened.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum FromSupervisor {
    /// First message: which process runs the cells.
    Started {
        worker_pid: u32,
    },
    /// A cell's code begins.
    CellStarted,
    Stdout {
        bytes: Vec<u8>,
    },
    Stderr {
        bytes: Vec<u8>,
    },
    Event {
        event: Event,
    },
    /// Content of a type other than text, as evcxr lets cells print it.
    Content {
        mime: String,
        text: String,
    },
    /// The cell ended by a panic.
    Panicked,
    /// The cell ended by a `?`.
    Failed,
    /// The main thread waits for a line of input.
    AwaitsInput,
    /// A cell's code ended; everything it wrote was reported before.
    CellEnded,
    /// The answer to [`ToSupervisor::Barrier`]: all that happened before it was reported before.
    Barrier {
        number: u64,
    },
    /// A cell begins, and whether a checkpoint protects it.
    Checkpoint(Checkpoint),
    /// The worker died in a cell, or while one was compiled. Its checkpoint is the worker now, with all as it was
    /// before the cell.
    Replaced {
        ending: Ending,
        worker_pid: u32,
    },
    /// The worker is gone. `ending` says how.
    Died {
        ending: Ending,
    },
}

/// From the worker to the supervisor, on a pipe of its own: each is written whole.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum FromWorker {
    /// When it was told to make one, and before the code of the cell that is to be protected.
    Checkpoint(Checkpoint),
    /// The checkpoint, which is this process, is the worker from now on.
    TookOver { pid: u32 },
}

/// An attempt to protect a cell.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub struct Checkpoint {
    pub attempt: Attempt,
    /// What the worker had in memory that no file has.
    pub own_bytes: u64,
    /// How long it took.
    pub cost_ns: u64,
}

/// What came of the attempt.
#[derive(Debug, Clone, PartialEq, Eq, SerBin, DeBin)]
pub enum Attempt {
    Made { pid: u32 },
    TooLarge { limit_bytes: u64 },
    Failed { reason: String },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SerBin, DeBin)]
pub enum Ending {
    Exited { code: i32 },
    Signalled { signal: i32 },
}

/// From the kernel to the supervisor.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum ToSupervisor {
    /// A cell was asked for: its compile time counts from now. A checkpoint protects it, from now too, if the
    /// worker has at most so much memory of its own, and at most half of what is free; at 0 none does.
    CellBegins { checkpoint_limit_bytes: u64 },
    /// The cell has ended, if it came to run at all. Say when everything up to here is reported.
    Barrier { number: u64 },
    /// Ask the running code to stop between items.
    Interrupt,
    /// End the cell now, and the worker with it.
    Kill,
    /// End the worker and the supervisor: the kernel ends.
    End,
    /// A line for the code that reads its stdin.
    Input { line: String },
    /// Nobody can be asked for input: reading gives an end of file.
    NoInput,
}

/// Writes one message.
pub fn write_message(mut to: impl Write, message: &impl SerBin) -> std::io::Result<()> {
    let body = message.serialize_bin();
    let mut frame = Vec::with_capacity(4 + body.len());
    let length = u32::try_from(body.len()).map_err(|_| std::io::ErrorKind::FileTooLarge)?;
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&body);
    to.write_all(&frame)
}

/// Reads one message; nothing at the end of the stream.
pub fn read_message<T: DeBin>(mut from: impl Read) -> std::io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LARGEST_MESSAGE {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    T::deserialize_bin(&body)
        .map(Some)
        .map_err(std::io::Error::other)
}
