//! Answers questions of magics without running code: cores, pools, checkpoints, help. Calls no other thread.

mod magic_list;

use std::sync::{Mutex, PoisonError};

use corebook::__private::event::PoolReport;
use corebook_magics::help;
use corebook_magics::magic::{Host, Question};

use super::checkpoints::Checkpoints;
use super::cpus;
use super::markup::cleaned;

/// The worker's pools, as last reported.
#[derive(Debug, Default)]
pub struct Pools(Mutex<Vec<PoolReport>>);

impl Pools {
    pub fn set(&self, pools: Vec<PoolReport>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pools;
    }

    pub fn get(&self) -> Vec<PoolReport> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// An answer in the forms that a client can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub html: Option<String>,
}

/// Answers questions of magics.
pub struct KernelHost<'kernel> {
    pools: &'kernel Pools,
    checkpoints: &'kernel Checkpoints,
}

impl<'kernel> KernelHost<'kernel> {
    pub fn new(pools: &'kernel Pools, checkpoints: &'kernel Checkpoints) -> Self {
        Self { pools, checkpoints }
    }

    /// The answer to a question that makes up a whole cell. Can have HTML.
    pub fn answer_richly(&self, question: &Question) -> Answer {
        let html = match question {
            Question::List => Some(magic_list::list_html()),
            Question::Help(name) => help::help_markdown(name).map(|markdown| to_html(&markdown)),
            Question::Cpus { .. } | Question::PoolStatus | Question::Checkpoint(_) => None,
        };
        Answer {
            text: self.answer(question),
            html,
        }
    }
}

impl Host for KernelHost<'_> {
    fn answer(&self, question: &Question) -> String {
        match question {
            Question::Cpus { json: true, .. } => corebook::cpus::json(&corebook::cpus::live()),
            Question::Cpus { verbose, .. } => cpus::render(&corebook::cpus::live(), *verbose),
            Question::PoolStatus => corebook::__private::pool::status_text(&self.pools.get()),
            Question::Checkpoint(command) => self.checkpoints.obey(*command),
            Question::Help(name) => help::help_text(name).unwrap_or_default(),
            Question::List => help::list_text(),
        }
    }
}

/// Converts Markdown to HTML that is safe even if the author of the Markdown is not trusted.
pub fn to_html(markdown: &str) -> String {
    cleaned(&rendered(markdown))
}

/// Converts Markdown to HTML with pulldown-cmark. Keeps raw HTML.
pub fn rendered(markdown: &str) -> String {
    let mut html = String::new();
    let options = pulldown_cmark::Options::ENABLE_TABLES;
    pulldown_cmark::html::push_html(
        &mut html,
        pulldown_cmark::Parser::new_ext(markdown, options),
    );
    html
}
