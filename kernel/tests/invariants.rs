//! Checks rules about the source of the whole project by text search. `ARCHITECTURE.md` gives their reasons.

mod source_files;

use std::fs;
use std::path::Path;

use source_files::rust_files;

/// The crates of the program, without tests, benchmarks and examples.
const CRATES: [&str; 10] = [
    "analysis",
    "build",
    "cells",
    "install",
    "jupyter",
    "kernel",
    "magics",
    "magics/runtime",
    "processes",
    "runner",
];

/// The maximum number of lines of a file, without its tests.
const LONGEST_FILE: usize = 400;

/// The maximum number of lines of a function.
const LONGEST_FUNCTION: usize = 80;

struct Source {
    /// Relative to the project's folder.
    path: String,
    /// The code before the file's tests, which are at its end.
    code: String,
    /// `code` without lines that are comments.
    instructions: String,
}

/// The project's folder.
fn root() -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("the crate lies in the project")
}

/// Every source file that is not a test.
fn sources() -> Vec<Source> {
    let files = CRATES
        .iter()
        .flat_map(|name| rust_files(&root().join(name).join("src")));
    let files = files.filter(|path| !is_test_file(path));
    let sources: Vec<Source> = files
        .map(|path| {
            let text = fs::read_to_string(&path).expect("it can be read");
            let path = path.strip_prefix(root()).expect("it was found below");
            Source {
                path: path.display().to_string(),
                code: without_tests(&text).to_owned(),
                instructions: without_comments(without_tests(&text)),
            }
        })
        .collect();
    let found = sources.len();
    assert!(found > 200, "only {found} files were found");
    sources
}

/// Whether a file is a module that its parent declares with `#[cfg(test)]`, or part of one.
fn is_test_file(path: &Path) -> bool {
    let is_test = |part: &std::ffi::OsStr| {
        let name = part.to_str().unwrap_or_default();
        let name = name.strip_suffix(".rs").unwrap_or(name);
        ["tests", "properties", "recorded", "hostile", "fixtures"].contains(&name)
    };
    let below = path.strip_prefix(root()).expect("it was found below");
    below.iter().any(is_test)
}

fn without_tests(text: &str) -> &str {
    let end = text.find("#[cfg(test)]\nmod tests {");
    &text[..end.unwrap_or(text.len())]
}

fn without_comments(code: &str) -> String {
    let lines = code.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Finds functions that are longer than `most` lines. Returns their lengths and their first lines. Finds the end of a
/// function by the indent that rustfmt gives it.
fn long_functions(code: &str, most: usize) -> Vec<(usize, String)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        let words = start.split('(').next().unwrap_or_default();
        let is_function = words.split_whitespace().any(|word| word == "fn");
        if !is_function || start.starts_with("//") || start.ends_with([';', '}']) {
            continue;
        }
        let indent = &line[..line.len() - start.len()];
        let (body_end, declaration_end) = (format!("{indent}}}"), format!("{indent})"));
        let last = lines[first + 1..].iter().position(|line| {
            *line == body_end || line.starts_with(&declaration_end) && line.ends_with(';')
        });
        let length = last.map_or(0, |last| last + 2);
        if length > most {
            found.push((length, start.to_owned()));
        }
    }
    found
}

/// The files whose instructions contain one of `texts`, except paths that begin with one of `allowed`.
fn files_with(texts: &[&str], allowed: &[&str]) -> Vec<String> {
    let has_one = |code: &str| texts.iter().any(|text| code.contains(text));
    sources()
        .into_iter()
        .filter(|source| has_one(&source.instructions))
        .map(|source| source.path)
        .filter(|path| !allowed.iter().any(|allowed| path.starts_with(allowed)))
        .collect()
}

#[test]
fn files_and_functions_are_short() {
    let sources = sources();
    for Source { path, code, .. } in &sources {
        let lines = code.lines().count();
        assert!(lines <= LONGEST_FILE, "{path} has {lines} lines");
        let long = long_functions(code, LONGEST_FUNCTION);
        assert!(long.is_empty(), "{path} has long functions: {long:?}");
    }
    let lengths = sources.iter().flat_map(|it| long_functions(&it.code, 40));
    assert!(
        lengths.count() > 10,
        "too few functions are found: the search is broken"
    );
}

#[test]
fn a_long_function_is_found() {
    let body = "        1;\n".repeat(3);
    let code = format!(
        "impl A {{\n    pub fn f() {{\n{body}    }}\n\n    fn g(\n        a: u8,\n    ) -> u8;\n}}\n"
    );
    assert_eq!(long_functions(&code, 4), [(5, "pub fn f() {".to_owned())]);
    assert!(long_functions(&code, 5).is_empty());
}

#[test]
fn zmq_is_used_in_one_crate() {
    assert_eq!(files_with(&["zmq::"], &["jupyter/src/"]), [""; 0]);
}

/// The runtime needs its own file with these names, because cells compile it without any other crate.
#[test]
fn names_that_evcxr_defines_are_in_one_place() {
    let allowed = ["build/src/evcxr", "magics/runtime/src/evcxr.rs"];
    let names = ["EVCXR_", "run_user_code_", "\"ctx\""];
    assert_eq!(files_with(&names, &allowed), [""; 0]);
}

#[test]
fn evcxr_is_called_by_two_rooms() {
    let allowed = [
        "kernel/src/evaluator",
        "kernel/src/evcxr/",
        // `runtime_hook`.
        "kernel/src/main.rs",
    ];
    let uses = ["use evcxr", "evcxr::Eval", "evcxr::Error"];
    assert_eq!(files_with(&uses, &allowed), [""; 0]);
}

#[test]
fn cells_are_parsed_in_one_crate() {
    assert_eq!(files_with(&["ra_ap_syntax"], &["cells/src/"]), [""; 0]);
}

#[test]
fn rust_analyzer_is_hosted_in_one_crate() {
    let uses = ["ra_ap_ide", "ra_ap_hir", "ra_ap_project_model"];
    assert_eq!(files_with(&uses, &["analysis/src/"]), [""; 0]);
}

/// Everything else that the process prints would be taken for a reply.
#[test]
fn only_the_server_writes_to_the_stdout_of_the_analysis_process() {
    let writes = files_with(
        &["println!", "print!", "stdout()"],
        &["analysis/src/server.rs"],
    );
    let of_analysis = writes.iter().filter(|path| path.starts_with("analysis/"));
    assert_eq!(of_analysis.count(), 0);
}

#[test]
fn rayon_is_used_in_one_file() {
    let allowed = ["magics/runtime/src/pool/threads/workers.rs"];
    let uses = ["use rayon", " rayon::", "(rayon::"];
    assert_eq!(files_with(&uses, &allowed), [""; 0]);
}

#[test]
fn the_kernel_spawns_threads_in_one_file() {
    let allowed = [
        "kernel/src/kernel/threads.rs",
        // The supervisor's log.
        "kernel/src/evcxr/startup.rs",
        // The build of a template, in a scope.
        "kernel/src/evaluator/first_build.rs",
        // Other processes: worker, supervisor, cargo and its shim.
        "magics/runtime/src/",
        "processes/src/supervisor/",
        "build/src/",
    ];
    let spawns = ["thread::spawn", "thread::Builder", "thread::scope"];
    assert_eq!(files_with(&spawns, &allowed), [""; 0]);
}

#[test]
fn the_environment_of_the_process_changes_in_one_file() {
    let allowed = ["processes/src/environment.rs"];
    let changes = ["env::set_var", "env::remove_var"];
    assert_eq!(files_with(&changes, &allowed), [""; 0]);
}

/// Every test that the map of evcxr's limits names is there, so an upgrade of evcxr knows what to run.
#[test]
fn the_map_of_evcxrs_limits_names_real_tests() {
    let root = root();
    let map = fs::read_to_string(root.join("build/src/evcxr/README.md")).expect("it can be read");
    let mut tests = String::new();
    for folder in [
        "build",
        "kernel/src",
        "magics",
        "processes",
        "runner",
        "tests/e2e",
    ] {
        for path in rust_files(&root.join(folder)) {
            tests += &fs::read_to_string(path).expect("it can be read");
        }
    }
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = map.split(|c: char| !is_word(c));
    // A test's name is a sentence; evcxr's own names have fewer words.
    let named: Vec<&str> = words
        .filter(|word| word.matches('_').count() >= 4)
        .collect();
    for name in &named {
        assert!(
            tests.contains(&format!("fn {name}(")),
            "there is no test {name}"
        );
    }
    assert!(named.len() > 20, "only {named:?} are named");
}
