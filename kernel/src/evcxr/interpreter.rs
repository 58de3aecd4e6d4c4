//! The running evcxr and the notebook that it runs.
//!
//! evcxr compiles, loads and runs libraries. What is in them is made here: evcxr itself is given a statement that does
//! nothing, and the compiler shim compiles the draft of the cell in its place.

use corebook_build::cargo_shim::cell_files::CellFiles;
use corebook_cells::draft::{Draft, Dropped, Kept, Unkept, Verdict};
use corebook_cells::messages::{self, Message};
use corebook_cells::naming::KnownPaths;
use corebook_cells::notebook::{Notebook, Report, Variable};
use corebook_cells::source::Source;
use evcxr::{CommandContext, EvalCallbacks, EvalOutputs};

use super::commands::{self, Command};
use super::startup::STATEMENT;
use crate::shared::notebook_view::{NotebookView, ViewedVariable};

/// The imports of every cell. Macros with the same names as those of std would be ambiguous in a glob import, so they
/// are named.
const IMPORTS: &str = "use corebook::prelude::*; use corebook::{dbg, eprint, eprintln};";

/// The number of the cell that is not one of the user's: that with [`IMPORTS`].
pub const NO_CELL: usize = usize::MAX;

/// What the notebook gets if a cell awaits something and names no dependency `tokio`.
const TOKIO: &str =
    ":dep tokio = { version = \"1.34.0\", features = [\"rt\", \"rt-multi-thread\"] }";

/// The running evcxr.
pub struct Interpreter {
    context: CommandContext,
    files: CellFiles,
    notebook: Notebook,
    /// How many drafts there were.
    runs: u64,
    /// The variables of the drafts that have run and have not been settled.
    running: Vec<(u64, Vec<Kept>)>,
    known_paths: KnownPaths,
    /// The errors of the last cell that did not compile.
    last_errors: Vec<Message>,
}

/// A cell that has run, at least in part.
#[derive(Default)]
pub struct Executed {
    /// What commands have printed.
    pub outputs: EvalOutputs,
    /// The variables of the cell that later cells can't use.
    pub unkept: Vec<Unkept>,
    /// The variables that later cells can't use any more, because the cell has defined their types in another way.
    pub lost: Vec<Variable>,
    /// The names of items whose statics start anew for the same reason.
    pub restarted: Vec<String>,
    /// The imports of earlier cells that no longer compile.
    pub dropped: Vec<Dropped>,
}

/// Why a cell has not run to its end.
pub enum Failure {
    /// A command failed, the worker died, or the compiler could not run.
    Evcxr(evcxr::Error),
    /// The cell does not compile.
    Compile(Vec<Message>, Source),
    /// The type of this variable can't be used any more; the message says why.
    Unusable { variable: Variable, message: String },
}

impl Failure {
    /// The failure in one line.
    pub fn first_line(&self) -> String {
        let text = match self {
            Self::Evcxr(error) => error.to_string(),
            Self::Compile(errors, _) => errors
                .first()
                .map_or_else(String::new, |error| format!("error: {}", error.text)),
            Self::Unusable { message, .. } => message.clone(),
        };
        text.lines().next().unwrap_or_default().to_owned()
    }
}

impl From<evcxr::Error> for Failure {
    fn from(error: evcxr::Error) -> Self {
        Self::Evcxr(error)
    }
}

impl Interpreter {
    pub fn new(context: CommandContext, files: CellFiles) -> Self {
        Self {
            context,
            files,
            notebook: with_imports(),
            runs: 0,
            running: Vec::new(),
            known_paths: KnownPaths::default(),
            last_errors: Vec::new(),
        }
    }

    /// Runs a cell.
    ///
    /// * `cell`: the number by which the caller knows the cell, for places in errors.
    /// * `code`: commands and Rust.
    pub fn execute(
        &mut self,
        cell: usize,
        code: &str,
        callbacks: &mut EvalCallbacks<'_>,
    ) -> Result<Executed, Failure> {
        let (commands, rust) = commands::split(code);
        let mut executed = Executed::default();
        for command in commands {
            let outputs = self.command(&command, callbacks)?;
            executed.outputs.merge(outputs);
        }
        if let Some(rust) = rust {
            self.run(cell, &rust, callbacks, &mut executed)?;
        }
        Ok(executed)
    }

    fn command(
        &mut self,
        command: &Command,
        callbacks: &mut EvalCallbacks<'_>,
    ) -> Result<EvalOutputs, Failure> {
        match command {
            Command::Own(own) => Ok(own.answer(&mut self.notebook, &self.last_errors)?),
            Command::Clear => {
                self.evaluate(":restart", callbacks)?;
                let settings = std::mem::take(self.notebook.settings_mut());
                self.notebook = with_imports();
                *self.notebook.settings_mut() = settings;
                Ok(EvalOutputs::new())
            }
            Command::Evcxr(text) => {
                self.remove_source()?;
                let outputs = self.evaluate(text, callbacks)?;
                if commands::has(text, ":restart") {
                    self.notebook.forget_variables();
                }
                Ok(outputs)
            }
        }
    }

    /// Compiles the Rust of a cell until it needs no change, and runs it.
    fn run(
        &mut self,
        cell: usize,
        rust: &str,
        callbacks: &mut EvalCallbacks<'_>,
        executed: &mut Executed,
    ) -> Result<(), Failure> {
        self.runs += 1;
        let mut draft = self.notebook.draft(cell, self.runs, rust);
        let mut code = draft.extern_crates().join("\n");
        code.push_str(STATEMENT);
        loop {
            if draft.is_async() {
                self.add_tokio(callbacks)?;
            }
            let source = draft.source();
            self.write(&source, &draft)?;
            match self.evaluate(&code, callbacks) {
                Ok(outputs) => {
                    executed.outputs.merge(outputs);
                    draft.learn_types(&self.files.types());
                    let mut kept = draft.kept();
                    self.find_private_types(&mut kept, &mut draft, callbacks);
                    self.running.push((draft.run(), kept));
                    self.notebook.define(&draft);
                    self.keep_functions(&mut draft, callbacks);
                    executed.unkept.extend_from_slice(draft.unkept());
                    executed.lost.extend_from_slice(draft.lost());
                    executed.restarted.extend_from_slice(draft.restarted());
                    executed.dropped.extend_from_slice(draft.dropped());
                    return Ok(());
                }
                Err(error) => {
                    let messages = messages::read(&self.files.messages());
                    if !matches!(error, evcxr::Error::Message(_))
                        || !messages.iter().any(Message::is_error)
                    {
                        return Err(error.into());
                    }
                    match draft.revise(&source, messages) {
                        Verdict::Again => {}
                        Verdict::Errors(errors) => {
                            self.last_errors.clone_from(&errors);
                            return Err(Failure::Compile(errors, source));
                        }
                        Verdict::Unusable { variable, message } => {
                            return Err(Failure::Unusable { variable, message });
                        }
                    }
                }
            }
        }
    }

    /// Keeps the functions among the variables of a cell as pointers.
    fn keep_functions(&mut self, draft: &mut Draft, callbacks: &mut EvalCallbacks<'_>) {
        let code = draft.function_pointers();
        if code.is_empty() {
            return;
        }
        self.runs += 1;
        let mut pointers = self.notebook.draft(NO_CELL, self.runs, &code);
        // If this fails, the variables are those that are not kept.
        if self.write(&pointers.source(), &pointers).is_ok()
            && self.evaluate(STATEMENT, callbacks).is_ok()
        {
            pointers.learn_types(&self.files.types());
            let kept = pointers.kept();
            draft.forgive(&kept);
            self.running.push((pointers.run(), kept));
        }
    }

    /// Finds out which of the variables have private types of other crates.
    fn find_private_types(
        &mut self,
        kept: &mut [Kept],
        draft: &mut Draft,
        callbacks: &mut EvalCallbacks<'_>,
    ) {
        if let Some(question) = self.known_paths.ask(kept, draft) {
            let is_written = self.files.write(&question.source(), false, &[]).is_ok();
            // It does not compile, whatever the answer is.
            let _ = self.evaluate(STATEMENT, callbacks);
            if is_written {
                let messages = messages::read(&self.files.messages());
                self.known_paths.learn(question, &messages);
            }
        }
        self.known_paths.judge(kept, draft);
    }

    fn evaluate(
        &mut self,
        code: &str,
        callbacks: &mut EvalCallbacks<'_>,
    ) -> Result<EvalOutputs, evcxr::Error> {
        let result = self.context.execute_with_callbacks(code, callbacks);
        // evcxr has started another process.
        if matches!(result, Err(evcxr::Error::SubprocessTerminated(_))) {
            self.notebook.forget_variables();
        }
        result
    }

    fn add_tokio(&mut self, callbacks: &mut EvalCallbacks<'_>) -> Result<(), Failure> {
        let dependencies = self.context.execute(":show_deps")?;
        let dependencies = dependencies.get("text/plain").unwrap_or_default();
        let is_there = dependencies.lines().any(|line| line.starts_with("tokio "));
        if !is_there {
            self.remove_source()?;
            self.evaluate(TOKIO, callbacks)?;
        }
        Ok(())
    }

    fn write(&self, source: &Source, draft: &Draft) -> Result<(), Failure> {
        let written = self
            .files
            .write(&source.text, draft.wants_types(), &draft.libraries());
        written.map_err(|error| {
            evcxr::Error::from(format!("the source of the cell can't be written: {error}")).into()
        })
    }

    fn remove_source(&self) -> Result<(), Failure> {
        let removed = self.files.remove();
        removed.map_err(|error| {
            let text = format!("the source of the last cell can't be removed: {error}");
            evcxr::Error::from(text).into()
        })
    }

    /// Applies what the runtime has reported about variables. Call it when all output of a cell has arrived.
    ///
    /// Returns the variables that the cell could not load, because their types were redefined. If there are any, no
    /// code of the cell has run.
    pub fn settle(&mut self, reports: &[Report]) -> Vec<String> {
        let mut changed = Vec::new();
        for report in reports {
            let run = self.running.iter().find(|(run, _)| *run == report.run);
            let kept = run.map_or(&[][..], |(_, kept)| kept);
            self.notebook.settle(report, kept);
            changed.extend_from_slice(&report.changed);
        }
        self.running.clear();
        changed
    }

    /// What the notebook has defined, for completion and inspection.
    pub fn view(&self) -> NotebookView {
        let variables = self.notebook.variables().iter();
        let variables = variables.map(|variable| ViewedVariable {
            name: variable.ident(),
            is_mutable: variable.is_mutable,
            type_name: variable.type_name.clone(),
        });
        NotebookView {
            items: self.notebook.definitions(),
            variables: variables.collect(),
            names: self.notebook.names(),
        }
    }
}

fn with_imports() -> Notebook {
    let mut notebook = Notebook::default();
    let draft = notebook.draft(NO_CELL, 0, IMPORTS);
    notebook.define(&draft);
    notebook
}

#[cfg(test)]
mod tests {
    /// The crate that writes the source does not depend on the one that compiles it.
    #[test]
    fn both_sides_know_the_function_of_a_cell() {
        assert_eq!(
            corebook_cells::draft::function::FUNCTION,
            corebook_build::evcxr::FUNCTION_IN_SOURCE
        );
    }
}
