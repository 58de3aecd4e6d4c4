//! Writes the function that runs a cell. Does no I/O.
//!
//! The names in it begin with `corebook_` or `::`, so that they never mean something of the user's.

use ra_ap_syntax::{Edition, SourceFile, SyntaxKind};

use super::{Draft, Form};
use crate::notebook::ErrorFormat;
use crate::source::{Mark, Source};
use crate::types::SLOT;

/// The name of the function in the source. The cargo shim replaces it by the name that evcxr expects.
pub const FUNCTION: &str = "corebook_cell_function";

impl Draft {
    pub(super) fn write_function(&self, source: &mut Source) {
        if self.form == Form::Unparsed {
            return self.write_unparsed(source);
        }
        const STORE: &str = "*mut ::corebook::__private::cell::VariableStore";
        let is_plain = self.form == Form::Plain;
        if is_plain {
            source.generate(
                "fn corebook_plain_cell(corebook_store: &mut ::corebook::__private::cell::VariableStore) {\n",
            );
            self.write_loads(source, "return;");
            self.write_body(source);
            self.write_returns(source);
            source.generate("}\n");
        }
        source.generate(&format!(
            "#[unsafe(no_mangle)]\npub extern \"C\" fn {FUNCTION}(corebook_store: {STORE}) -> {STORE} {{\n"
        ));
        if self.uses_store() || is_plain {
            source.generate(
                "let corebook_store = unsafe { ::corebook::__private::cell::open(corebook_store) };\n",
            );
        }
        if !is_plain {
            self.write_loads(source, "return corebook_store;");
        }
        let catches = is_plain || !self.settings.lets_panics_pass;
        if catches {
            source.generate("if ::std::panic::catch_unwind(::std::panic::AssertUnwindSafe(|| {\n");
        }
        if is_plain {
            source.generate("corebook_plain_cell(corebook_store)\n");
        } else {
            self.write_body(source);
        }
        if catches {
            source.generate("})).is_err() { ::corebook::__private::cell::panicked(); }\n");
        }
        if !is_plain {
            self.write_returns(source);
        }
        if self.reports() {
            source.generate(&format!("{}\n", self.close()));
        }
        source.generate("corebook_store\n}\n");
    }

    /// Writes a cell that can't be parsed, for the compiler's message about it.
    fn write_unparsed(&self, source: &mut Source) {
        // The cell comes last, because it may contain a string without an end.
        source.generate(&format!(
            "#[unsafe(no_mangle)]\npub extern \"C\" fn {FUNCTION}(store: *mut u8) -> *mut u8 {{\n\
             if ::std::panic::catch_unwind(|| corebook_unparsed_cell()).is_err() {{ ::corebook::__private::cell::panicked(); }}\n\
             store\n}}\n"
        ));
        // In a function, a brace too many would close the function.
        let closes_more = self.statements.iter().any(|part| closes_more(&part.text));
        let (before, after) = match closes_more {
            true => ("", ""),
            false => ("fn corebook_unparsed_cell() {\n", "}\n"),
        };
        source.generate(before);
        self.write_statements(source);
        source.end_with_copy();
        source.generate(after);
    }

    /// Puts the variables back that the cell has loaded.
    fn write_returns(&self, source: &mut Source) {
        for load in self.loads.iter().filter(|load| !load.is_moved) {
            let name = &load.variable.name;
            let ident = ident(name);
            source.generate_marked(
                &format!("corebook_store.put_back({name:?}, {ident});\n"),
                Mark::Return(name.clone()),
            );
        }
    }

    fn uses_store(&self) -> bool {
        self.reports() || self.needs.awaits || self.has_runtime
    }

    /// Whether the kernel has to know about variables or statics when the cell has ended.
    fn reports(&self) -> bool {
        self.changes_variables() || !self.defined_statics().is_empty()
    }

    /// The statement that reports.
    fn close(&self) -> String {
        let run = self.run;
        match self.defined_statics().as_slice() {
            [] => format!("corebook_store.close({run});"),
            _ => format!("corebook_store.close_with_library({run}, {FUNCTION} as *const ());"),
        }
    }

    fn changes_variables(&self) -> bool {
        !self.loads.is_empty() || !self.bindings.is_empty()
    }

    /// * `give_up`: leaves the function.
    fn write_loads(&self, source: &mut Source, give_up: &str) {
        if self.loads.is_empty() {
            return;
        }
        source.generate("let mut corebook_is_well = true;\n");
        for load in &self.loads {
            let (name, type_code) = (&load.variable.name, &load.type_code);
            source.generate_marked(
                &format!("corebook_is_well &= corebook_store.check::<{type_code}>({name:?});\n"),
                Mark::Load(name.clone()),
            );
        }
        source.generate(&format!(
            "if !corebook_is_well {{ {} {give_up} }}\n",
            self.close()
        ));
        for load in &self.loads {
            let (name, type_code) = (&load.variable.name, &load.type_code);
            let mutable = if load.variable.is_mutable { "mut " } else { "" };
            let ident = ident(name);
            source.generate_marked(
                &format!("let {mutable}{ident} = corebook_store.take::<{type_code}>({name:?});\n"),
                Mark::Load(name.clone()),
            );
        }
    }

    fn write_body(&self, source: &mut Source) {
        let failed = match self.settings.error_format {
            ErrorFormat::Display => "::corebook::__private::cell::Failed",
            ErrorFormat::Debug => "::corebook::__private::cell::FailedDebug",
            ErrorFormat::Pretty => "::corebook::__private::cell::FailedPretty",
        };
        let result = format!("::std::result::Result::<(), {failed}>");
        if self.needs.awaits || self.has_runtime {
            source.generate(
                "let corebook_runtime = corebook_store.lazy_arc(::corebook::__private::cell::ASYNC_RUNTIME, \
                 || ::std::sync::Mutex::new(::tokio::runtime::Runtime::new().unwrap()));\n\
                 let corebook_runtime = corebook_runtime.lock().unwrap_or_else(::std::sync::PoisonError::into_inner);\n",
            );
        }
        let end = match (self.needs.awaits, self.needs.fails) {
            (true, fails) => {
                source.generate("let _ = corebook_runtime.block_on(async {\n");
                if fails {
                    format!("{result}::Ok(())\n}});\n")
                } else {
                    "});\n".to_owned()
                }
            }
            (false, fails) => {
                if self.has_runtime {
                    source.generate("let _corebook_runtime = corebook_runtime.enter();\n");
                }
                if fails {
                    source.generate(&format!("let _ = (|| -> {result} {{\n"));
                    format!("{result}::Ok(())\n}})();\n")
                } else {
                    String::new()
                }
            }
        };
        self.write_statements(source);
        // Backwards, because each replaces, and so drops, an earlier variable of its name.
        for (number, binding) in self.bindings.iter().enumerate().rev() {
            let name = &binding.name;
            let ident = ident(name);
            source.generate_marked(
                &format!(
                    "let mut {SLOT}{number} = ::corebook::__private::cell::Slot::new({ident}); \
                     unsafe {{ corebook_store.put_new({name:?}, &mut {SLOT}{number}) }};\n"
                ),
                Mark::Keep(name.clone()),
            );
        }
        source.generate(&end);
    }

    fn write_statements(&self, source: &mut Source) {
        let (before, after) = match self.shows_by_function {
            false => ("(", ").evcxr_display();\n"),
            true => ("::corebook::__private::cell::show_value(&(", "));\n"),
        };
        for part in &self.statements {
            if part.is_value {
                source.generate_marked(before, Mark::Value);
            }
            source.copy(&part.text, self.cell, Some(part.start));
            if part.is_value {
                source.generate_marked(after, Mark::Value);
            }
        }
    }
}

/// Whether a closing brace has no opening one before it.
fn closes_more(code: &str) -> bool {
    let parsed = SourceFile::parse(code, Edition::Edition2024);
    let mut depth = 0_i32;
    let tokens = parsed.syntax_node().descendants_with_tokens();
    tokens.filter_map(|it| it.into_token()).any(|token| {
        depth += match token.kind() {
            SyntaxKind::L_CURLY => 1,
            SyntaxKind::R_CURLY => -1,
            _ => 0,
        };
        depth < 0
    })
}

/// A name as code.
pub(crate) fn ident(name: &str) -> String {
    const CANNOT_BE_RAW: [&str; 5] = ["self", "Self", "super", "crate", "_"];
    match is_keyword(name) && !CANNOT_BE_RAW.contains(&name) {
        true => format!("r#{name}"),
        false => name.to_owned(),
    }
}

fn is_keyword(name: &str) -> bool {
    SyntaxKind::from_keyword(name, Edition::Edition2024).is_some()
}
