//! Renders the list of `%magics` as an HTML table.

use corebook_magics::help::forms;
use corebook_magics::table::TABLE;

use crate::shared::markup::escaped;

/// All magics as an HTML table with a caption and a header row. Each cell sets its alignment, because JupyterLab aligns
/// text in tables to the right.
pub fn list_html() -> String {
    let mut html =
        "<table><caption>Magics: <code>%name?</code> shows the help of one</caption><thead><tr>"
            .to_owned();
    for head in ["magic", "what it does", "usage"] {
        html += &format!("<th scope=\"col\" {LEFT}>{head}</th>");
    }
    html += "</tr></thead><tbody>";
    for magic in TABLE {
        let cells = [
            forms(magic),
            magic.summary.to_owned(),
            magic.usage.to_owned(),
        ];
        let [forms, summary, usage] = cells.map(|text| escaped(&text));
        let usage = unbroken_options(&usage);
        html += &format!(
            "<tr><td {LEFT}><code {UNBROKEN}>{forms}</code></td><td {LEFT}>{summary}</td>\
             <td {LEFT}><code>{usage}</code></td></tr>"
        );
    }
    html + "</tbody></table>"
}

const LEFT: &str = "style=\"text-align: left\"";
const UNBROKEN: &str = "style=\"white-space: nowrap\"";

/// Makes a usage line in which a browser does not break options. Otherwise it breaks lines after each dash.
fn unbroken_options(usage: &str) -> String {
    let mut html = String::new();
    let mut rest = usage;
    while let Some(start) = rest.find('[') {
        let end = end_of_option(&rest[start..]).map_or(rest.len(), |len| start + len);
        let (before, option) = (&rest[..start], &rest[start..end]);
        html += &format!("{before}<span {UNBROKEN}>{option}</span>");
        rest = &rest[end..];
    }
    html + rest
}

/// The length up to and including the bracket that closes the first one.
fn end_of_option(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::markup::hostile;

    #[test]
    fn every_magic_is_in_the_list() {
        let html = list_html();
        hostile::assert_harmless(&html);
        let text = hostile::text_of(&html);
        for magic in TABLE {
            assert!(
                text.contains(magic.usage) && text.contains(magic.summary),
                "{text}"
            );
        }
    }

    #[test]
    fn options_are_not_broken_in_two() {
        let broken = unbroken_options("%timeit [-o [NAME]] [--] EXPR");
        let option = |text: &str| format!("<span {UNBROKEN}>{text}</span>");
        let expected = format!("%timeit {} {} EXPR", option("[-o [NAME]]"), option("[--]"));
        assert_eq!(broken, expected);
    }
}
