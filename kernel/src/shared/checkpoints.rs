//! Decides which cells a checkpoint protects, and renders `%checkpoint status`. Makes no checkpoint: the worker does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use corebook_magics::magic::CheckpointCommand;
use corebook_processes::ipc::{Attempt, Checkpoint};
use corebook_processes::memory::free_bytes;

/// Whether this system supports checkpoints.
const ARE_POSSIBLE: bool = cfg!(target_os = "linux");

/// The initial limit. In the worst case, a checkpoint doubles the memory of the worker.
const LIMIT_AT_FIRST_BYTES: u64 = 256 << 20;

/// The user's choice and the last attempt. The evaluator reads it, and the outputs thread updates it.
#[derive(Debug)]
pub struct Checkpoints(Mutex<State>);

#[derive(Debug)]
struct State {
    is_on: bool,
    limit_bytes: u64,
    last: Option<Checkpoint>,
    /// Whether the user has been informed that cells are no longer protected.
    is_noted: bool,
}

impl Checkpoints {
    pub fn new() -> Self {
        Self(Mutex::new(State {
            is_on: ARE_POSSIBLE,
            limit_bytes: LIMIT_AT_FIRST_BYTES,
            last: None,
            is_noted: false,
        }))
    }

    /// The maximum size of the worker, in bytes, for which the cell that now begins gets a checkpoint. 0 means none.
    /// The supervisor lowers the limit if little memory is free.
    ///
    /// * `is_timing`: whether the cell measures time. Such a cell gets no checkpoint, because the time would include
    ///   the copying of pages to which it writes.
    pub fn limit_bytes(&self, is_timing: bool) -> u64 {
        let state = self.state();
        if is_timing || !state.is_on {
            return 0;
        }
        state.limit_bytes
    }

    /// Executes a `%checkpoint` command. Returns its output.
    pub fn obey(&self, command: CheckpointCommand) -> String {
        let mut state = self.state();
        match command {
            _ if !ARE_POSSIBLE => return NOT_POSSIBLE.to_owned(),
            CheckpointCommand::On => state.is_on = true,
            CheckpointCommand::Off => state.is_on = false,
            CheckpointCommand::Limit { bytes } => {
                state.limit_bytes = bytes;
                state.is_noted = false;
            }
            CheckpointCommand::Status => {}
        }
        match command {
            CheckpointCommand::Status => state.status_text(free_bytes()),
            _ => state.first_line(),
        }
    }

    /// Remembers an attempt. Returns a note to show in the cell if cells are no longer protected.
    pub fn note(&self, checkpoint: Checkpoint) -> Option<String> {
        let mut state = self.state();
        let own = size(checkpoint.own_bytes);
        let note = match &checkpoint.attempt {
            Attempt::Made { .. } => None,
            Attempt::TooLarge { limit_bytes } if *limit_bytes < state.limit_bytes => Some(format!(
                "no checkpoint from here on: the process has {own} of memory, and half of what is free is {}. A cell that dies now takes all variables with it.\n",
                size(*limit_bytes)
            )),
            Attempt::TooLarge { limit_bytes } => Some(format!(
                "no checkpoint from here on: the process has {own} of memory, more than the limit of {}. A cell that dies now takes all variables with it; %checkpoint limit {} raises the limit.\n",
                size(*limit_bytes),
                enough_for(checkpoint.own_bytes)
            )),
            Attempt::Failed { reason } => Some(format!(
                "no checkpoint: {reason}. A cell that dies now takes all variables with it.\n"
            )),
        };
        state.last = Some(checkpoint);
        let was_noted = std::mem::replace(&mut state.is_noted, note.is_some());
        note.filter(|_| !was_noted)
    }

    /// Forgets the last attempt, because a new worker has started.
    pub fn forget(&self) {
        let mut state = self.state();
        state.last = None;
        state.is_noted = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in another thread leaves these plain values consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NOT_POSSIBLE: &str =
    "checkpoints: not on this system, so a cell that dies takes all variables with it";

impl State {
    fn first_line(&self) -> String {
        match self.is_on {
            true => format!("checkpoints: on, limit {}", size(self.limit_bytes)),
            false => "checkpoints: off, so a cell that dies takes all variables with it".to_owned(),
        }
    }

    fn status_text(&self, free_bytes: Option<u64>) -> String {
        let mut lines = vec![self.first_line()];
        if let Some(last) = &self.last {
            let cost_ms = last.cost_ns as f64 / 1e6;
            let own = size(last.own_bytes);
            lines.push(match &last.attempt {
                Attempt::Made { .. } => {
                    format!("last checkpoint: {own} of memory, made in {cost_ms:.2} ms")
                }
                Attempt::TooLarge { limit_bytes } => format!(
                    "last checkpoint: none, because {own} of memory are more than {}",
                    size(*limit_bytes)
                ),
                Attempt::Failed { reason } => format!("last checkpoint: none, because {reason}"),
            });
        }
        if let Some(free_bytes) = free_bytes {
            lines.push(format!("free memory: {}", size(free_bytes)));
        }
        lines.push(match self.is_on {
            true => "protected: all variables, in cells without a timing magic".to_owned(),
            false => "protected: nothing".to_owned(),
        });
        lines.join("\n")
    }
}

/// Formats a size with three significant digits and a unit.
fn size(bytes: u64) -> String {
    let units = [(1u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} bytes");
    };
    let value = bytes as f64 / unit as f64;
    let decimals = match value {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text} {name}")
}

/// A round size with room for `bytes` to grow, in the format of `%checkpoint limit`.
fn enough_for(bytes: u64) -> String {
    size(bytes.saturating_mul(3).div_ceil(2).next_power_of_two()).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(attempt: Attempt, own_mib: u64) -> Checkpoint {
        Checkpoint {
            attempt,
            own_bytes: own_mib << 20,
            cost_ns: 420_000,
        }
    }

    fn too_large(own_mib: u64) -> Checkpoint {
        let limit_bytes = LIMIT_AT_FIRST_BYTES;
        attempt(Attempt::TooLarge { limit_bytes }, own_mib)
    }

    #[test]
    fn the_note_is_shown_once_when_protection_ends() {
        let checkpoints = Checkpoints::new();
        assert_eq!(
            checkpoints.note(attempt(Attempt::Made { pid: 7 }, 12)),
            None
        );
        let note = checkpoints.note(too_large(300)).expect("it begins");
        assert_eq!(
            note,
            "no checkpoint from here on: the process has 300 MiB of memory, more than the limit of 256 MiB. \
             A cell that dies now takes all variables with it; %checkpoint limit 512MiB raises the limit.\n"
        );
        assert_eq!(checkpoints.note(too_large(301)), None);
        assert_eq!(
            checkpoints.note(attempt(Attempt::Made { pid: 8 }, 12)),
            None
        );
        assert!(checkpoints.note(too_large(300)).is_some());
    }

    #[test]
    fn little_free_memory_is_reported() {
        let limit_bytes = 64 << 20;
        let note = Checkpoints::new().note(attempt(Attempt::TooLarge { limit_bytes }, 100));
        assert_eq!(
            note.as_deref(),
            Some(
                "no checkpoint from here on: the process has 100 MiB of memory, and half of what is free is \
                 64 MiB. A cell that dies now takes all variables with it.\n"
            )
        );
    }

    #[test]
    fn timing_cells_and_off_have_a_limit_of_zero() {
        let checkpoints = Checkpoints::new();
        assert_eq!(checkpoints.limit_bytes(true), 0);
        assert!(checkpoints.limit_bytes(false) > 0);
        checkpoints.obey(CheckpointCommand::Limit { bytes: 4096 });
        assert_eq!(checkpoints.limit_bytes(false), 4096);
        checkpoints.obey(CheckpointCommand::Off);
        assert_eq!(checkpoints.limit_bytes(false), 0);
    }

    #[test]
    fn status_shows_memory_cost_and_what_is_protected() {
        let mut state = State {
            is_on: true,
            limit_bytes: LIMIT_AT_FIRST_BYTES,
            last: None,
            is_noted: false,
        };
        assert_eq!(
            state.status_text(None),
            "checkpoints: on, limit 256 MiB\nprotected: all variables, in cells without a timing magic"
        );
        state.last = Some(attempt(Attempt::Made { pid: 7 }, 12));
        assert_eq!(
            state.status_text(Some(5 << 30)),
            "checkpoints: on, limit 256 MiB\n\
             last checkpoint: 12 MiB of memory, made in 0.42 ms\n\
             free memory: 5 GiB\n\
             protected: all variables, in cells without a timing magic"
        );
        state.last = Some(too_large(300));
        state.is_on = false;
        assert_eq!(
            state.status_text(None),
            "checkpoints: off, so a cell that dies takes all variables with it\n\
             last checkpoint: none, because 300 MiB of memory are more than 256 MiB\n\
             protected: nothing"
        );
    }

    #[test]
    fn sizes_have_three_digits() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (12_900_000, "12.3 MiB"),
            (256 << 20, "256 MiB"),
            (1 << 30, "1 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(enough_for(300 << 20), "512MiB");
        assert_eq!(enough_for(900 << 20), "2GiB");
    }
}
