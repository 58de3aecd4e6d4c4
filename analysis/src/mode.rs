//! When the analysis process is started.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use corebook_processes::memory;

/// Environment variable with the user's choice.
pub const MODE_VARIABLE: &str = "COREBOOK_ANALYSIS";
/// Value of [`MODE_VARIABLE`] for [`Mode::Off`].
pub const OFF: &str = "off";

/// rust-analyzer needs about 400 MB. With less free memory than this it is not started before somebody needs it.
const EAGER_FROM_BYTES: u64 = 4 << 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// When the kernel is at rest for the first time.
    Eager,
    /// As [`Mode::Eager`] if there is room then, else as [`Mode::Lazy`].
    ByMachine,
    /// At the first question.
    Lazy,
    /// Never.
    Off,
}

impl Mode {
    /// The user's choice, or what fits the machine.
    pub fn choose() -> Self {
        let chosen = std::env::var(MODE_VARIABLE).unwrap_or_default();
        Self::of_text(&chosen).unwrap_or_else(|| {
            if !chosen.is_empty() {
                tracing::warn!("{MODE_VARIABLE}={chosen} is unknown; use eager, lazy or off");
            }
            Self::ByMachine
        })
    }

    fn of_text(text: &str) -> Option<Self> {
        match text {
            "eager" => Some(Self::Eager),
            "lazy" => Some(Self::Lazy),
            OFF => Some(Self::Off),
            _ => None,
        }
    }

    /// Whether the process is started before somebody needs it, at this moment.
    pub fn is_eager_now(self) -> bool {
        match self {
            Self::Eager => true,
            Self::ByMachine => has_room(memory::free_bytes(), count_kernels()),
            Self::Lazy | Self::Off => false,
        }
    }
}

/// * `kernels`: how many kernels run, with this one.
fn has_room(free_bytes: Option<u64>, kernels: usize) -> bool {
    kernels <= 1 && free_bytes.is_some_and(|free| free >= EAGER_FROM_BYTES)
}

/// How many kernels of all users run. Zero on systems without `/proc`.
fn count_kernels() -> usize {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .filter(|command| is_kernel(command))
        .count()
}

/// * `command`: words, each with a zero byte at its end.
fn is_kernel(command: &[u8]) -> bool {
    let mut words = command.split(|&byte| byte == 0);
    let program = words.next().map(|word| Path::new(OsStr::from_bytes(word)));
    let name = program.and_then(Path::file_name);
    name == Some(OsStr::new("corebook")) && words.next() == Some(b"kernel")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_kernel_of_a_machine_with_memory_is_eager() {
        assert!(has_room(Some(8 << 30), 1));
        assert!(!has_room(Some(8 << 30), 2));
        assert!(!has_room(Some(3 << 30), 1));
        assert!(!has_room(None, 1));
        assert!(Mode::Eager.is_eager_now() && !Mode::Lazy.is_eager_now());
        assert_eq!(Mode::of_text("off"), Some(Mode::Off));
        assert_eq!(Mode::of_text("Off"), None);
    }

    #[test]
    fn a_kernel_is_recognised_by_its_command() {
        assert!(is_kernel(b"/a b/corebook\0kernel\0/tmp/c.json\0"));
        for other in [
            &b"corebook\0run\0x\0"[..],
            b"corebook-analysis\0",
            b"python\0kernel\0",
            b"",
        ] {
            assert!(!is_kernel(other));
        }
    }
}
