//! Applies the toolchain file of the notebook's folder and the user's settings, before the first cell with code.
//!
//! Earlier, no file of the folder is read: a user who opens a notebook has not agreed to run anything. A user who runs
//! a cell has. Even then, a file of the folder can only choose among the toolchains that the user has installed.

use corebook_build::{FolderChoice, Toolchain};
use evcxr::EvalCallbacks;

use super::error::CellError;
use super::job::ExecuteJob;
use super::{Evaluator, outcome};
use crate::evcxr::interpreter::NO_CELL;
use crate::evcxr::user_settings::{self, UserSettings};

impl Evaluator {
    /// Applies them, once. If that fails, the next cell tries again; notices are shown only after a success.
    pub(super) fn prepare_for_cells(&mut self, job: &ExecuteJob) -> Result<(), CellError> {
        if self.is_prepared {
            return Ok(());
        }
        let settings = read_settings()?;
        let refused = self.choose_toolchain(job)?;
        if self.interpreter.is_err() {
            // evcxr did not start: an interrupt has killed a process, or `evaluate` reports the reason.
            return match self.links.current_cell.is_interrupted() {
                true => Err(outcome::while_compiling()),
                false => Ok(()),
            };
        }
        let elsewhere = self.enter_folder();
        let unusable = self.use_settings(&settings)?;
        let notices = refused.into_iter().chain(elsewhere);
        self.notices
            .extend(notices.chain(settings.ignored()).chain(unusable));
        self.is_prepared = true;
        self.show_notices_in(job);
        Ok(())
    }

    /// Restarts evcxr if a file of the folder chooses another compiler than evcxr was started with. Returns a message
    /// if the file's choice is refused.
    fn choose_toolchain(&mut self, job: &ExecuteJob) -> Result<Option<String>, CellError> {
        let Some(folder) = self
            .links
            .folder
            .as_ref()
            .filter(|_| !self.is_toolchain_chosen)
        else {
            return Ok(None);
        };
        match Toolchain::of_folder(folder) {
            Ok(FolderChoice::Nothing) => Ok(None),
            Ok(FolderChoice::Refused(why)) => Ok(Some(why)),
            Ok(FolderChoice::Toolchain(chosen)) => {
                let has_it = |own: &Toolchain| own.is_same_compiler(&chosen);
                if self.interpreter.is_err() || !self.toolchain.as_ref().is_some_and(has_it) {
                    self.restart_with(chosen, job);
                }
                Ok(None)
            }
            Err(error) => Err(CellError::not_prepared(&error.to_string())),
        }
    }

    /// Changes to the notebook's folder, because relative paths in evcxr's commands refer to it. Returns a message if
    /// that fails.
    fn enter_folder(&self) -> Option<String> {
        let folder = self.links.folder.as_ref()?;
        let error = std::env::set_current_dir(folder).err()?;
        Some(format!(
            "relative paths after `:dep` and `!` don't begin in {} ({error})",
            folder.display()
        ))
    }

    fn restart_with(&mut self, toolchain: Toolchain, job: &ExecuteJob) {
        // The old evcxr must end before the new one starts, because both use the same environment variables.
        self.interpreter = Err("the kernel is starting with another toolchain".to_owned());
        // Notices about the old toolchain no longer apply.
        self.notices.clear();
        self.interpreter = self.start_with(toolchain, |evaluator| evaluator.show_notices_in(job));
    }

    /// Runs the user's dependencies and prelude. Returns a message for each part that can't be used.
    fn use_settings(&mut self, settings: &UserSettings) -> Result<Vec<String>, CellError> {
        let mut unusable = Vec::new();
        let Ok(interpreter) = &mut self.interpreter else {
            return Ok(unusable);
        };
        for (what, code) in settings.parts() {
            if let Err(error) = interpreter.execute(NO_CELL, code, &mut EvalCallbacks::default()) {
                if self.links.current_cell.is_interrupted() {
                    return Err(outcome::while_compiling());
                }
                let first = error.first_line();
                unusable.push(format!("ignored {what}, because it failed: {first}"));
            }
        }
        Ok(unusable)
    }

    fn show_notices_in(&mut self, job: &ExecuteJob) {
        if !job.request.silent {
            self.show_notices(&job.origin);
        }
    }
}

fn read_settings() -> Result<UserSettings, CellError> {
    let Some(folder) = user_settings::folder() else {
        return Ok(UserSettings::default());
    };
    UserSettings::read(&folder).map_err(|error| CellError::not_prepared(&error))
}
