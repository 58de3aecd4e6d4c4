//! `eprint!`, `eprintln!` and `dbg!` for cells: their text keeps its place among what goes to stdout.
//!
//! Two pipes have no common order, so cells send text for stderr through stdout, as an event. Code outside of cells,
//! for example in crates, still writes to stderr directly.

use std::fmt::Arguments;

use crate::event::{self, Event};

/// Writes text for stderr. The macros of this module call it.
pub fn write_stderr(text: Arguments<'_>) {
    event::send(&Event::Stderr {
        text: text.to_string(),
    });
}

/// Like [`std::eprint!`], but in order with what the cell prints to stdout.
#[macro_export]
macro_rules! eprint {
    ($($part:tt)*) => { $crate::__private::write_stderr(::std::format_args!($($part)*)) };
}

/// Like [`std::eprintln!`], but in order with what the cell prints to stdout.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::__private::write_stderr(::std::format_args!("\n")) };
    ($($part:tt)*) => {
        $crate::__private::write_stderr(::std::format_args!("{}\n", ::std::format_args!($($part)*)))
    };
}

/// Like [`std::dbg!`], but without file and line: cells are short, and their files are generated.
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
