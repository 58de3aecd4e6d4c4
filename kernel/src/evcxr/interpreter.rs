//! evcxr, with as much of the standard library read as its task needs.

use std::time::Instant;

use corebook_build::cargo_shim::order::{NotebookOrder, OrderFile};
use corebook_processes::memory;
use evcxr::{CommandContext, CompilationError, EvalCallbacks, EvalOutputs};

use super::definitions::Definitions;
use super::std_source::{Loaded, StdSource};

/// A started evcxr.
pub struct Interpreter {
    context: CommandContext,
    std_source: StdSource,
    /// Of all code that evcxr took.
    definitions: Definitions,
    order_file: OrderFile,
    /// What stands in it.
    written_order: Option<NotebookOrder>,
    /// What is left to do while nobody asks for anything, the last one first.
    warm_ups: Vec<&'static str>,
}

/// Code in the last word of which rust-analyzer finds what the first cells need. Each takes it about a second,
/// and a cell that comes meanwhile has to wait.
const WARM_UPS: [&str; 2] = [
    "let doubled = vec![1i64, 2].iter().map(|x| x * 2).collect::<Vec<_>>(); doubled",
    "let one = 1i64; one",
];

impl Interpreter {
    pub fn new(context: CommandContext, std_source: StdSource, order_file: OrderFile) -> Self {
        Self {
            context,
            std_source,
            definitions: Definitions::default(),
            order_file,
            written_order: None,
            warm_ups: WARM_UPS.to_vec(),
        }
    }

    pub fn execute(
        &mut self,
        code: &str,
        callbacks: &mut EvalCallbacks<'_>,
    ) -> Result<EvalOutputs, evcxr::Error> {
        let needed = Loaded::of(code);
        let reads = self.std_source.load(needed, &mut self.context)?;
        let definitions = self.definitions.with(code);
        let order = definitions.order();
        if self.written_order.as_ref() != Some(&order) {
            match self.order_file.write(&order) {
                Ok(()) => self.written_order = Some(order),
                Err(error) => tracing::warn!("a macro may not be found: {error}"),
            }
        }
        let outputs = self.context.execute_with_callbacks(code, callbacks);
        // Of a cell that failed, evcxr keeps nothing.
        if outputs.is_ok() {
            self.definitions = definitions;
        }
        if reads {
            memory::give_back();
        }
        outputs
    }

    pub fn check(&mut self, code: &str) -> anyhow::Result<Vec<CompilationError>> {
        self.context
            .check(code)
            .map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// evcxr, ready to answer a question about `code`.
    pub fn asked_about(&mut self, code: &str) -> &mut CommandContext {
        let needed = Loaded::of(code).max(Loaded::WithoutArch);
        if let Err(error) = self.std_source.load(needed, &mut self.context) {
            tracing::debug!("the standard std_source is not known: {error}");
        }
        &mut self.context
    }

    /// Whether a part of what the next cells need is still to be done.
    pub fn has_warm_ups(&self) -> bool {
        !self.warm_ups.is_empty()
    }

    /// Does the next such part.
    pub fn warm_up(&mut self) {
        let Some(code) = self.warm_ups.pop() else {
            return;
        };
        let begun = Instant::now();
        match self.asked_about(code).hover_at(code, code.len()) {
            Ok(_) => tracing::debug!("warmed up in {:?}", begun.elapsed()),
            Err(error) => tracing::debug!("not warmed up: {error:#}"),
        }
        memory::give_back();
    }
}
