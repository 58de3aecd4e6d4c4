//! The signals that a run cares about, as something to poll. Installs handlers; acts on nothing.

use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// Catches Ctrl-C and the end of the child from now on.
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

/// What the person at the terminal, or the system, wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserSignal {
    /// Ctrl-C.
    Interrupt,
    /// The terminal is gone, or `kill`.
    End,
}

impl Signals {
    pub fn catch() -> std::io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        // SIGCHLD is for waking up only.
        let delivery =
            SignalDelivery::with_pipe(read, write, SignalOnly, [SIGINT, SIGTERM, SIGHUP, SIGCHLD])?;
        Ok(Self { delivery })
    }

    /// Readable when a signal came.
    pub fn fd(&self) -> RawFd {
        self.delivery.get_read().as_raw_fd()
    }

    /// The wishes since the last call.
    pub fn take(&mut self) -> Vec<UserSignal> {
        let signal = |signal| match signal {
            SIGINT => Some(UserSignal::Interrupt),
            SIGTERM | SIGHUP => Some(UserSignal::End),
            _ => None,
        };
        self.delivery.pending().filter_map(signal).collect()
    }
}
