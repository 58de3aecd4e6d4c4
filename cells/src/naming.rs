//! Asks the compiler whether code can name types of other crates. Does no I/O.
//!
//! rustc names a type by a public path if there is one, but the name does not show whether it is public. So a source
//! with an import of each path is compiled. It has an error in its function, so that it is never run.

use std::collections::HashSet;

use crate::draft::function::FUNCTION;
use crate::draft::{Draft, Kept, Unkept, WhyUnkept};
use crate::items::Items;
use crate::messages::Message;
use crate::types::{self, Unnameable};

/// Paths of types in other crates, to be looked up once.
#[derive(Debug, Default)]
pub struct KnownPaths {
    public: HashSet<String>,
    private: HashSet<String>,
}

/// Paths about which the compiler has to be asked.
pub struct Question {
    paths: Vec<String>,
}

impl KnownPaths {
    /// What has to be asked about the types of these variables; `None` if all of their paths are known.
    pub fn ask(&self, kept: &[Kept], draft: &Draft) -> Option<Question> {
        let names = kept.iter().map(|it| it.variable.type_name.as_str());
        let paths: HashSet<String> = names
            .flat_map(|name| foreign_paths(name, &draft.items))
            .filter(|path| !self.public.contains(path) && !self.private.contains(path))
            .collect();
        let paths = Vec::from_iter(paths);
        (!paths.is_empty()).then_some(Question { paths })
    }

    /// Learns the answer.
    ///
    /// * `messages`: the compiler's, about [`Question::source`]. If it did not run, nothing is learned.
    pub fn learn(&mut self, question: Question, messages: &[Message]) {
        let errors: Vec<&Message> = messages.iter().filter(|it| it.is_error()).collect();
        if errors.is_empty() {
            return;
        }
        let mut end = 0;
        for path in question.paths {
            let start = end;
            end += import_of(&path).len();
            let mut spans = errors.iter().flat_map(|error| &error.spans);
            match spans.any(|span| (start..end).contains(&span.range.start)) {
                true => self.private.insert(path),
                false => self.public.insert(path),
            };
        }
    }

    /// Moves the variables whose types are private to those that are not kept.
    pub fn judge(&self, kept: &mut [Kept], draft: &mut Draft) {
        for it in kept.iter_mut() {
            let paths = foreign_paths(&it.variable.type_name, &draft.items);
            if paths.iter().any(|path| self.private.contains(path)) {
                it.is_nameable = false;
                let binding = draft.binding(&it.variable.name);
                draft.unkept.extend(binding.map(|binding| Unkept {
                    name: binding.name,
                    range: binding.range,
                    why: WhyUnkept::Type(Unnameable::Foreign),
                }));
            }
        }
    }
}

impl Question {
    /// The source to compile.
    pub fn source(&self) -> String {
        let imports: String = self.paths.iter().map(|path| import_of(path)).collect();
        format!(
            "{imports}#[unsafe(no_mangle)]\npub extern \"C\" fn {FUNCTION}() {{ let () = 1; }}\n"
        )
    }
}

fn import_of(path: &str) -> String {
    format!("use ::{path} as _;\n")
}

/// The paths in a type that begin with another crate than the standard library and the runtime.
fn foreign_paths(name: &str, items: &Items) -> Vec<String> {
    const KNOWN: [&str; 4] = ["std", "core", "alloc", "corebook"];
    let paths = types::paths(name).into_iter();
    let is_foreign = |path: &&str| {
        let first = path.split("::").next().unwrap_or_default();
        path.contains("::") && !KNOWN.contains(&first) && !items.is_root(first)
    };
    paths.filter(is_foreign).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Span;
    use crate::notebook::Notebook;

    fn error_at(source: &str, text: &str) -> Message {
        let start = source.find(text).unwrap();
        let span = Span {
            range: start..start + text.len(),
            is_primary: true,
            label: String::new(),
            replacement: None,
        };
        Message {
            level: "error".to_owned(),
            code: Some("E0603".to_owned()),
            text: "module is private".to_owned(),
            spans: vec![span],
            children: Vec::new(),
            explanation: None,
        }
    }

    #[test]
    fn private_types_of_crates_are_not_kept() {
        let notebook = Notebook::default();
        let code = "let a = f(); let b = g(); let c = 1;";
        let mut draft = notebook.draft(0, 1, code);
        let slot = |number: usize, name: &str| {
            format!(
                "let mut _{number}: corebook::store::Slot<{name}>;\ndebug corebook_slot_{number} => _{number};\n"
            )
        };
        let mir =
            slot(0, "std::vec::Vec<x::open::A<u8>>") + &slot(1, "x::hidden::B") + &slot(2, "i32");
        draft.learn_types(&mir);
        let mut kept = draft.kept();
        let mut known = KnownPaths::default();
        let question = known.ask(&kept, &draft).unwrap();
        let source = question.source();
        assert!(source.contains("use ::x::open::A as _;\n"), "{source}");
        known.learn(
            question,
            &[error_at(&source, "hidden"), error_at(&source, "let ()")],
        );
        known.judge(&mut kept, &mut draft);
        let nameable: Vec<bool> = kept.iter().map(|it| it.is_nameable).collect();
        assert_eq!(nameable, [true, false, true]);
        assert_eq!(draft.unkept()[0].name, "b");
        assert!(known.ask(&kept, &draft).is_none(), "both are known");
    }

    #[test]
    fn nothing_is_learned_from_a_compiler_that_did_not_run() {
        let mut draft = Notebook::default().draft(0, 1, "let a = f();");
        let mir = "let mut _1: corebook::store::Slot<x::A>;\ndebug corebook_slot_0 => _1;\n";
        draft.learn_types(mir);
        let kept = draft.kept();
        let mut known = KnownPaths::default();
        let question = known.ask(&kept, &draft).unwrap();
        known.learn(question, &[]);
        assert!(known.ask(&kept, &draft).is_some());
    }
}
