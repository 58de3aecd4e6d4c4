//! What supervisor and kernel tell each other: length-prefixed binary messages on a local socket.

use std::io::{Read, Write};

use corebook::event::Event;
use nanoserde::{DeBin, SerBin};

/// A message longer than this is a broken stream, not a message: events carry pictures, not films.
const LARGEST_MESSAGE: usize = 1 << 30;

/// From the supervisor to the kernel, in the order in which things happened.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum Report {
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
    /// A block in evcxr's `EVCXR_BEGIN_CONTENT` convention.
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
    /// The answer to [`Order::Fence`]: all that happened before it was reported before.
    Fence {
        number: u64,
    },
    /// The worker is gone. `ending` says how.
    Died {
        ending: Ending,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SerBin, DeBin)]
pub enum Ending {
    Exited { code: i32 },
    Signalled { signal: i32 },
}

/// From the kernel to the supervisor.
#[derive(Debug, Clone, PartialEq, SerBin, DeBin)]
pub enum Order {
    /// A cell was asked for: its compile time counts from now.
    CellBegins,
    /// Say when everything up to here is reported.
    Fence { number: u64 },
    /// Ask the running code to stop between items.
    Interrupt,
    /// End the worker now.
    Kill,
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
