//! Renders documentation as text, Markdown and HTML.
//!
//! The Markdown is that of doc comments: it may contain raw HTML, and lines of examples that rustdoc hides. So it is
//! converted to HTML, which is cleaned, and [`writer`] makes the other two forms from it.

mod writer;

use crate::shared::host::rendered;
use crate::shared::markup::cleaned;

use self::writer::{Form, Writer};

/// The name of the crate as which evcxr compiles a notebook's code.
const NOTEBOOK_CRATE: &str = corebook_build::evcxr::CELL_CRATE;

/// The documentation of a name, in the three forms that a client can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documentation {
    pub text: String,
    pub markdown: String,
    pub html: String,
}

impl Documentation {
    /// * `markdown`: rust-analyzer's documentation of a name.
    pub fn from_markdown(markdown: &str) -> Self {
        Self::from_html(&rendered(markdown))
    }

    /// * `html`: may contain raw HTML from doc comments.
    fn from_html(html: &str) -> Self {
        let html = with_short_path(&without_hidden_lines(&cleaned(html)));
        Self {
            text: Writer::write(&html, Form::Text),
            markdown: Writer::write(&html, Form::Markdown),
            html,
        }
    }
}

/// Removes the lines of examples that rustdoc hides, and marks the examples as Rust.
fn without_hidden_lines(html: &str) -> String {
    let mut written = String::new();
    let mut rest = html;
    while let Some(start) = rest.find("<pre><code") {
        let Some(end) = rest[start..].find("</code></pre>").map(|end| start + end) else {
            break;
        };
        let Some(open) = rest[start..end].find("><").and_then(|at| {
            let code = start + at + "><code".len();
            rest[code..end].find('>').map(|close| (code, code + close))
        }) else {
            break;
        };
        let class = rest[open.0..open.1].trim();
        written.push_str(&rest[..start]);
        let body = &rest[open.1 + 1..end];
        if is_rust(class) {
            written.push_str("<pre><code class=\"language-rust\">");
            let lines = body.split_inclusive('\n').filter(|line| {
                let line = line.trim();
                line != "#" && !line.starts_with("# ")
            });
            // `##` at the start of a line is an escaped `#`.
            written.extend(lines.map(|line| {
                line.strip_prefix('#')
                    .filter(|rest| rest.starts_with('#'))
                    .unwrap_or(line)
            }));
        } else {
            written.push_str(&rest[start..=open.1]);
            written.push_str(body);
        }
        written.push_str("</code></pre>");
        rest = &rest[end + "</code></pre>".len()..];
    }
    written + rest
}

/// Whether rustdoc takes a code block with this `class` attribute for Rust.
fn is_rust(class: &str) -> bool {
    let language = class
        .trim_start_matches("class=\"language-")
        .trim_end_matches('"');
    let first = language.split([',', ' ']).next().unwrap_or_default();
    let is_error_code = first.len() == 5
        && first.starts_with('E')
        && first[1..].bytes().all(|byte| byte.is_ascii_digit());
    matches!(
        first,
        "" | "rust"
            | "compile_fail"
            | "should_panic"
            | "no_run"
            | "standalone_crate"
            | "standalone"
    ) || first.starts_with("ignore")
        || first.starts_with("edition")
        || is_error_code
}

/// Shortens the path at the start to what users write: a type's name without the private module that contains it, `std`
/// instead of `core` and `alloc`, nothing for the notebook itself.
fn with_short_path(html: &str) -> String {
    const OPEN: &str = "<pre><code class=\"language-rust\">";
    const CLOSE: &str = "\n</code></pre>\n";
    let Some((path, rest)) = html
        .strip_prefix(OPEN)
        .and_then(|html| html.split_once(CLOSE))
    else {
        return html.to_owned();
    };
    let is_path = path
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'));
    if !is_path || !rest.starts_with(OPEN) {
        return html.to_owned();
    }
    let last = path.rsplit("::").next().unwrap_or(path);
    let short = match path.split_once("::") {
        _ if last.starts_with(char::is_uppercase) => last.to_owned(),
        Some(("alloc" | "core", module)) => format!("std::{module}"),
        Some((NOTEBOOK_CRATE, module)) => module.to_owned(),
        None if path == NOTEBOOK_CRATE => return rest.to_owned(),
        _ => path.to_owned(),
    };
    format!("{OPEN}{short}{CLOSE}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::shared::markup::hostile;

    const HOVER: &str = "```rust\ncorebook::pool::map::Pool\n```\n\n```rust\npub fn map<F>(self, f: F) -> Vec<R>\n```\n\n---\n\n\
        The result of `f` for *each* item of a Vec\\<T>,\nin order. See [`Arc`](https://doc.rust-lang.org/).\n\n\
        # Panics\n\nWhen `f` does:\n\n1. one\n2. two\n   * nested\n\n# Examples\n\n\
        ```\n# let pool = corebook::pool::Pool::new(2);\n#\n#[allow(unused)]\n## let x = pool.map(|x| x < 2, 0..4);\n```\n\n\
        ```text\n# no Rust\n```";

    #[test]
    fn documentation_reads_well_in_all_forms() {
        let documentation = Documentation::from_html(&rendered(HOVER));
        insta::assert_snapshot!(documentation.text, @r"
        Pool

            pub fn map<F>(self, f: F) -> Vec<R>

        The result of f for each item of a Vec<T>, in order. See Arc.

        Panics

        When f does:

        1. one
        2. two
           * nested

        Examples

            #[allow(unused)]
            # let x = pool.map(|x| x < 2, 0..4);

            # no Rust
        ");
        insta::assert_snapshot!(documentation.markdown, @r"
        ```rust
        Pool
        ```

        ```rust
        pub fn map<F>(self, f: F) -> Vec<R>
        ```

        ---

        The result of `f` for *each* item of a Vec\<T>, in order. See [`Arc`](https://doc.rust-lang.org/).

        # Panics

        When `f` does:

        1. one
        2. two
           * nested

        # Examples

        ```rust
        #[allow(unused)]
        # let x = pool.map(|x| x < 2, 0..4);
        ```

        ```text
        # no Rust
        ```
        ");
        assert!(
            documentation
                .html
                .starts_with("<pre><code class=\"language-rust\">Pool\n</code></pre>")
        );
        assert!(
            !documentation.html.contains("Pool::new(2)"),
            "{}",
            documentation.html
        );
    }

    /// The HTML that a client renders from the Markdown form. Keeps raw HTML.
    fn shown_markdown(documentation: &Documentation) -> String {
        rendered(&documentation.markdown)
    }

    #[test]
    fn markdown_reads_as_its_text_in_every_form() {
        let markdown = "Not \\[a link\\](javascript:x) nor \\`code\\`, \\*, \\_ and \\&lt; but ``a ` <b> c``.\n\n\
            ````\n```\n<script>\n````\n\n[(x)](https://a.b/c_(d))";
        let documentation = Documentation::from_html(&rendered(markdown));
        insta::assert_snapshot!(documentation.text, @r"
        Not [a link](javascript:x) nor `code`, *, _ and &lt; but a ` <b> c.

            ```
            <script>

        (x)
        ");
        insta::assert_snapshot!(documentation.markdown, @r"
        Not \[a link\](javascript:x) nor \`code\`, \*, \_ and \&lt; but ``a ` <b> c``.

        ````rust
        ```
        <script>
        ````

        [(x)](https://a.b/c_%28d%29)
        ");
        assert_eq!(
            hostile::text_of(&shown_markdown(&documentation)),
            hostile::text_of(&documentation.html)
        );
    }

    #[test]
    fn hostile_documentation_is_harmless_in_every_form() {
        for text in hostile::STRINGS {
            for html in [
                (*text).to_owned(),
                rendered(text),
                rendered(&format!(
                    "# {text}\n\n* {text}\n* [{text}]({text}) ![{text}]({text})\n\n```\n{text}\n```"
                )),
                format!("<pre>{text}</pre><code>\n\n{text}</code>{text}"),
                format!("<a href=\"{text}\">{text}</a><a href='https://a.b/{text}'>{text}</a>"),
                crate::shared::markup::escaped(text),
            ] {
                let documentation = Documentation::from_html(&html);
                hostile::assert_harmless(&documentation.html);
                hostile::assert_harmless(&shown_markdown(&documentation));
                assert!(
                    !documentation.text.contains(['\u{1b}', '\0']),
                    "{documentation:?}"
                );
            }
        }
    }

    #[test]
    fn code_in_lists_stays_code() {
        let code = "<pre><code>a\n&lt;script&gt;\n</code></pre>";
        let ten = format!("<ol>{}<li>{code}</li></ol>", "<li>x</li>".repeat(9));
        for html in [
            ten,
            format!("<ul><li>A sentence. {code}</li></ul>"),
            format!("<p>2 * {code}</p>"),
            format!("<li>{code}"),
        ] {
            let documentation = Documentation::from_html(&html);
            let shown = shown_markdown(&documentation);
            hostile::assert_harmless(&shown);
            assert!(
                shown.contains("a\n&lt;script&gt;"),
                "{}",
                documentation.markdown
            );
        }
    }

    proptest! {
        #![proptest_config(hostile::cases())]

        #[test]
        fn any_documentation_is_harmless_in_every_form(html in hostile::any_html()) {
            for html in [rendered(&html), html] {
                let documentation = Documentation::from_html(&html);
                hostile::assert_harmless(&documentation.html);
                hostile::assert_harmless(&shown_markdown(&documentation));
            }
        }
    }

    #[test]
    fn paths_are_those_that_users_write() {
        let shortened = |path: &str| {
            let html = rendered(&format!("```rust\n{path}\n```\n\n```rust\nfn f()\n```"));
            Documentation::from_html(&html)
                .text
                .split_once('\n')
                .map(|(first, _)| first.trim().to_owned())
        };
        assert_eq!(shortened("alloc::vec::Vec").as_deref(), Some("Vec"));
        assert_eq!(
            shortened("core::f64::consts").as_deref(),
            Some("std::f64::consts")
        );
        assert_eq!(shortened("rayon::iter").as_deref(), Some("rayon::iter"));
        assert_eq!(shortened("ctx::City").as_deref(), Some("City"));
        let of_notebook =
            Documentation::from_html(&rendered("```rust\nctx\n```\n\n```rust\nfn f()\n```"));
        assert_eq!(of_notebook.text, "fn f()");
    }
}
