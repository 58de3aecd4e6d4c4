//! Converts HTML that was made from Markdown back to Markdown, or to text.
//!
//! Handles the elements that evcxr's renderer makes, and skips others. Expects cleaned HTML: every element is closed,
//! all links are safe to follow, and no tag contains a further `<` or `>`.

use crate::shared::markup::unescaped;

/// Enough for `1. ` and for `* `.
const LEAST_INDENT: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Markdown,
}

/// The state of a conversion.
pub struct Writer {
    form: Form,
    written: String,
    lists: Vec<List>,
    /// The length of `written` when the last list item began.
    item_start: usize,
    /// The addresses of open links.
    links: Vec<String>,
    code: Option<Code>,
}

/// An open list.
struct List {
    /// The number of the next item. None in a list without numbers.
    number: Option<usize>,
    /// The indent of an item's lines. At least that of its text; otherwise a code block would end the item.
    indent: usize,
}

/// Open code, in which nothing is Markdown.
#[derive(Default)]
struct Code {
    text: String,
    is_block: bool,
    language: String,
}

impl Writer {
    /// Converts `html` to `form`.
    pub fn write(html: &str, form: Form) -> String {
        let mut writer = Self {
            form,
            written: String::new(),
            lists: Vec::new(),
            item_start: 0,
            links: Vec::new(),
            code: None,
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
        if let Some(code) = &mut self.code {
            match name {
                "code" if code.language.is_empty() => code.language = language(attributes),
                "/pre" if code.is_block => self.end_code_block(),
                "/code" if !code.is_block => self.end_code(),
                // No other element means anything in code.
                _ => {}
            }
            return;
        }
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
                self.code = Some(Code {
                    is_block: true,
                    ..Code::default()
                });
            }
            "code" => self.code = Some(Code::default()),
            "em" | "/em" => self.mark("*"),
            "strong" | "/strong" => self.mark("**"),
            "a" => self.begin_link(attributes),
            "/a" => self.end_link(),
            "ul" | "ol" => {
                if self.lists.is_empty() {
                    self.paragraph();
                }
                self.lists.push(List {
                    number: (name == "ol").then_some(1),
                    indent: LEAST_INDENT,
                });
            }
            "li" => self.begin_list_item(),
            "br" | "br/" | "tr" => self.line(),
            _ => {}
        }
        if matches!(name, "/ul" | "/ol") {
            self.lists.pop();
        }
    }

    fn begin_link(&mut self, attributes: &str) {
        let link = attributes
            .split_once("href=\"")
            .and_then(|(_, rest)| rest.split('"').next());
        let link = unescaped(link.unwrap_or_default());
        if !link.is_empty() {
            self.mark("[");
        }
        self.links.push(link);
    }

    fn end_link(&mut self) {
        let link = self.links.pop().unwrap_or_default();
        if !link.is_empty() {
            // A parenthesis would end the link.
            let link = link.replace('(', "%28").replace(')', "%29");
            self.mark(&format!("]({link})"));
        }
    }

    fn begin_list_item(&mut self) {
        self.line();
        let Some(mut list) = self.lists.pop() else {
            return;
        };
        let marker = match &mut list.number {
            Some(number) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            None => "* ".to_owned(),
        };
        list.indent = marker.len().max(LEAST_INDENT);
        self.put(&marker);
        self.lists.push(list);
        self.item_start = self.written.len();
    }

    fn text(&mut self, html: &str) {
        let text = unescaped(html);
        if let Some(code) = &mut self.code {
            code.text.push_str(&text);
            return;
        }
        // Line breaks between elements are not part of the text.
        if text.trim().is_empty() && text.contains('\n') {
            return;
        }
        let text = text.replace('\n', " ");
        match self.form {
            Form::Markdown => self.put(&as_markdown(&text)),
            Form::Text => self.put(&text),
        }
    }

    fn end_code(&mut self) {
        // An empty line would end the code, and the rest of it would be read as Markdown.
        let text = self.code.take().unwrap_or_default().text.replace('\n', " ");
        if text.is_empty() || self.form == Form::Text {
            return self.put(&text);
        }
        let fence = fence(1, &text);
        let pad = if text.starts_with('`') || text.ends_with('`') {
            " "
        } else {
            ""
        };
        // Two adjacent backticks would be read as one fence.
        if self.written.ends_with('`') {
            self.put(" ");
        }
        self.put(&format!("{fence}{pad}{text}{pad}{fence}"));
    }

    fn end_code_block(&mut self) {
        let Code { text, language, .. } = self.code.take().unwrap_or_default();
        let fence = match self.form {
            Form::Markdown => fence(3, &text),
            Form::Text => String::new(),
        };
        if !fence.is_empty() {
            self.put(&format!("{fence}{language}"));
            self.line();
        }
        for line in text.split_inclusive('\n') {
            if self.form == Form::Text && !line.trim().is_empty() {
                self.put("    ");
            }
            self.put(line);
        }
        if !fence.is_empty() {
            self.line();
            self.put(&fence);
        }
        self.paragraph();
    }

    /// Writes a Markdown mark within a line.
    fn mark(&mut self, mark: &str) {
        if self.form == Form::Markdown {
            self.put(mark);
        }
    }

    fn put(&mut self, text: &str) {
        if self.written.ends_with('\n') {
            let indent = self.lists.iter().map(|list| list.indent).sum();
            self.written.push_str(&" ".repeat(indent));
        }
        self.written.push_str(text);
    }

    fn line(&mut self) {
        if !self.written.is_empty() && !self.written.ends_with('\n') {
            self.written.push('\n');
        }
    }

    fn paragraph(&mut self) {
        if self.written.len() == self.item_start {
            return;
        }
        self.line();
        if !self.written.ends_with("\n\n") {
            self.written.push('\n');
        }
    }
}

/// The language that the class of a code block names.
fn language(attributes: &str) -> String {
    attributes
        .trim_start_matches("class=\"language-")
        .trim_end_matches('"')
        .to_owned()
}

/// The backticks around code: more than the longest run of backticks in it.
fn fence(least: usize, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

/// Escapes `text` so that no character of it is read as a Markdown mark or as the start of HTML.
fn as_markdown(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '&' | '~') {
            markdown.push('\\');
        }
        markdown.push(c);
    }
    markdown
}
