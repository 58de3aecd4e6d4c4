//! The commands at the start of a cell, such as `:dep`: which of them evcxr executes, and those that the kernel answers
//! itself, because evcxr does not know the notebook. Does no I/O.

use corebook_cells::messages::Message;
use corebook_cells::notebook::{ErrorFormat, Notebook, Variable};
use evcxr::EvalOutputs;

/// One or more commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Text for evcxr. Its lines have the numbers that they have in the cell.
    Evcxr(String),
    Own(OwnCommand),
    /// `:clear`
    Clear,
}

/// A command that the kernel answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCommand {
    name: String,
    argument: Option<String>,
}

/// The commands that need what evcxr does not know.
const OWN: [&str; 7] = [
    ":vars",
    ":type",
    ":t",
    ":efmt",
    ":preserve_vars_on_panic",
    ":explain",
    ":last_error_json",
];

/// The lines of a cell that are commands, with their numbers from 0, and where its Rust begins.
///
/// Commands are the lines at the start that begin with `:` or `!`, by evcxr's rule.
fn lines(code: &str) -> (Vec<(usize, &str)>, usize) {
    let mut commands = Vec::new();
    let mut start = 0;
    for (number, line) in code.split_inclusive('\n').enumerate() {
        let is_command = line.starts_with('!') || line.trim_start_matches(' ').starts_with(':');
        if is_command {
            commands.push((number, line.trim_end()));
        } else if !line.starts_with("//") && !line.trim().is_empty() {
            break;
        }
        start += line.len();
    }
    (commands, start)
}

/// Whether one of the commands of a cell has this name.
pub fn has(code: &str, name: &str) -> bool {
    let (commands, _) = lines(code);
    commands
        .iter()
        .any(|(_, line)| line.split_whitespace().next() == Some(name))
}

/// Splits a cell into its commands and its Rust, in which the commands are blank. No Rust if there are only comments
/// before the end.
pub fn split(code: &str) -> (Vec<Command>, Option<String>) {
    let (lines, start) = lines(code);
    let mut commands: Vec<Command> = Vec::new();
    for (number, line) in lines {
        add(&mut commands, line, number);
    }
    let (before, rust) = code.split_at(start);
    // One byte for each byte, so that offsets stay those of the cell.
    let blank = before
        .bytes()
        .map(|it| if it == b'\n' { '\n' } else { ' ' });
    let rust = (!rust.is_empty()).then(|| blank.chain(rust.chars()).collect());
    (commands, rust)
}

fn add(commands: &mut Vec<Command>, line: &str, line_number: usize) {
    let mut words = line.trim_start().splitn(2, ' ');
    let name = words.next().unwrap_or_default();
    if name == ":clear" {
        commands.push(Command::Clear);
    } else if OWN.contains(&name) {
        let argument = words.next().map(str::trim).filter(|it| !it.is_empty());
        commands.push(Command::Own(OwnCommand {
            name: name.to_owned(),
            argument: argument.map(str::to_owned),
        }));
    } else if let Some(Command::Evcxr(text)) = commands.last_mut() {
        let lines = text.matches('\n').count();
        text.push_str(&"\n".repeat(line_number - lines));
        text.push_str(line);
    } else {
        let before = "\n".repeat(line_number);
        commands.push(Command::Evcxr(format!("{before}{line}")));
    }
}

impl OwnCommand {
    /// * `last_errors`: those of the last cell that did not compile.
    pub fn answer(
        &self,
        notebook: &mut Notebook,
        last_errors: &[Message],
    ) -> Result<EvalOutputs, evcxr::Error> {
        match self.name.as_str() {
            ":vars" => Ok(variables(notebook)),
            ":type" | ":t" => self.type_of_variable(notebook),
            ":efmt" => self.error_format(notebook),
            ":preserve_vars_on_panic" => {
                let preserves = self.argument.as_deref() == Some("1");
                notebook.settings_mut().lets_panics_pass = !preserves;
                Ok(text(format!("Preserve vars on panic: {preserves}")))
            }
            ":explain" => explain(last_errors),
            _ => Err(
                "the errors as JSON are not kept: `rustc --error-format=json` prints them".into(),
            ),
        }
    }

    fn type_of_variable(&self, notebook: &Notebook) -> Result<EvalOutputs, evcxr::Error> {
        let Some(name) = self.argument.as_deref() else {
            return Err(format!("name a variable: `{} x`", self.name).into());
        };
        let variables = notebook.variables();
        let plain = name.trim_start_matches("r#");
        let found = variables.iter().find(|variable| variable.name == plain);
        match found {
            Some(variable) => Ok(text(format!("{name}: {}", variable.type_name))),
            None => Err(format!("no variable is named `{name}`: `:vars` lists all").into()),
        }
    }

    fn error_format(&self, notebook: &mut Notebook) -> Result<EvalOutputs, evcxr::Error> {
        let settings = notebook.settings_mut();
        match self.argument.as_deref() {
            None => {}
            Some("{}") => settings.error_format = ErrorFormat::Display,
            Some("{:?}") => settings.error_format = ErrorFormat::Debug,
            Some("{:#?}") => settings.error_format = ErrorFormat::Pretty,
            Some(other) => {
                return Err(format!(
                    "`{other}` is no format for errors: use {{}}, {{:?}} or {{:#?}}"
                )
                .into());
            }
        }
        let (format, of_trait) = match settings.error_format {
            ErrorFormat::Display => ("{}", "Display"),
            ErrorFormat::Debug => ("{:?}", "Debug"),
            ErrorFormat::Pretty => ("{:#?}", "Debug"),
        };
        Ok(text(format!(
            "Error format: {format} (errors must implement std::fmt::{of_trait})"
        )))
    }
}

fn variables(notebook: &Notebook) -> EvalOutputs {
    let mut plain = String::new();
    let mut html = "<table><tr><th>Variable</th><th>Type</th></tr>".to_owned();
    let mut variables: Vec<&Variable> = notebook.variables().iter().collect();
    variables.sort_by_key(|variable| &variable.name);
    for variable in variables {
        let (name, type_name) = (variable.ident(), &variable.type_name);
        plain.push_str(&format!("{name}: {type_name}\n"));
        html.push_str(&format!(
            "<tr><td>{}</td><td>{}</td></tr>",
            escaped(&name),
            escaped(type_name)
        ));
    }
    html.push_str("</table>");
    EvalOutputs::text_html(plain, html)
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

fn explain(last_errors: &[Message]) -> Result<EvalOutputs, evcxr::Error> {
    let explanations: Vec<&str> = last_errors
        .iter()
        .filter_map(|error| error.explanation.as_deref())
        .collect();
    match (last_errors, explanations.as_slice()) {
        ([], _) => Err("no cell has failed to compile yet".into()),
        (_, []) => Err("rustc has no longer explanation of the last error".into()),
        (_, explanations) => Ok(text(explanations.join("\n"))),
    }
}

fn text(mut line: String) -> EvalOutputs {
    line.push('\n');
    let mut outputs = EvalOutputs::new();
    outputs
        .content_by_mime_type
        .insert("text/plain".to_owned(), line);
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_separated_from_rust() {
        let (commands, rust) = split("// é\n:dep a\n  :dep b\n:vars x \n!ls\n\nlet é = 1;\n:not");
        let own = OwnCommand {
            name: ":vars".to_owned(),
            argument: Some("x".to_owned()),
        };
        assert_eq!(
            commands,
            [
                Command::Evcxr("\n:dep a\n  :dep b".to_owned()),
                Command::Own(own),
                Command::Evcxr("\n\n\n\n!ls".to_owned())
            ]
        );
        let expected = format!(
            "{}\nlet é = 1;\n:not",
            ["     ", "      ", "        ", "        ", "   ", ""].join("\n")
        );
        assert_eq!(rust.unwrap(), expected);
        assert_eq!(split(":dep a\n// no code\n").1, None);
        assert_eq!(split("1 + 1").1.as_deref(), Some("1 + 1"));
        assert_eq!(split(":clear").0, [Command::Clear]);
    }

    #[test]
    fn a_command_is_found_before_the_code_only() {
        for found in [":quit", "\n// a\n:dep x\n  :quit now\n1", "!ls\n:quit"] {
            assert!(has(found, ":quit"), "{found}");
        }
        for kept in [
            "",
            ":quits",
            "let s = \"\n:quit\n\";",
            ":dep x",
            "1\n:quit",
            "!echo :quit",
        ] {
            assert!(!has(kept, ":quit"), "{kept}");
        }
    }
}
