//! The messages between the kernel and the analysis process: one JSON object per line. Data only.

use serde::{Deserialize, Serialize};

/// A question of the kernel. The process answers each with one [`Reply`], in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Repeated in the reply. Grows, so that a late reply is not taken for another one.
    pub id: u64,
    pub question: Question,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Load the project. Answered when the process is ready for other questions.
    Load,
    Completions(Place),
    /// The documentation of the name at a place.
    Hover(Place),
}

/// A place in the source of the crate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The whole source of `src/lib.rs`.
    pub source: String,
    /// In bytes.
    pub offset: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub id: u64,
    pub answer: Answer,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Loaded,
    Completions(Completions),
    /// As Markdown. None if there is no name or no documentation.
    Hover(Option<String>),
    /// Why there is no answer.
    Failed(String),
}

/// What could replace the bytes `start..end` of the source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completions {
    pub start: usize,
    pub end: usize,
    pub items: Vec<Completion>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// What the completion inserts: `map`, or `iter().map` if it calls another method first.
    pub name: String,
    pub kind: Kind,
    /// The arguments of a function: `(f, items)`.
    pub signature: Option<String>,
    /// Whether its type or its name is the expected one.
    pub is_expected: bool,
    /// Whether it calls another method first.
    pub is_detour: bool,
    pub is_deprecated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A variable, or an argument.
    Variable,
    Field,
    Function,
    Macro,
    /// A type or a trait.
    Type,
    Module,
    /// A constant, or a variant of an enum.
    Value,
    Keyword,
}
