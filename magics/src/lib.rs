//! Notebook magics: takes the text of a cell, gives Rust and a source map back to the cell.
//!
//! This crate knows neither zmq nor evcxr nor Jupyter messages, and it runs no code of a cell. Modules in
//! reading order:
//!
//! * [`magic`]: the type [`magic::Magic`] and what it consists of
//! * `cpus`, `pool`, `timeit`, `time`, `compare`, `checkpoint`, `magics`: one magic each, named after it
//!   (`magics` is `%magics`, which lists the others)
//! * [`table`]: the list of all magics, one row each
//! * `tokens`, `statement`, `scan`: find the magics of a cell by its tokens
//! * [`options`]: parses a magic's command line
//! * `resolve`: from a magic found in a cell to its replacement
//! * [`expansion`]: puts the replacements into the cell; [`source_map`]: maps positions back to the cell
//! * [`measured`], `timing_options`: what the timing magics share
//! * [`help`]: the texts of `%magics` and `%name?`
//! * [`completion`]: completes a magic's name and options
//! * [`context`]: describes the code at a cursor outside of magics
//! * [`completeness`]: decides whether a cell is ready to run
//! * [`inference`]: decides whether a cell's types must be inferred
//! * `suggest`: "did you mean"

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
