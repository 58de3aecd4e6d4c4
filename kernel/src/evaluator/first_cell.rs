//! What the notebook's folder and the user's own settings add, from the first cell with code on.
//!
//! Before, nothing of the folder is read: who opens a notebook has not agreed to run anything. Who runs a cell has. A
//! file of the folder may then choose among the toolchains that the user has installed, and no more.

use corebook_build::{FolderChoice, Toolchain};
use evcxr::EvalCallbacks;

use super::error::CellError;
use super::job::ExecuteJob;
use super::{Evaluator, outcome};
use crate::evcxr::user_settings::{self, UserSettings};

impl Evaluator {
    /// Obeys what may be obeyed from now on. Does so once, and again for the next cell if it fails; what there is to
    /// tell is told when it has not.
    pub(super) fn prepare_for_cells(&mut self, job: &ExecuteJob) -> Result<(), CellError> {
        if self.is_prepared {
            return Ok(());
        }
        let settings = read_settings()?;
        let refused = self.choose_toolchain(job)?;
        if self.interpreter.is_err() {
            // An interrupt has killed what it needed, or the cell is told why.
            return match self.links.current_cell.is_interrupted() {
                true => Err(outcome::while_compiling()),
                false => Ok(()),
            };
        }
        let elsewhere = self.enter_folder();
        let unusable = self.use_settings(&settings)?;
        let told = refused.into_iter().chain(elsewhere);
        self.notices
            .extend(told.chain(settings.left_out()).chain(unusable));
        self.is_prepared = true;
        self.tell_notices_of(job);
        Ok(())
    }

    /// Starts evcxr anew if a file of the folder chooses another compiler than the one that was started with. Gives
    /// back what the file may not choose, in words.
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

    /// Goes to the notebook's folder, where relative paths of evcxr's commands begin. Gives back why that fails.
    fn enter_folder(&self) -> Option<String> {
        let folder = self.links.folder.as_ref()?;
        let error = std::env::set_current_dir(folder).err()?;
        Some(format!(
            "relative paths after `:dep` and `!` don't begin in {} ({error})",
            folder.display()
        ))
    }

    fn restart_with(&mut self, toolchain: Toolchain, job: &ExecuteJob) {
        // The old evcxr ends before the new one starts: both would use the same variables of this process.
        self.interpreter = Err("the kernel is starting with another toolchain".to_owned());
        // What the old toolchain lacks does not matter any more.
        self.notices.clear();
        self.interpreter = self.start_with(toolchain, |evaluator| evaluator.tell_notices_of(job));
    }

    /// Adds the dependencies and the prelude that the user wants in every notebook. Gives back a line for each that
    /// can't be used.
    fn use_settings(&mut self, settings: &UserSettings) -> Result<Vec<String>, CellError> {
        let mut unusable = Vec::new();
        let Ok(interpreter) = &mut self.interpreter else {
            return Ok(unusable);
        };
        for (what, code) in settings.parts() {
            if let Err(error) = interpreter.execute(code, &mut EvalCallbacks::default()) {
                if self.links.current_cell.is_interrupted() {
                    return Err(outcome::while_compiling());
                }
                let error = error.to_string();
                let first = error.lines().next().unwrap_or_default();
                unusable.push(format!("{what} can't be used, and is left out: {first}"));
            }
        }
        Ok(unusable)
    }

    fn tell_notices_of(&mut self, job: &ExecuteJob) {
        if !job.request.silent {
            self.tell_notices(&job.origin);
        }
    }
}

fn read_settings() -> Result<UserSettings, CellError> {
    let Some(folder) = user_settings::folder() else {
        return Ok(UserSettings::default());
    };
    UserSettings::read(&folder).map_err(|error| CellError::not_prepared(&error))
}
