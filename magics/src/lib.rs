//! Notebook magics: cell text in, Rust text out, and a word on what was done.
//!
//! This crate knows neither zmq nor evcxr nor Jupyter messages, and runs nothing. Modules in reading
//! order:
//!
//! * [`table`]: every magic, one row each
//! * [`magic`]: what a magic is
//! * `scan`: where a magic stands, by tokens
//! * [`options`]: a magic's command line
//! * [`expansion`]: the Rust a cell becomes, and the way back to the cell's own positions
//! * [`completion`]: what Tab offers inside a magic's name and options
//! * [`completeness`]: whether a cell is ready to run
//! * one file per magic

pub mod expansion;
pub mod magic;
pub mod options;

mod suggest;
