//! Signals: SIGINT interrupts the running cell, SIGTERM and SIGHUP end the kernel, SIGXFSZ does nothing.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use nix::libc::SIGXFSZ;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::requests::interrupt;
use crate::shared::shutdown::Shutdown;
use crate::shared::subshells::Subshells;

use super::threads::spawn_detached;

/// Starts the thread that handles these signals.
pub fn spawn_thread(
    interrupts: Sender<interrupt::Request>,
    shutdowns: Sender<Shutdown>,
    subshells: Arc<Subshells>,
) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ])?;
    spawn_detached("signals", move || {
        for signal in signals.forever() {
            let is_over = match signal {
                SIGINT => interrupts
                    .send(interrupt::Request {
                        received: subshells.received(),
                    })
                    .is_err(),
                // Sent if a file would exceed the limit on file sizes. The write fails too, so the kernel can go on.
                SIGXFSZ => false,
                _ => shutdowns.send(Shutdown).is_err(),
            };
            if is_over {
                return;
            }
        }
    })?;
    Ok(())
}
