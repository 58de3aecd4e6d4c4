//! Writes times as every part of corebook does: lines of `seconds digits` in, lines of text out.
//!
//! `tests/clients/jupyter/test_number_format.py` compares them with IPython's.

use std::io::{BufRead, Write, stdin, stdout};

use corebook::timing::format::time;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let line = line?;
        let (seconds, digits) = line
            .split_once(' ')
            .ok_or("a line holds seconds and digits")?;
        writeln!(out, "{}", time(seconds.parse()?, digits.parse()?))?;
    }
    Ok(())
}
