//! What the notebook's folder and the user's own settings add, from the first cell with code on.
//!
//! Before, nothing of the folder is read: who opens a notebook has not agreed to run anything. Who runs a cell has. A
//! file of the folder may then choose among the toolchains that the user has installed, and no more.

use corebook_build::{FolderChoice, Toolchain};
use evcxr::EvalCallbacks;

use super::Evaluator;
use super::ExecuteJob;
use super::error::CellError;
use super::outcome;
use crate::evcxr::user_settings::{self, UserSettings};

impl Evaluator {
    /// Obeys what may be obeyed from now on. Does so once, and again for the next cell if it fails.
    pub(super) fn prepare_for_cells(&mut self, job: &ExecuteJob) -> Result<(), CellError> {
        if self.is_prepared {
            return Ok(());
        }
        self.choose_toolchain(job)?;
        if self.interpreter.is_err() {
            // An interrupt has killed what it needed, or the cell is told why.
            return match self.links.activity.is_interrupted() {
                true => Err(outcome::while_compiling()),
                false => Ok(()),
            };
        }
        if let Some(folder) = &self.links.folder
            && let Err(error) = std::env::set_current_dir(folder)
        {
            self.notices.push(format!(
                "relative paths after `:dep` and `!` don't begin in {} ({error})",
                folder.display()
            ));
        }
        self.use_settings()?;
        self.is_prepared = true;
        self.tell_notices_of(job);
        Ok(())
    }

    /// Starts evcxr anew if a file of the folder chooses another compiler than the one that was started with.
    fn choose_toolchain(&mut self, job: &ExecuteJob) -> Result<(), CellError> {
        let Some(folder) = &self.links.folder else {
            return Ok(());
        };
        if self.is_toolchain_chosen {
            return Ok(());
        }
        match Toolchain::of_folder(folder) {
            Ok(FolderChoice::Nothing) => Ok(()),
            Ok(FolderChoice::Refused(why)) => {
                self.notices.push(why);
                Ok(())
            }
            Ok(FolderChoice::Toolchain(chosen)) => {
                let has_it = |own: &Toolchain| own.is_same_compiler(&chosen);
                if self.interpreter.is_err() || !self.toolchain.as_ref().is_some_and(has_it) {
                    self.restart_with(chosen, job);
                }
                Ok(())
            }
            Err(error) => Err(CellError::not_prepared(&error.to_string())),
        }
    }

    fn restart_with(&mut self, toolchain: Toolchain, job: &ExecuteJob) {
        // The old evcxr ends before the new one starts: both would use the same variables of this process.
        self.interpreter = Err("the kernel is starting with another toolchain".to_owned());
        // What the old toolchain lacks does not matter any more.
        self.notices.clear();
        self.interpreter = self.start_with(toolchain, |evaluator| evaluator.tell_notices_of(job));
    }

    /// Adds the dependencies and the prelude that the user wants in every notebook.
    fn use_settings(&mut self) -> Result<(), CellError> {
        let read = user_settings::folder().map(|folder| UserSettings::read(&folder));
        let settings = match read {
            Some(Ok(Some(settings))) => settings,
            Some(Ok(None)) | None => return Ok(()),
            Some(Err(error)) => return Err(CellError::not_prepared(&error)),
        };
        self.notices.extend(settings.left_out());
        let Ok(interpreter) = &mut self.interpreter else {
            return Ok(());
        };
        for (what, code) in settings.parts() {
            if let Err(error) = interpreter.execute(code, &mut EvalCallbacks::default()) {
                if self.links.activity.is_interrupted() {
                    return Err(outcome::while_compiling());
                }
                let error = error.to_string();
                let first = error.lines().next().unwrap_or_default();
                self.notices
                    .push(format!("{what} can't be used, and is left out: {first}"));
            }
        }
        Ok(())
    }

    fn tell_notices_of(&mut self, job: &ExecuteJob) {
        if !job.request.silent {
            self.tell_notices(&job.origin);
        }
    }
}
