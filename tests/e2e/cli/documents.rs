//! The documents: links lead somewhere, help texts are the program's, command lines are accepted, and the code prints
//! the messages in docs/troubleshooting.md.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use corebook_tests::binary;

fn checkout() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .ancestors()
        .nth(2)
        .expect("the package is tests/e2e")
        .to_owned()
}

/// The folders of the code that prints messages: `src` in each crate of the workspace.
fn sources() -> Vec<PathBuf> {
    let root = checkout();
    let entries = fs::read_dir(&root).expect("the checkout can be read");
    let mut crates: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the checkout can be read").path())
        .collect();
    crates.push(root.join("magics/runtime"));
    let sources = crates.iter().map(|path| path.join("src"));
    sources.filter(|path| path.is_dir()).collect()
}

/// README.md, CHANGELOG.md and everything in docs, with their texts.
fn documents() -> Vec<(PathBuf, String)> {
    let root = checkout();
    let docs = fs::read_dir(root.join("docs")).expect("there are documents");
    let docs = docs.map(|entry| entry.expect("the folder can be read").path());
    let all = [root.join("README.md"), root.join("CHANGELOG.md")]
        .into_iter()
        .chain(docs);
    all.filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| {
            let text = read(&path);
            (path, text)
        })
        .collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The text without its code blocks.
fn prose(text: &str) -> String {
    // The text begins with prose, and each fence switches between prose and code.
    text.split("```").step_by(2).collect()
}

/// The code blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fenced = text.split("```").skip(1).step_by(2);
    let of_language = fenced.filter_map(|block| block.strip_prefix(language));
    of_language
        .filter_map(|block| block.strip_prefix('\n'))
        .collect()
}

/// The targets of links and pictures: what stands between `](` and `)`, or in `src="…"`.
fn targets(text: &str) -> Vec<String> {
    let after = |sign: &'static str, end: char| {
        text.split(sign)
            .skip(1)
            .filter_map(move |rest| rest.split(end).next())
            .map(str::to_owned)
    };
    after("](", ')').chain(after("src=\"", '"')).collect()
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> HashSet<String> {
    let headings = prose(text);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|char| char.is_alphanumeric() || " -_".contains(*char));
            kept.map(|char| if char == ' ' { '-' } else { char })
                .collect()
        })
        .collect()
}

/// What contributors read.
const FOR_CONTRIBUTORS: [&str; 7] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "build/src/evcxr/README.md",
    "install/README.md",
    "magics/runtime/src/pool/README.md",
    "tests/README.md",
];

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut checked = 0;
    let for_contributors = FOR_CONTRIBUTORS.map(|file| {
        let path = checkout().join(file);
        let text = read(&path);
        (path, text)
    });
    for (path, text) in documents().into_iter().chain(for_contributors) {
        let folder = path.parent().expect("a file is in a folder");
        for target in targets(&prose(&text)) {
            if target.starts_with("https://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let linked = if file.is_empty() {
                path.clone()
            } else {
                folder.join(file)
            };
            assert!(linked.exists(), "{}: nothing at {target}", path.display());
            assert!(
                anchor.is_empty() || anchors(&read(&linked)).contains(anchor),
                "{}: no heading for {target}",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} links were found");
}

fn help(command: &[&str]) -> String {
    let output = binary::command()
        .args(command)
        .arg("--help")
        .output()
        .expect("the program starts");
    String::from_utf8(output.stdout)
        .expect("help is text")
        .trim_end()
        .to_owned()
}

#[test]
fn the_page_about_the_command_line_has_the_help_texts() {
    let page = read(&checkout().join("docs/command-line.md"));
    let blocks: Vec<&str> = blocks(&page, "text")
        .into_iter()
        .map(str::trim_end)
        .collect();
    let overview = help(&[]);
    let commands = overview
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    let commands = commands.filter_map(|line| line.split_whitespace().next());
    let mut texts = vec![overview.clone()];
    texts.extend(
        commands
            .filter(|name| *name != "help")
            .map(|name| help(&[name])),
    );
    assert_eq!(blocks.len(), texts.len(), "a block for each command");
    for text in texts {
        assert!(
            blocks.contains(&text.as_str()),
            "docs/command-line.md lacks:\n{text}"
        );
    }
}

#[test]
fn every_command_line_in_the_documents_is_accepted() {
    let mut tried = 0;
    for (path, text) in documents() {
        for block in blocks(&text, "sh") {
            let block = block.replace("\\\n", " ");
            for line in block
                .lines()
                .filter_map(|line| line.trim().strip_prefix("corebook "))
            {
                let line = line.split(" #").next().unwrap_or_default();
                // The shell splits the words. With --help the command is parsed but not run.
                let output = std::process::Command::new("sh")
                    .args(["-c", &format!("\"$0\" {line} --help")])
                    .arg(binary::path())
                    .output()
                    .expect("there is a shell");
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert!(
                    output.status.success(),
                    "{}: corebook {line}: {stderr}",
                    path.display()
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 5, "only {tried} command lines were found");
}

#[test]
fn every_message_in_troubleshooting_is_in_the_code() {
    let mut code = String::new();
    for folder in sources() {
        gather(&folder, &mut code);
    }
    let code = joined(&code);
    let page = read(&checkout().join("docs/troubleshooting.md"));
    let messages = blocks(&page, "text");
    assert!(
        messages.len() > 15,
        "only {} messages were found",
        messages.len()
    );
    for message in messages {
        // The program fills in what stands for `…` when it runs.
        for part in message.trim_end().split('…') {
            let part = part.trim_matches(['`', '(', ')', ' ', ':', ',']);
            assert!(code.contains(part), "no code prints {part:?}");
        }
    }
}

/// Adds the text of all sources below a folder to `code`.
fn gather(folder: &Path, code: &mut String) {
    for entry in fs::read_dir(folder).expect("there is code") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            gather(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&read(&path));
        }
    }
}

/// Source code with its string literals as they are printed: continued lines joined, braces and quotes unescaped.
fn joined(code: &str) -> String {
    let mut pieces = code.split("\\\n");
    let mut joined = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        joined.push_str(piece.trim_start());
    }
    joined
        .replace("{{", "{")
        .replace("}}", "}")
        .replace("\\\"", "\"")
}
