//! The messages between kernel, supervisor and worker, and how they are written: as binary data after its length.

use std::io::{Read, Write};

use corebook::__private::event::Event;
use nanoserde::{DeBin, SerBin};

/// A longer message means that the stream is broken. The largest messages are events with pictures.
const LARGEST_MESSAGE: usize = 1 << 30;

/// From the supervisor to the kernel, in the order of what they report.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum FromSupervisor {
    /// The first message: which process runs the cells.
    Started {
        worker_pid: u32,
    },
    /// The code of a cell starts.
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
    /// Content that is not text, printed as evcxr lets cells print it.
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
    /// The code of a cell ended. Everything that it wrote was reported before.
    CellEnded,
    /// The answer to [`ToSupervisor::Barrier`]: everything that happened before it was reported before.
    Barrier {
        number: u64,
    },
    /// Whether a checkpoint protects the cell that starts.
    Checkpoint(Checkpoint),
    /// The worker died in a cell, or while one was compiled. Its checkpoint is the worker now, in the state from before
    /// the cell.
    Replaced {
        ending: Ending,
        worker_pid: u32,
    },
    /// The worker died, and no checkpoint takes over.
    Died {
        ending: Ending,
    },
}

/// From the worker to the supervisor, on a pipe that carries nothing else. Each is written in one piece.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum FromWorker {
    /// The outcome of `PROTECT`, sent before the code of the protected cell starts.
    Checkpoint(Checkpoint),
    /// The checkpoint, which is this process, is the worker from now on.
    TookOver { pid: u32 },
}

/// An attempt to protect a cell.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub struct Checkpoint {
    pub attempt: Attempt,
    /// How much memory the worker had that is not backed by a file.
    pub own_bytes: u64,
    /// How long the attempt took.
    pub cost_ns: u64,
}

/// The outcome of the attempt.
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
    /// A cell was requested: its compile time counts from now. A checkpoint is made for it now, unless the worker has
    /// more memory of its own than this, or more than half of the free memory. With 0 none is made.
    CellBegins { checkpoint_limit_bytes: u64 },
    /// The cell has ended, if it ran at all. Answer when everything up to here is reported.
    Barrier { number: u64 },
    /// Ask the running code to stop, between two items.
    Interrupt,
    /// Kill the worker, and the cell with it.
    Kill,
    /// End the worker and the supervisor, because the kernel ends.
    End,
    /// A line for the code that reads its stdin.
    Input { line: String },
    /// The client can't be asked for input: reading returns an end of file.
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

/// Reads one message. Returns `None` at the end of the stream.
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
