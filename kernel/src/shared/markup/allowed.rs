//! A closed list of the HTML that documentation may hold, and its writer.
//!
//! Documentation comes from doc comments of any crate, and its Markdown may hold raw HTML. What is on the list is
//! written anew, attribute by attribute; what is not is text, so `Vec<T>` reads as it was meant, and nobody's script is
//! hidden. The result is well-formed. Never loads anything: no picture, no style but a cell's alignment.

use super::escaped;
use super::unescaped;

/// Elements that pulldown-cmark makes of Markdown, and harmless ones that doc comments write by hand.
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

/// Elements that only arrange what is in them: their tags go, and the words stay.
const ARRANGING: [&str; 3] = ["center", "div", "span"];

/// The alignments of a table's columns, as pulldown-cmark writes them.
const ALIGNMENTS: [&str; 3] = [
    "text-align: left",
    "text-align: center",
    "text-align: right",
];

/// The links that a click may follow. Others, such as `javascript:`, run something, or lead into the page around.
const LINKS: [&str; 3] = ["https://", "http://", "#"];

/// `html` with what is on the list as it is, and everything else as text.
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

/// A tag as HTML's tokenizer reads it: <https://html.spec.whatwg.org/#tag-open-state>.
struct Tag<'html> {
    /// In lower case.
    name: String,
    is_end: bool,
    /// Values as they stand, with character references.
    attributes: Vec<(&'html str, &'html str)>,
}

impl<'html> Tag<'html> {
    /// The tag at the start of `html`, and its length; nothing where none begins or ends.
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
            if let Some(behind) = rest.strip_prefix('>') {
                let tag = Self {
                    name: name.to_ascii_lowercase(),
                    is_end,
                    attributes,
                };
                return Some((tag, html.len() - behind.len()));
            }
            attributes.push(attribute(&mut rest)?);
        }
    }

    fn attribute(&self, name: &str) -> Option<&'html str> {
        // Of two that have one name, browsers take the first.
        let found = self
            .attributes
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }

    /// The attributes that stay, as they are written.
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

/// The attribute at the start of `rest`, which begins with neither a blank nor `>`; nothing when the tag breaks off.
fn attribute<'html>(rest: &mut &'html str) -> Option<(&'html str, &'html str)> {
    // A name may begin with a `=`.
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
            let (value, behind) = quoted.split_once(quote)?;
            *rest = behind;
            return Some((name, value));
        }
    }
    Some((name, up_to(rest, |c| is_blank(c) || c == '>')))
}

/// Takes off `rest` what stands before the first letter that is an end, or all.
fn up_to<'html>(rest: &mut &'html str, is_end: impl Fn(char) -> bool) -> &'html str {
    let end = rest.find(is_end).unwrap_or(rest.len());
    let (taken, behind) = rest.split_at(end);
    *rest = behind;
    taken
}

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Where a link leads, if it may lead there.
fn link(value: &str) -> Option<String> {
    let address = unescaped(value);
    let is_listed = LINKS.iter().any(|start| address.starts_with(start));
    // What else an address holds is percent-encoded; in Markdown it would end the link.
    let is_plain = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'<' | b'>' | b'"' | b'\\' | b'`' | b'^' | b'{' | b'|' | b'}'
            )
    };
    (is_listed && address.bytes().all(is_plain)).then_some(address)
}

/// Whether a code block's class names its language, as in `language-rust,ignore`.
fn is_language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|language| {
        language
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b",_-+.".contains(&byte))
    })
}

/// Writes markup in which every element ends.
#[derive(Default)]
struct Writer {
    written: String,
    /// The elements around, innermost last.
    open: Vec<&'static str>,
}

impl Writer {
    fn text(&mut self, html: &str) {
        self.written.push_str(&escaped(&unescaped(html)));
    }

    /// * `source`: the whole tag, should it be text.
    fn tag(&mut self, tag: &Tag<'_>, source: &str) {
        let is_it = |name: &&&str| **name == tag.name;
        if let Some(name) = ELEMENTS.iter().find(is_it) {
            if tag.is_end {
                self.close(name);
            } else {
                self.written.push_str(&format!("<{name}{}>", tag.kept()));
                self.open.push(name);
            }
        } else if let Some(name) = VOID.iter().find(is_it) {
            self.written.push_str(&format!("<{name} />"));
        } else if tag.name == "img" {
            // Loading it would tell somebody that it was looked at.
            self.text(tag.attribute("alt").unwrap_or_default());
        } else if ARRANGING.iter().find(is_it).is_none() {
            self.text(source);
        }
    }

    /// Ends the innermost element of that name and those in it; nothing when there is none.
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
    fn what_markdown_makes_passes_as_it_is() {
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
    fn links_lead_to_the_web_or_stay_in_the_page() {
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
        fn any_html_is_harmless_and_cleaning_it_again_changes_nothing(html in hostile::any_html()) {
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
