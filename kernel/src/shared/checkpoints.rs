//! Which cells a checkpoint protects, and what `%checkpoint status` tells of it.
//!
//! Decides and remembers; the worker makes the checkpoints.

use std::sync::{Mutex, MutexGuard, PoisonError};

use corebook_magics::magic::CheckpointCommand;
use corebook_processes::ipc::{Attempt, Checkpoint};
use corebook_processes::memory::free_bytes;

/// Whether this system has what checkpoints are made with.
const ARE_POSSIBLE: bool = cfg!(target_os = "linux");

/// A checkpoint can come to take as much memory again as the process it is made of.
const LIMIT_AT_FIRST_BYTES: u64 = 256 << 20;

/// What the user has chosen, and how the last attempt went. Shared by the evaluator, which asks, and the
/// outputs thread, which is told.
#[derive(Debug)]
pub struct Checkpoints(Mutex<State>);

#[derive(Debug)]
struct State {
    is_on: bool,
    limit_bytes: u64,
    last: Option<Checkpoint>,
    /// Whether it was said that cells are no longer protected.
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

    /// How large the worker may be for a checkpoint of the cell that now begins, in bytes; 0 for none. The
    /// supervisor allows less if little memory is free.
    ///
    /// * `is_timing`: whether the cell measures. Copying pages that it writes to would be in the figure.
    pub fn limit_bytes(&self, is_timing: bool) -> u64 {
        let state = self.state();
        if is_timing || !state.is_on {
            return 0;
        }
        state.limit_bytes
    }

    /// Does what `%checkpoint` asks for, and says so.
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
            CheckpointCommand::Status => state.text(free_bytes()),
            _ => state.first_line(),
        }
    }

    /// Remembers an attempt. Returns what the cell's author should read: that from here on cells are not
    /// protected.
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

    /// A new worker holds no variables.
    pub fn forget(&self) {
        let mut state = self.state();
        state.last = None;
        state.is_noted = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves these plain values whole.
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

    fn text(&self, free_bytes: Option<u64>) -> String {
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

/// Three significant digits and a unit.
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

/// A round size that `bytes` fit in with room to grow, as `%checkpoint limit` takes it.
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
    fn the_note_comes_once_when_protection_ends() {
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
    fn little_free_memory_is_said() {
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
    fn timing_cells_and_off_have_no_limit_to_fit_in() {
        let checkpoints = Checkpoints::new();
        assert_eq!(checkpoints.limit_bytes(true), 0);
        assert!(checkpoints.limit_bytes(false) > 0);
        checkpoints.obey(CheckpointCommand::Limit { bytes: 4096 });
        assert_eq!(checkpoints.limit_bytes(false), 4096);
        checkpoints.obey(CheckpointCommand::Off);
        assert_eq!(checkpoints.limit_bytes(false), 0);
    }

    #[test]
    fn status_tells_memory_cost_and_what_is_protected() {
        let mut state = State {
            is_on: true,
            limit_bytes: LIMIT_AT_FIRST_BYTES,
            last: None,
            is_noted: false,
        };
        assert_eq!(
            state.text(None),
            "checkpoints: on, limit 256 MiB\nprotected: all variables, in cells without a timing magic"
        );
        state.last = Some(attempt(Attempt::Made { pid: 7 }, 12));
        assert_eq!(
            state.text(Some(5 << 30)),
            "checkpoints: on, limit 256 MiB\n\
             last checkpoint: 12 MiB of memory, made in 0.42 ms\n\
             free memory: 5 GiB\n\
             protected: all variables, in cells without a timing magic"
        );
        state.last = Some(too_large(300));
        state.is_on = false;
        assert_eq!(
            state.text(None),
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
