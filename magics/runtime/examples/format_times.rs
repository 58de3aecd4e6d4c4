//! Formats times as all of corebook does: reads lines of `seconds digits`, writes lines of text.
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
