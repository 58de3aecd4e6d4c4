//! `eprintln!` and its relatives for cells: text for stderr that keeps its place among what goes to stdout.
//!
//! Two pipes have no common order, so cells send what is meant for stderr through stdout, as an event. Code
//! outside cells, in crates for example, still writes to stderr itself.

use std::fmt::Arguments;

use crate::event::{self, Event};

/// Writes text for stderr. What the macros of this module call.
pub fn write_stderr(text: Arguments<'_>) {
    event::send(&Event::Stderr {
        text: text.to_string(),
    });
}

/// As [`std::eprint!`], in order with what the cell prints to stdout.
#[macro_export]
macro_rules! eprint {
    ($($part:tt)*) => { $crate::__private::write_stderr(::std::format_args!($($part)*)) };
}

/// As [`std::eprintln!`], in order with what the cell prints to stdout.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::__private::write_stderr(::std::format_args!("\n")) };
    ($($part:tt)*) => {
        $crate::__private::write_stderr(::std::format_args!("{}\n", ::std::format_args!($($part)*)))
    };
}

/// As [`std::dbg!`], without a place: a cell is short, and its file is generated.
#[macro_export]
macro_rules! dbg {
    () => { $crate::eprintln!("[dbg]") };
    ($value:expr $(,)?) => {
        match $value {
            value => {
                $crate::eprintln!("{} = {:#?}", ::std::stringify!($value), &value);
                value
            }
        }
    };
    ($($value:expr),+ $(,)?) => { ($($crate::dbg!($value)),+,) };
}
