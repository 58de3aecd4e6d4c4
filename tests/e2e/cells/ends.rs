//! Each way a cell can end: which variables are there afterwards. What `:vars` lists is what the next cell can use.

use corebook_tests::notebook::Notebook;

const SETUP: &str = "\
let number = 5_i32;
let text = String::from(\"text\");
let mut list = vec![1, 2];
let shared = std::rc::Rc::new(std::cell::Cell::new(1));
";

/// What the variables of [`SETUP`] are, if nothing has changed them.
const CONTENTS: &str = "(number, text.as_str(), &list, shared.get())";
const UNCHANGED: &str = "(5, \"text\", [1, 2], 1)";

/// All names that the cells of this file give to variables.
const NAMES: [&str; 7] = ["number", "text", "list", "shared", "early", "late", "other"];

fn start() -> Notebook {
    let notebook = Notebook::start();
    notebook.run_quietly(SETUP);
    notebook
}

/// The names that `:vars` lists.
fn listed(notebook: &Notebook) -> Vec<String> {
    let ran = notebook.run(":vars");
    let texts = ran.outputs.iter();
    let text: String = texts
        .filter_map(|output| output.content["data"]["text/plain"].as_str())
        .collect();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().to_owned())
        .collect()
}

/// A variable is listed exactly if a cell can use it. Returns the names that are listed.
fn expect_agreement(notebook: &Notebook, after: &str) -> Vec<String> {
    let listed = listed(notebook);
    let (there, missing): (Vec<&str>, Vec<&str>) =
        NAMES.iter().partition(|name| has(&listed, name));
    let log = notebook.run(&borrow_all(&there)).log();
    assert_eq!(log, [""; 0], "listed after {after}: {listed:?}");
    if !missing.is_empty() {
        let traceback = notebook.run(&borrow_all(&missing)).traceback();
        for name in missing {
            let error = format!("cannot find value `{name}` in this scope");
            assert!(
                traceback.contains(&error),
                "{name} is not listed after {after}, but: {traceback}"
            );
        }
    }
    assert_eq!(notebook.run("1 + 1").result(), "2", "after {after}");
    listed
}

/// A cell that uses each of `names`, and keeps nothing.
fn borrow_all(names: &[&str]) -> String {
    let uses = names.iter().map(|name| format!("let _ = &{name};"));
    format!("{{ {} }}", uses.collect::<Vec<_>>().join(" "))
}

fn has(listed: &[String], name: &str) -> bool {
    listed.iter().any(|one| one == name)
}

#[test]
fn a_cell_that_succeeds_early_keeps_variables() {
    let notebook = start();
    for code in [
        "let early = 1;\nif number > 0 { return; }\nlet late = 2;",
        "return;",
        "let early = 'found: { for n in &list { if *n == 2 { break 'found Some(*n); } } None };",
        "'done: { if list.len() == 2 { break 'done; } println!(\"never\"); }",
        "let late = loop { if number > 0 { break \"late\"; } };",
        "{ let other = 1; let _ = other; }",
    ] {
        // Rust may refuse one of them, for a variable that is not always set. Then it must not change anything either.
        let _ = notebook.run(code).log();
        expect_agreement(&notebook, code);
        assert_eq!(notebook.run(CONTENTS).result(), UNCHANGED, "after {code}");
    }
}

#[test]
fn a_failed_cell_keeps_what_it_did_not_touch() {
    let notebook = start();
    for code in [
        "panic!(\"at once\")",
        "let early = 1;\nlet late: i32 = \"x\".parse()?;",
        "let early = String::from(\"early\");\nlet late = list[7];",
        "let Some(late) = None::<i32> else { panic!(\"nothing\") };",
        "let other = 1;\nstd::fs::read(\"/no/such/file\")?;",
        "let other = 1;\nlet Ok(late) = \"x\".parse::<u8>() else { return; };",
        "let early: i32 = \"type error\";",
        "let early = ;",
        "Err::<(), _>(\"failed\")?",
        "struct Noisy; impl Drop for Noisy { fn drop(&mut self) { panic!(\"dropped\") } } { let _noisy = Noisy; }",
    ] {
        let _ = notebook.run(code).log();
        expect_agreement(&notebook, code);
        assert_eq!(notebook.run(CONTENTS).result(), UNCHANGED, "after {code}");
    }
}

#[test]
fn a_failed_redefinition_keeps_the_old_variable() {
    for failing in ["panic!(\"failed\");", "\"x\".parse::<i32>()?;"] {
        let notebook = start();
        for code in [
            format!("let number = \"new\";\n{failing}"),
            format!("let number = 6;\n{failing}"),
            format!(
                "let number = vec![number];\nlet number = number.len();\nlet early = 1;\n{failing}"
            ),
            format!("let (text, number) = (1, 2);\n{failing}"),
            format!("let list = [0; 3];\nlet shared = \"new\";\n{failing}"),
        ] {
            let log = notebook.run(&code).log();
            assert_eq!(log.len(), 1, "{code}: {log:#?}");
            expect_agreement(&notebook, &code);
            assert_eq!(notebook.run(CONTENTS).result(), UNCHANGED, "after {code}");
        }
        // The types are the old ones, too: these would not compile otherwise.
        notebook.run_quietly("{ let again: i32 = number; let own: &mut Vec<i32> = &mut list; }");
        notebook.run_quietly("let number = \"new\";");
        assert_eq!(notebook.run("number").result(), "\"new\"");
    }
}

#[test]
fn a_redefinition_that_rust_refuses_changes_nothing() {
    let notebook = start();
    for code in [
        "let number = \"new\";\nlet wrong: i32 = \"type error\";",
        "let text = 1;\nunknown(text);",
        "let list = list;\nlist.no_such_method();",
        "let list = [list, ];\nlet = ;",
    ] {
        let ran = notebook.run(code);
        assert_eq!(
            ran.reply.text("status"),
            "error",
            "{code}: {:#?}",
            ran.log_lines()
        );
        expect_agreement(&notebook, code);
        assert_eq!(notebook.run(CONTENTS).result(), UNCHANGED, "after {code}");
    }
}

#[test]
fn variables_that_a_failed_cell_moved_or_changed_agree() {
    for failing in ["panic!(\"failed\");", "\"x\".parse::<i32>()?;"] {
        let notebook = start();
        // A change of a variable stays, because nothing undoes it.
        let _ = notebook
            .run(&format!(
                "list.push(3);\nshared.set(2);\nlet early = number;\n{failing}"
            ))
            .log();
        expect_agreement(&notebook, "a change");
        assert_eq!(
            notebook.run("(&list, shared.get())").result(),
            "([1, 2, 3], 2)"
        );
        // A moved variable may be gone. The lists agree about it, and about where it went.
        let _ = notebook
            .run(&format!("let other = text;\nlet late = list;\n{failing}"))
            .log();
        let listed = expect_agreement(&notebook, "a move");
        assert!(
            has(&listed, "number") && has(&listed, "shared"),
            "{listed:?}"
        );
        let _ = notebook
            .run(&format!(
                "drop(shared);\nlet number = number + 1;\n{failing}"
            ))
            .log();
        let listed = expect_agreement(&notebook, "a drop");
        assert!(has(&listed, "number"), "{listed:?}");
        notebook.run_quietly(SETUP);
        assert_eq!(notebook.run(CONTENTS).result(), UNCHANGED);
        expect_agreement(&notebook, "a new start");
    }
}

#[test]
fn commands_that_forget_variables_forget_all() {
    let notebook = start();
    for command in [":restart", ":clear"] {
        notebook.run_quietly("fn helper() -> u8 { 1 }");
        let _ = notebook.run(command).log();
        assert_eq!(listed(&notebook), [""; 0], "after {command}");
        expect_agreement(&notebook, command);
        notebook.run_quietly(SETUP);
        assert_eq!(notebook.run(CONTENTS).result(), UNCHANGED);
        expect_agreement(&notebook, "a new start");
    }
}

#[test]
fn variables_agree_after_a_walk_through_all_ends() {
    let notebook = start();
    for (code, contents) in [
        ("let number = number + 1;", "(6, \"text\", [1, 2], 1)"),
        (
            "list.push(3); panic!(\"failed\")",
            "(6, \"text\", [1, 2, 3], 1)",
        ),
        (
            "let number = 'early: { break 'early number + 1 };",
            "(7, \"text\", [1, 2, 3], 1)",
        ),
        ("let text = unknown;", "(7, \"text\", [1, 2, 3], 1)"),
        ("std::process::abort();", "(7, \"text\", [1, 2, 3], 1)"),
        (
            "let number = 8; let text = text + \"!\";",
            "(8, \"text!\", [1, 2, 3], 1)",
        ),
        (
            "let list: Vec<i32> = list.into_iter().skip(2).collect(); if true { shared.set(9); }",
            "(8, \"text!\", [3], 9)",
        ),
        (
            "shared.set(10); Err::<(), _>(\"failed\")?",
            "(8, \"text!\", [3], 10)",
        ),
        ("{ return; }", "(8, \"text!\", [3], 10)"),
    ] {
        let _ = notebook.run(code).log();
        assert_eq!(notebook.run(CONTENTS).result(), contents, "after {code}");
        expect_agreement(&notebook, code);
    }
}
