//! For the tests of all code that writes markup: hostile text for names, values, labels and doc comments, and the check
//! that the resulting markup is harmless.

use proptest::prelude::*;
use roxmltree::{Document, Node};

use super::allowed::{ELEMENTS, VOID};

/// Markup that runs or loads something, breaks out of its element or its quotes, or breaks an XML parser.
pub const STRINGS: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "\" onfocus=\"alert(1)\" autofocus=\"",
    "'",
    "\"",
    "&",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "]]>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<!-- ",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]>&y;",
    "</title></desc></text></svg><script>alert(1)</script>",
    "</td></table></div><iframe src=\"https://example.invalid/\"></iframe>",
    "</style><style>*{display:none}</style>",
    "<style>@import url(https://example.invalid/x.css)</style>",
    "<svg onload=alert(1)><animate onbegin=alert(1)>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<p style=\"position:fixed;background:url(https://example.invalid/)\">",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "![x](https://example.invalid/x.png)",
    "`` ` <script>alert(1)</script> ` ``",
    "````\n```\n<script>alert(1)</script>\n````",
    "<https://example.invalid/?a=\"b\">",
    "[x]: javascript:alert(1)\n[x]",
    "$\\href{javascript:alert(1)}{x}$",
    "a\u{202e}b\u{2066}c",
    "\0",
    "\u{1b}[2J\u{1b}]0;x\u{7}",
    "\u{1}\u{8}\u{b}\u{c}\u{d}\u{7f}\u{85}\u{9b}",
    "\u{fffe}\u{ffff}\u{feff}\u{2028}",
    "",
];

/// Elements that the kernel itself writes, besides those of documentation.
const OWN_ELEMENTS: [&str; 12] = [
    "bdi", "caption", "circle", "desc", "div", "line", "progress", "rect", "span", "svg", "text",
    "title",
];

/// Elements that no list may ever contain: they run or load something, or replace the page.
const NEVER: [&str; 13] = [
    "base", "button", "embed", "form", "iframe", "image", "img", "input", "link", "math", "meta",
    "object", "script",
];

/// All attributes that may occur. None of them loads or runs anything; for two of them the value is checked, too.
const ATTRIBUTES: [&str; 25] = [
    "aria-label",
    "class",
    "cx",
    "cy",
    "fill-opacity",
    "height",
    "href",
    "max",
    "r",
    "role",
    "rx",
    "scope",
    "start",
    "stroke-dasharray",
    "style",
    "text-anchor",
    "value",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// Panics unless `markup` is well-formed and contains nothing that runs code, loads anything or affects the rest of the
/// page.
pub fn assert_harmless(markup: &str) {
    let whole = format!("<main>{markup}</main>");
    let document = Document::parse(&whole).unwrap_or_else(|error| panic!("{error} in {markup:?}"));
    // Comments and the like are not visible, and browsers may parse them in another way.
    let all = document.root_element().descendants().skip(1);
    for node in all {
        assert!(
            node.is_element() || node.is_text(),
            "{node:?} in {markup:?}"
        );
        if node.is_element() {
            assert_harmless_element(node, markup);
        }
    }
}

fn assert_harmless_element(element: Node<'_, '_>, markup: &str) {
    let name = element.tag_name().name();
    if name == "style" {
        let is_in_chart = element
            .parent()
            .is_some_and(|parent| parent.tag_name().name() == "svg");
        assert!(is_in_chart, "<style> in {markup:?}");
        return assert_style_stays_inside(element.text().unwrap_or_default());
    }
    assert!(!NEVER.contains(&name), "<{name}> in {markup:?}");
    let is_known = ELEMENTS
        .iter()
        .chain(&VOID)
        .chain(&OWN_ELEMENTS)
        .any(|known| *known == name);
    assert!(is_known, "<{name}> in {markup:?}");
    for attribute in element.attributes() {
        let (name, value) = (attribute.name(), attribute.value());
        assert!(ATTRIBUTES.contains(&name), "{name}={value:?} in {markup:?}");
        match name {
            "href" => assert!(
                ["https://", "http://", "#"]
                    .iter()
                    .any(|start| value.starts_with(start)),
                "{value:?} in {markup:?}"
            ),
            "style" => assert!(
                matches!(
                    value,
                    "text-align: left"
                        | "text-align: center"
                        | "text-align: right"
                        | "white-space: nowrap"
                ),
                "{value:?} in {markup:?}"
            ),
            _ => {}
        }
    }
}

/// Panics unless every rule applies only to elements of a chart and loads nothing.
fn assert_style_stays_inside(style: &str) {
    for far in ["url(", "@import", "@font-face", "position", "\\", "<"] {
        assert!(!style.contains(far), "{far} in {style:?}");
    }
    for rule in style.split('}').filter(|rule| !rule.is_empty()) {
        let (heads, _declarations) = rule.rsplit_once('{').expect("a rule has a head");
        let (media, selectors) = heads.rsplit_once('{').unwrap_or(("", heads));
        assert!(media.is_empty() || media.starts_with("@media"), "{style:?}");
        for selector in selectors.split(',') {
            assert!(selector.starts_with(".corebook-chart"), "{style:?}");
        }
    }
}

/// All text of well-formed `markup`, as a user sees it.
pub fn text_of(markup: &str) -> String {
    let whole = format!("<main>{markup}</main>");
    let document = Document::parse(&whole).unwrap_or_else(|error| panic!("{error} in {markup:?}"));
    let texts = document.root_element().descendants().filter(Node::is_text);
    texts.filter_map(|node| node.text()).collect()
}

/// `text` as it is shown after [`super::escaped`]: characters that markup may not contain are replaced by blanks.
pub fn shown(text: &str) -> String {
    let is_forbidden = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    text.replace(is_forbidden, " ")
}

/// Many short cases. A failure is printed, and no file is written.
pub fn cases() -> ProptestConfig {
    ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Any text, often with something hostile in it.
pub fn any_text() -> impl Strategy<Value = String> {
    concatenations(STRINGS)
}

/// Text made of tags and parts of tags.
pub fn any_html() -> impl Strategy<Value = String> {
    concatenations(&[
        "<",
        ">",
        "</",
        "/>",
        " ",
        "\n",
        "\"",
        "'",
        "`",
        "```",
        "~~~",
        "=",
        "/",
        "!",
        "[",
        "](",
        ")",
        "\\",
        "*",
        "#",
        "&",
        "&#106;",
        "&lt;",
        "&quot;",
        "a",
        "<a href=",
        "<a href=\"",
        "javascript:alert(1)",
        "https://a.b",
        "</a>",
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<code>",
        "</code>",
        "<code class=\"language-",
        "<pre>",
        "</pre>",
        "<ul>",
        "<li>",
        "</ul>",
        "<ol>",
        "</ol>",
        "<li>",
        ". ",
        "* ",
        "1",
        "<table>",
        "<td style=\"text-align: left",
        "</table>",
        "<h1>",
        "</h1>",
        "<hr />",
        "<br>",
        "<script>",
        "</script>",
        "<style>",
        "</style>",
        "<svg onload=",
        "<img src=x alt=",
        " onerror=alert(1)",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "<!DOCTYPE",
        "<div",
        "</div>",
        "\0",
        "\u{202e}",
        "ä",
    ])
}

fn concatenations(chosen: &'static [&'static str]) -> impl Strategy<Value = String> {
    let text = prop_oneof![
        3 => prop::sample::select(chosen).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(text, 0..12).prop_map(|texts| texts.concat())
}
