//! Forwards what the worker prints to the kernel, and the lines of evcxr's protocol in it to evcxr. Keeps nothing.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use corebook::__private::event::Event;
use corebook_build::evcxr::{COMPLETE, FAILED, PANICKED};

use super::Relay;
use super::cell_state::CellState;
use super::splitter::{Piece, Protocol};
use crate::ipc::FromSupervisor;

/// The capacity of a pipe on Linux: one read empties a full pipe.
pub(super) const READ_BYTES: usize = 64 * 1024;

impl Relay {
    pub(super) fn forward_stderr(&mut self) -> anyhow::Result<()> {
        let bytes = read_available(&mut self.worker.stderr)?;
        if bytes.is_empty() {
            Ok(())
        } else {
            self.report(&FromSupervisor::Stderr { bytes })
        }
    }

    /// Returns the number of bytes that were read.
    pub(super) fn forward_stdout(&mut self) -> anyhow::Result<usize> {
        let bytes = read_available(&mut self.worker.stdout)?;
        let pieces = self.splitter.push(&bytes);
        self.forward(pieces)?;
        Ok(bytes.len())
    }

    pub(super) fn forward(&mut self, pieces: Vec<Piece>) -> anyhow::Result<()> {
        for piece in pieces {
            match piece {
                Piece::Text(bytes) => self.report(&FromSupervisor::Stdout { bytes })?,
                Piece::Content { mime, text } => {
                    self.report(&FromSupervisor::Content { mime, text })?
                }
                Piece::Event(event) if *event == Event::CellEnded => self.end_cell()?,
                Piece::Event(event) => self.report(&FromSupervisor::Event { event: *event })?,
                Piece::Protocol(Protocol::Panicked) => {
                    self.report(&FromSupervisor::Panicked)?;
                    write_to_evcxr(PANICKED.as_bytes())?;
                }
                Piece::Protocol(Protocol::Failed) => {
                    self.report(&FromSupervisor::Failed)?;
                    write_to_evcxr(FAILED.as_bytes())?;
                }
                Piece::Protocol(Protocol::Other(line)) => {
                    // A request of evcxr's own for input: the wait for the answer is not reported again.
                    self.cell.set_asked_input(true);
                    write_to_evcxr(&line)?;
                }
            }
        }
        Ok(())
    }

    /// Forwards everything that the cell wrote, then reports that it has ended.
    fn end_cell(&mut self) -> anyhow::Result<()> {
        self.forward_stderr()?;
        self.cell = CellState::None;
        self.report(&FromSupervisor::CellEnded)?;
        write_to_evcxr(COMPLETE.as_bytes())?;
        self.worker.release();
        Ok(())
    }
}

pub(super) fn write_to_evcxr(line: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line)?;
    stdout.write_all(b"\n")?;
    stdout.flush()?;
    Ok(())
}

/// The bytes in a non-blocking pipe, at most [`READ_BYTES`].
fn read_available(pipe: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; READ_BYTES];
    match pipe.read(&mut bytes) {
        Ok(read) => {
            bytes.truncate(read);
            Ok(bytes)
        }
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}
