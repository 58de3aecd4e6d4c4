//! Notebook magics: cell text in, Rust text and a source map back to the cell out.
//!
//! This crate knows neither zmq nor evcxr nor Jupyter messages, and runs nothing. Modules in reading
//! order:
//!
//! * [`table`]: every magic, one row each
//! * [`magic`]: what a magic is
//! * `tokens`, `statement`, `scan`: where a magic stands, by tokens
//! * [`options`]: a magic's command line
//! * `resolve`: what a magic found in a cell stands for
//! * [`expansion`]: the Rust a cell becomes; [`source_map`]: the way back to the cell's own positions
//! * [`measured`]: code that a timing magic measures; `timing_options`: options that two of them share
//! * [`help`]: the texts of `%magics` and `%name?`
//! * [`completion`]: what Tab offers inside a magic's name and options
//! * [`context`]: what stands at a cursor that is no magic's
//! * [`completeness`]: whether a cell is ready to run; [`inference`]: whether its types have to be found out
//! * `suggest`: "did you mean"
//! * one file per magic

pub mod completeness;
pub mod completion;
pub mod context;
pub mod expansion;
pub mod help;
pub mod inference;
pub mod magic;
pub mod options;
pub mod source_map;
pub mod table;

mod checkpoint;
mod compare;
mod cpus;
mod magics;
pub mod measured;
mod pool;
mod resolve;
mod scan;
mod statement;
mod suggest;
#[cfg(test)]
mod test_support;
mod time;
mod timeit;
mod timing_options;
mod tokens;

pub use resolve::hints;
