//! The running evcxr. Before each call, makes rust-analyzer read as much of the standard library as the code needs.

use std::time::Instant;

use corebook_build::cargo_shim::order::{NotebookOrder, OrderFile};
use corebook_processes::memory;
use evcxr::{CommandContext, CompilationError, EvalCallbacks, EvalOutputs};

use super::definitions::Definitions;
use super::std_source::{Loaded, StdSource};

/// The running evcxr.
pub struct Interpreter {
    context: CommandContext,
    std_source: StdSource,
    /// The definitions in all code that evcxr has accepted.
    definitions: Definitions,
    order_file: OrderFile,
    /// The content of `order_file`.
    written_order: Option<NotebookOrder>,
    /// The remaining warm-ups, for when there is no job. The last one is next.
    warm_ups: Vec<&'static str>,
}

/// rust-analyzer is asked for documentation at the end of this code, which makes it load what the first cells need.
/// Each takes about a second, and a cell that arrives meanwhile waits.
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
        let has_read_more = self.std_source.load(needed, &mut self.context)?;
        let definitions = self.definitions.with(code);
        let order = definitions.order();
        if self.written_order.as_ref() != Some(&order) {
            match self.order_file.write(&order) {
                Ok(()) => self.written_order = Some(order),
                Err(error) => tracing::warn!("a macro may not be found: {error}"),
            }
        }
        let outputs = self.context.execute_with_callbacks(code, callbacks);
        // evcxr keeps nothing of a cell that failed.
        if outputs.is_ok() {
            self.definitions = definitions;
        }
        if has_read_more {
            memory::give_back();
        }
        outputs
    }

    pub fn check(&mut self, code: &str) -> anyhow::Result<Vec<CompilationError>> {
        self.context
            .check(code)
            .map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// Makes rust-analyzer ready for a question about `code`, and returns evcxr to ask it.
    pub fn for_question_about(&mut self, code: &str) -> &mut CommandContext {
        let needed = Loaded::of(code).max(Loaded::WithoutArch);
        if let Err(error) = self.std_source.load(needed, &mut self.context) {
            tracing::debug!("the standard library's source can't be read: {error}");
        }
        &mut self.context
    }

    /// Whether any warm-ups remain.
    pub fn has_warm_ups(&self) -> bool {
        !self.warm_ups.is_empty()
    }

    /// Does the next warm-up.
    pub fn warm_up(&mut self) {
        let Some(code) = self.warm_ups.pop() else {
            return;
        };
        let begun = Instant::now();
        match self.for_question_about(code).hover_at(code, code.len()) {
            Ok(_) => tracing::debug!("warmed up in {:?}", begun.elapsed()),
            Err(error) => tracing::debug!("not warmed up: {error:#}"),
        }
        memory::give_back();
    }
}
