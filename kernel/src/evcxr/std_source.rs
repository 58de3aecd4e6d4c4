//! Controls how much of the standard library's source rust-analyzer reads, and when.
//!
//! rust-analyzer infers the types of variables from that source. Reading it takes 3 s and about 200 MB. A cell that
//! declares no variable, or only variables with a written type, does not need it. So a kernel starts without it, reads
//! it when idle or when a cell needs it, and leaves out `std::arch`, a third of the source, until a cell mentions it.
//!
//! evcxr 0.22 makes rust-analyzer read the source as soon as it evaluates anything, twice if a dependency is added, and
//! again whenever the manifest has changed. There is no setting for this. So `RUSTC` first names a file that does not
//! exist (evcxr itself passes the real one to cargo); later, changes to the manifest that mean nothing to cargo make
//! rust-analyzer read again. To be dropped when evcxr can delay the reading.

use std::path::PathBuf;

use corebook_build::{Session, Template};
use corebook_magics::inference::{has_untyped_let, has_word};
use corebook_processes::environment::{remove_variable, set_variable};
use evcxr::CommandContext;

/// What rust-analyzer has read, and how to make it read more.
pub struct StdSource {
    level: Loaded,
    /// Whether the source is installed. If it is not, nothing is loaded: rust-analyzer would let rustup install it.
    is_there: bool,
    rustc: PathBuf,
    opt_level: &'static str,
    runtime: (String, String),
}

/// How much of the source is loaded, or needed by a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loaded {
    None,
    /// All but `std::arch`.
    WithoutArch,
    All,
}

impl Loaded {
    /// How much `code` needs. Commands of evcxr may need anything.
    pub fn of(code: &str) -> Self {
        let is_command = |line: &str| line.starts_with(':') && !line.starts_with("::");
        if has_word(code, "arch") {
            Self::All
        } else if has_untyped_let(code) || code.lines().map(str::trim_start).any(is_command) {
            Self::WithoutArch
        } else {
            Self::None
        }
    }
}

/// The variable that names the path of the source for rust-analyzer.
pub(super) const SOURCE_VARIABLE: &str = "RUST_SRC_PATH";

/// The manifest's `opt-level` while nothing is loaded: the same value for cargo, but a different text.
pub fn starting_opt_level(template: &Template) -> String {
    format!("{} ", template.opt_level())
}

impl StdSource {
    /// Must be called before evcxr is started. evcxr must then be given [`starting_opt_level`].
    pub fn new(template: &Template, session: &Session) -> Self {
        set_variable("RUSTC", "no-library-yet".into());
        let source = session.library_source();
        let is_there = source.is_some();
        if let Some(source) = source {
            set_variable(SOURCE_VARIABLE, source.into());
        }
        Self {
            level: Loaded::None,
            is_there,
            rustc: template.toolchain().rustc.clone(),
            opt_level: template.opt_level(),
            runtime: template.dependencies()[0].clone(),
        }
    }

    /// Makes rust-analyzer read at least `level` when evcxr next analyses code. Returns whether that is more than
    /// before.
    pub fn load(
        &mut self,
        level: Loaded,
        context: &mut CommandContext,
    ) -> Result<bool, evcxr::Error> {
        let before = self.level;
        if level <= before || !self.is_there {
            return Ok(false);
        }
        self.level = level;
        if before == Loaded::None {
            set_variable("RUSTC", self.rustc.clone().into());
            // The notebook can't have chosen another level yet: `:opt` is a command, which loads the source first.
            context.set_opt_level(self.opt_level)?;
        }
        if level == Loaded::All {
            remove_variable(SOURCE_VARIABLE);
        }
        if level == Loaded::All && before == Loaded::WithoutArch {
            let (name, config) = &self.runtime;
            let config = config.replacen("{ ", "{", 1);
            context.execute(&format!(":dep {name} = {config}"))?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_needs_the_source_for_types_of_variables() {
        assert_eq!(Loaded::of("1 + 1"), Loaded::None);
        assert_eq!(
            Loaded::of("println!(\"{}\", 1);\n::std::process::id()"),
            Loaded::None
        );
        assert_eq!(Loaded::of("let x: i64 = 1;"), Loaded::None);
        assert_eq!(Loaded::of("let x = 1;"), Loaded::WithoutArch);
        assert_eq!(Loaded::of("  :dep rand"), Loaded::WithoutArch);
        assert_eq!(Loaded::of("use std::arch::x86_64::*;"), Loaded::All);
    }
}
