//! The signals that matter to a run, as a descriptor to poll. Installs handlers; never acts on a signal.

use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// Catches signals as long as it lives.
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserSignal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM, or SIGHUP because the terminal is gone.
    End,
}

impl Signals {
    pub fn catch() -> std::io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        // SIGCHLD only ends the wait: `take` leaves it out.
        let delivery =
            SignalDelivery::with_pipe(read, write, SignalOnly, [SIGINT, SIGTERM, SIGHUP, SIGCHLD])?;
        Ok(Self { delivery })
    }

    /// Readable when a signal has arrived.
    pub fn fd(&self) -> RawFd {
        self.delivery.get_read().as_raw_fd()
    }

    /// The signals since the last call.
    pub fn take(&mut self) -> Vec<UserSignal> {
        let signal = |signal| match signal {
            SIGINT => Some(UserSignal::Interrupt),
            SIGTERM | SIGHUP => Some(UserSignal::End),
            _ => None,
        };
        self.delivery.pending().filter_map(signal).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::BorrowedFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::signal::{Signal, raise};

    use super::*;

    #[test]
    fn signals_make_the_descriptor_readable_and_are_taken_once() {
        let mut signals = Signals::catch().unwrap();
        for (signal, expected) in [
            (Signal::SIGHUP, Some(UserSignal::End)),
            (Signal::SIGTERM, Some(UserSignal::End)),
            (Signal::SIGINT, Some(UserSignal::Interrupt)),
            (Signal::SIGCHLD, None),
        ] {
            raise(signal).unwrap();
            // SAFETY: `signals` owns the descriptor and outlives this block.
            let descriptor = unsafe { BorrowedFd::borrow_raw(signals.fd()) };
            let mut descriptors = [PollFd::new(descriptor, PollFlags::POLLIN)];
            let ready = poll(&mut descriptors, PollTimeout::from(10_000_u16)).unwrap();
            assert_eq!(ready, 1, "{signal}");
            assert_eq!(signals.take(), Vec::from_iter(expected), "{signal}");
        }
        assert_eq!(signals.take(), []);
    }
}
