//! How much of the standard library's source rust-analyzer has read.
//!
//! It infers the types of variables from that source. Reading it takes 3 s and some 200 MB, and a cell that
//! declares no variable, or says its type, can do without. So a kernel starts without it, reads it when
//! nothing else is to be done or when a cell needs it, and leaves out `std::arch`, a third of it all, until a
//! cell speaks of it.
//!
//! evcxr 0.22 has rust-analyzer read it as soon as it evaluates anything, twice if a dependency follows, and
//! again whenever the manifest has changed; it offers no other way. So rust-analyzer is first told of a `RUSTC`
//! that names nothing (evcxr itself passes the real one to cargo), and later the manifest changes in ways that mean
//! nothing to cargo. To be dropped when evcxr can put it off.

use std::path::PathBuf;

use corebook_build::{Session, Template};
use corebook_magics::inference::{has_untyped_let, has_word};
use corebook_processes::environment::{remove_variable, set_variable};
use evcxr::CommandContext;

/// What rust-analyzer has read, and how to make it read more.
pub struct StdSource {
    level: Loaded,
    /// Whether there is any source. Without it rust-analyzer would have rustup install it.
    is_there: bool,
    rustc: PathBuf,
    opt_level: &'static str,
    runtime: (String, String),
}

/// How much a cell needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loaded {
    None,
    /// All but `std::arch`.
    WithoutArch,
    All,
}

impl Loaded {
    /// What `code` needs. Commands of evcxr may do anything.
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

/// The variable that tells rust-analyzer where the source is.
pub(super) const SOURCE_VARIABLE: &str = "RUST_SRC_PATH";

/// The manifest's `opt-level` while nothing is read: the same to cargo, but another text.
pub fn starting_opt_level(template: &Template) -> String {
    format!("{} ", template.opt_level())
}

impl StdSource {
    /// To be called before evcxr is started, which must get [`starting_opt_level`].
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

    /// Lets rust-analyzer have as much as `level` from evcxr's next look at any code on. Whether that is more.
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
            // A notebook cannot have chosen another level: that is a command.
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
    fn a_cell_needs_the_library_for_its_variables_types() {
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
