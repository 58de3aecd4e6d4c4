//! A cell as plain Rust, for a notebook exported as a script.

use std::ops::Range;

use crate::scan::scan;

/// The cell with its magics and evcxr's commands as comments. Nothing else changes.
///
/// ```
/// use corebook_magics::export::to_rust_script;
///
/// assert_eq!(to_rust_script("%cpus -v\nlet x = 1;"), "// %cpus -v\nlet x = 1;");
/// ```
pub fn to_rust_script(source: &str) -> String {
    let scan = scan(source);
    let magics = scan.magics.iter().map(|found| found.call.span.clone());
    let mut ours: Vec<Range<usize>> = magics.chain(scan.commands.iter().cloned()).collect();
    ours.sort_by_key(|range| range.start);
    let mut script = String::new();
    let mut at = 0;
    for range in ours {
        script.push_str(&source[at..range.start]);
        for line in source[range.clone()].split_inclusive('\n') {
            script.push_str(if line.trim().is_empty() { "//" } else { "// " });
            script.push_str(line);
        }
        at = range.end;
    }
    script + &source[at..]
}

#[cfg(test)]
mod tests {
    use super::to_rust_script;

    #[test]
    fn magics_and_commands_become_comments() {
        let source = ":dep rand\n  %pool 4\nlet x = a\n  % b;\n%timeit f(\n  x)\n";
        let script = "// :dep rand\n  // %pool 4\nlet x = a\n  % b;\n// %timeit f(\n//   x)\n";
        assert_eq!(to_rust_script(source), script);
        assert_eq!(
            to_rust_script("%%timeit\n\nf(x)"),
            "// %%timeit\n//\n// f(x)"
        );
    }
}
