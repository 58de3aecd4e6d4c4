//! HTML that was made of Markdown, written as Markdown again or as text.
//!
//! Knows the elements that evcxr's renderer makes, and skips others.

use crate::markup::unescaped;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Markdown,
}

/// Writes HTML that was made of Markdown as Markdown or text.
pub struct Writer {
    form: Form,
    written: String,
    /// The numbers of the lists around, next first; none for a list without.
    lists: Vec<Option<usize>>,
    /// Where open links lead to.
    links: Vec<String>,
    is_code_block: bool,
    is_code: bool,
}

impl Writer {
    /// The whole of `html` in one form.
    pub fn write(html: &str, form: Form) -> String {
        let mut writer = Self {
            form,
            written: String::new(),
            lists: Vec::new(),
            links: Vec::new(),
            is_code_block: false,
            is_code: false,
        };
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            writer.text(&rest[..start]);
            let end = rest[start..]
                .find('>')
                .map_or(rest.len(), |end| start + end);
            writer.tag(&rest[start + 1..end]);
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        writer.text(rest);
        let lines = writer.written.trim().lines().map(str::trim_end);
        lines.collect::<Vec<_>>().join("\n")
    }

    fn tag(&mut self, tag: &str) {
        let is_markdown = self.form == Form::Markdown;
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        match name {
            "p" | "/p" | "/ul" | "/ol" | "blockquote" | "/blockquote" | "table" | "/table" => {
                self.paragraph()
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.paragraph();
                if is_markdown {
                    let level = name[1..].parse().unwrap_or(1);
                    self.put(&format!("{} ", "#".repeat(level)));
                }
            }
            "/h1" | "/h2" | "/h3" | "/h4" | "/h5" | "/h6" => self.paragraph(),
            "hr" => {
                self.paragraph();
                if is_markdown {
                    self.put("---");
                    self.paragraph();
                }
            }
            "pre" => {
                self.paragraph();
                self.is_code_block = true;
            }
            "/pre" => {
                if is_markdown {
                    self.line();
                    self.put("```");
                }
                self.is_code_block = false;
                self.paragraph();
            }
            "code" if self.is_code_block && is_markdown => {
                let language = attributes
                    .trim_start_matches("class=\"language-")
                    .trim_end_matches('"');
                self.put(&format!("```{language}"));
                self.line();
            }
            "code" | "/code" if !self.is_code_block => {
                self.is_code = name == "code";
                self.mark("`");
            }
            "em" | "/em" => self.mark("*"),
            "strong" | "/strong" => self.mark("**"),
            "a" => {
                let link = attributes
                    .split_once("href=\"")
                    .and_then(|(_, rest)| rest.split('"').next());
                self.links.push(unescaped(link.unwrap_or_default()));
                self.mark("[");
            }
            "/a" => {
                let link = self.links.pop().unwrap_or_default();
                self.mark(&format!("]({link})"));
            }
            "ul" | "ol" => {
                if self.lists.is_empty() {
                    self.paragraph();
                }
                self.lists.push((name == "ol").then_some(1));
            }
            "li" => {
                self.line();
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "* ".to_owned(),
                };
                let depth = self.lists.len().saturating_sub(1);
                self.written
                    .push_str(&format!("{}{marker}", "   ".repeat(depth)));
            }
            "br" | "br/" | "tr" => self.line(),
            _ => {}
        }
        if matches!(name, "/ul" | "/ol") {
            self.lists.pop();
        }
    }

    fn text(&mut self, html: &str) {
        let text = unescaped(html);
        if self.is_code_block {
            for line in text.split_inclusive('\n') {
                if self.form == Form::Text && !line.trim().is_empty() {
                    self.put("    ");
                }
                self.put(line);
            }
            return;
        }
        // Line breaks between blocks are not the text's.
        if text.trim().is_empty() && text.contains('\n') {
            return;
        }
        let text = text.replace('\n', " ");
        match self.form {
            Form::Markdown if !self.is_code => {
                self.put(&text.replace('<', "\\<").replace('*', "\\*"))
            }
            _ => self.put(&text),
        }
    }

    /// A mark of Markdown's within a line.
    fn mark(&mut self, mark: &str) {
        if self.form == Form::Markdown {
            self.put(mark);
        }
    }

    fn put(&mut self, text: &str) {
        if self.written.ends_with('\n') {
            self.written.push_str(&"   ".repeat(self.lists.len()));
        }
        self.written.push_str(text);
    }

    fn line(&mut self) {
        if !self.written.is_empty() && !self.written.ends_with('\n') {
            self.written.push('\n');
        }
    }

    fn paragraph(&mut self) {
        let is_item_begun =
            self.written.ends_with("* ") || self.written.ends_with(". ") && !self.lists.is_empty();
        if is_item_begun || self.written.is_empty() {
            return;
        }
        self.line();
        if !self.written.ends_with("\n\n") {
            self.written.push('\n');
        }
    }
}
