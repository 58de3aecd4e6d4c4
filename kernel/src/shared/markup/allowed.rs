//! Cleans HTML: keeps the elements of a fixed list, and turns everything else into text.
//!
//! Documentation comes from doc comments of any crate, and its Markdown can contain raw HTML. An element on the list is
//! written again, with only its allowed attributes. Other tags become text, so `Vec<T>` is shown as intended and a
//! script is visible. The result is well-formed. It never loads anything: no images, and no style except the alignment
//! of table cells.

use super::escaped;
use super::unescaped;

/// Elements that pulldown-cmark generates, and harmless ones that occur in doc comments.
pub(super) const ELEMENTS: [&str; 36] = [
    "a",
    "b",
    "blockquote",
    "code",
    "dd",
    "del",
    "details",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "i",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Elements without content.
pub(super) const VOID: [&str; 2] = ["br", "hr"];

/// Elements that only affect the layout. Their tags are removed, and their content stays.
const ARRANGING: [&str; 3] = ["center", "div", "span"];

/// The alignments of table columns, as pulldown-cmark writes them.
const ALIGNMENTS: [&str; 3] = [
    "text-align: left",
    "text-align: center",
    "text-align: right",
];

/// How links that a click may follow begin. Others run code, such as `javascript:`, or lead into the surrounding page.
const LINKS: [&str; 3] = ["https://", "http://", "#"];

/// Cleans `html`: keeps what is on the list, and turns everything else into text.
pub fn cleaned(html: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        writer.text(&rest[..start]);
        rest = &rest[start..];
        let taken = match rest.strip_prefix("<!--") {
            Some(comment) => comment
                .find("-->")
                .map(|end| "<!--".len() + end + "-->".len()),
            None => Tag::read(rest).map(|(tag, length)| {
                writer.tag(&tag, &rest[..length]);
                length
            }),
        };
        let taken = taken.unwrap_or_else(|| {
            writer.text("<");
            1
        });
        rest = &rest[taken..];
    }
    writer.text(rest);
    writer.end()
}

/// A tag, parsed in the same way as by an HTML tokenizer: <https://html.spec.whatwg.org/#tag-open-state>.
struct Tag<'html> {
    /// In lower case.
    name: String,
    is_end: bool,
    /// Values are not unescaped.
    attributes: Vec<(&'html str, &'html str)>,
}

impl<'html> Tag<'html> {
    /// Parses the tag at the start of `html`. Returns it and its length. None if there is no complete tag.
    fn read(html: &'html str) -> Option<(Self, usize)> {
        let mut rest = html.strip_prefix('<')?;
        let is_end = rest.starts_with('/');
        rest = rest.strip_prefix('/').unwrap_or(rest);
        if !rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        let name = up_to(&mut rest, |c| is_blank(c) || matches!(c, '/' | '>'));
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c| is_blank(c) || c == '/');
            if let Some(after) = rest.strip_prefix('>') {
                let tag = Self {
                    name: name.to_ascii_lowercase(),
                    is_end,
                    attributes,
                };
                return Some((tag, html.len() - after.len()));
            }
            attributes.push(attribute(&mut rest)?);
        }
    }

    fn attribute(&self, name: &str) -> Option<&'html str> {
        // If two attributes have the same name, browsers use the first one.
        let found = self
            .attributes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }

    /// The allowed attributes, as they are written.
    fn kept(&self) -> String {
        let kept = match self.name.as_str() {
            "a" => self.attribute("href").and_then(link).map(|to| ("href", to)),
            "code" => self
                .attribute("class")
                .filter(|class| is_language(class))
                .map(|class| ("class", class.to_owned())),
            "ol" => self
                .attribute("start")
                .filter(|start| start.bytes().all(|byte| byte.is_ascii_digit()))
                .map(|start| ("start", start.to_owned())),
            "td" | "th" => self
                .attribute("style")
                .filter(|style| ALIGNMENTS.contains(style))
                .map(|style| ("style", style.to_owned())),
            _ => None,
        };
        kept.map_or_else(String::new, |(name, value)| {
            format!(" {name}=\"{}\"", escaped(&value))
        })
    }
}

/// Takes the attribute at the start of `rest`, which must not begin with a blank or `>`. None if the tag is incomplete.
fn attribute<'html>(rest: &mut &'html str) -> Option<(&'html str, &'html str)> {
    // A name can begin with `=`.
    let first = rest.chars().next()?.len_utf8();
    let whole = *rest;
    *rest = &rest[first..];
    let name_end = first + up_to(rest, |c| is_blank(c) || matches!(c, '/' | '>' | '=')).len();
    let name = &whole[..name_end];
    let Some(value) = rest.trim_start_matches(is_blank).strip_prefix('=') else {
        return Some((name, ""));
    };
    *rest = value.trim_start_matches(is_blank);
    for quote in ['"', '\''] {
        if let Some(quoted) = rest.strip_prefix(quote) {
            let (value, after) = quoted.split_once(quote)?;
            *rest = after;
            return Some((name, value));
        }
    }
    Some((name, up_to(rest, |c| is_blank(c) || c == '>')))
}

/// Takes the text at the start of `rest` up to the first character for which `is_end` holds, or all of it.
fn up_to<'html>(rest: &mut &'html str, is_end: impl Fn(char) -> bool) -> &'html str {
    let end = rest.find(is_end).unwrap_or(rest.len());
    let (taken, after) = rest.split_at(end);
    *rest = after;
    taken
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// The address of a link. None if it is not allowed.
fn link(value: &str) -> Option<String> {
    let address = unescaped(value);
    let is_listed = LINKS.iter().any(|start| address.starts_with(start));
    // Other characters must be percent-encoded in an address. In Markdown they would end the link.
    let is_plain = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'<' | b'>' | b'"' | b'\\' | b'`' | b'^' | b'{' | b'|' | b'}'
            )
    };
    (is_listed && address.bytes().all(is_plain)).then_some(address)
}

/// Whether the class of a code block names its language, as in `language-rust,ignore`.
fn is_language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|language| {
        language
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b",_-+.".contains(&byte))
    })
}

/// Writes markup in which every element is closed.
#[derive(Default)]
struct Writer {
    written: String,
    /// The open elements, innermost last.
    open: Vec<&'static str>,
}

impl Writer {
    fn text(&mut self, html: &str) {
        self.written.push_str(&escaped(&unescaped(html)));
    }

    /// * `source`: the text of the tag, which is written if the tag is not allowed.
    fn tag(&mut self, tag: &Tag<'_>, source: &str) {
        let is_name = |name: &&&str| **name == tag.name;
        if let Some(name) = ELEMENTS.iter().find(is_name) {
            if tag.is_end {
                self.close(name);
            } else {
                self.written.push_str(&format!("<{name}{}>", tag.kept()));
                self.open.push(name);
            }
        } else if let Some(name) = VOID.iter().find(is_name) {
            self.written.push_str(&format!("<{name} />"));
        } else if tag.name == "img" {
            // Loading an image would reveal to its server that it is viewed.
            self.text(tag.attribute("alt").unwrap_or_default());
        } else if ARRANGING.iter().find(is_name).is_none() {
            self.text(source);
        }
    }

    /// Closes the innermost open element with this name, and all elements in it. Does nothing if none is open.
    fn close(&mut self, name: &str) {
        let Some(depth) = self.open.iter().rposition(|open| *open == name) else {
            return;
        };
        self.close_down_to(depth);
    }

    fn close_down_to(&mut self, depth: usize) {
        for name in self.open.drain(depth..).rev() {
            self.written.push_str(&format!("</{name}>"));
        }
    }

    fn end(mut self) -> String {
        self.close_down_to(0);
        self.written
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::shared::host::rendered;
    use crate::shared::markup::hostile;

    #[test]
    fn html_made_from_markdown_is_kept() {
        let html = rendered(
            "# One\n\nA *b* **c** `d` <https://a.b/c?d=e&f=g> [h](#i \"title\").\n\n3. x\n4. y\n   * z\n\n> q\n\n---\n\n\
             ```rust,ignore\nlet x: Vec<_> = 1;\n```\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n",
        );
        assert_eq!(cleaned(&html), html.replace(" title=\"title\"", ""));
    }

    #[test]
    fn what_is_not_on_the_list_is_text() {
        for (html, expected) in [
            (
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            ("a Vec<String> of <T>", "a Vec&lt;String&gt; of &lt;T&gt;"),
            ("1 < 2 <= 3 <", "1 &lt; 2 &lt;= 3 &lt;"),
            (
                "<p onclick=\"alert(1)\" style=\"position:fixed\">x",
                "<p>x</p>",
            ),
            ("<div class=\"warning\">x <!-- y --></div>", "x "),
            (
                "<img src=\"https://a.b\" alt=\"a &quot;b&quot;\">",
                "a &quot;b&quot;",
            ),
            ("<!-- never ends", "&lt;!-- never ends"),
            (
                "<style>*{color:red}</style>",
                "&lt;style&gt;*{color:red}&lt;/style&gt;",
            ),
            ("</p></table></div>x", "x"),
            ("<ul><li><b>x</ul>y</b>", "<ul><li><b>x</b></li></ul>y"),
            (
                "<td style=\"text-align: left\">x",
                "<td style=\"text-align: left\">x</td>",
            ),
            (
                "<td style=\"text-align: left;position:fixed\">x",
                "<td>x</td>",
            ),
            ("<P\nCLASS=x\t>x</P\n>", "<p>x</p>"),
            ("<p title='>'>x</p>", "<p>x</p>"),
        ] {
            assert_eq!(cleaned(html), expected);
        }
    }

    #[test]
    fn only_links_to_the_web_or_within_the_page_are_kept() {
        for address in ["https://a.b/c?d=e&amp;f=(g)", "http://a.b", "#c"] {
            let html = format!("<a href=\"{address}\">x</a>");
            assert_eq!(cleaned(&html), html);
        }
        for address in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java&#115;cript:alert(1)",
            "&#106;avascript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "file:///etc/passwd",
            "//a.b/c",
            "/api/kernels",
            "../files/x.html",
            "https://a.b/) <script>alert(1)</script>",
            "",
        ] {
            let html = format!("<a href=\"{address}\">x</a>");
            assert_eq!(cleaned(&html), "<a>x</a>", "{address}");
        }
        assert_eq!(
            cleaned("<a href=https://a.b HREF=javascript:alert(1)>x</a>"),
            "<a href=\"https://a.b\">x</a>"
        );
    }

    #[test]
    fn hostile_documentation_is_harmless() {
        for text in hostile::STRINGS {
            for html in [
                (*text).to_owned(),
                format!("<a href=\"{text}\">x</a>"),
                format!("<a href='{text}'>{text}</a>"),
                format!("<td style={text}><code class={text}>"),
                rendered(text),
                rendered(&format!("[{text}]({text}) ![{text}]({text}) `{text}`")),
            ] {
                hostile::assert_harmless(&cleaned(&html));
            }
        }
    }

    proptest! {
        #![proptest_config(hostile::cases())]

        #[test]
        fn any_html_is_harmless_and_cleaning_is_idempotent(html in hostile::any_html()) {
            let once = cleaned(&html);
            hostile::assert_harmless(&once);
            prop_assert_eq!(cleaned(&once), once);
        }

        #[test]
        fn any_markdown_is_harmless(markdown in hostile::any_html()) {
            hostile::assert_harmless(&cleaned(&rendered(&markdown)));
        }
    }
}
