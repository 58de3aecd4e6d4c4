//! Renders rectangular values as HTML tables from their `Debug` text. Does no I/O.
//!
//! Done here and not in the cell, so that cells compile fast.

use crate::shared::markup::{NO_FORMULAS, escaped};

/// With fewer rows, text is as easy to read as a table.
const FEWEST_ROWS: usize = 2;

/// The table for a list of lists, tuples or structs of equal length. None for any other text.
pub fn table(debug: &str) -> Option<String> {
    let body = debug.trim().strip_prefix('[')?.strip_suffix(']')?;
    let rows: Vec<Row<'_>> = split(body)?.into_iter().map(row).collect::<Option<_>>()?;
    let first = rows.first()?;
    let is_rectangular = rows
        .iter()
        .all(|row| row.names == first.names && row.cells.len() == first.cells.len());
    if rows.len() < FEWEST_ROWS || first.cells.is_empty() || !is_rectangular {
        return None;
    }
    let mut html = format!("<table class=\"{NO_FORMULAS}\">");
    if !first.names.is_empty() {
        let heads = first
            .names
            .iter()
            .map(|name| format!("<th scope=\"col\">{}</th>", escaped(name)));
        html.push_str(&format!(
            "<thead><tr><td></td>{}</tr></thead>",
            heads.collect::<String>()
        ));
    }
    html.push_str("<tbody>");
    for (index, row) in rows.iter().enumerate() {
        let cells = row
            .cells
            .iter()
            .map(|cell| format!("<td>{}</td>", escaped(cell)));
        html.push_str(&format!(
            "<tr><th scope=\"row\">{index}</th>{}</tr>",
            cells.collect::<String>()
        ));
    }
    html.push_str("</tbody></table>");
    Some(html)
}

struct Row<'text> {
    /// The names of a struct's fields. Empty for lists and tuples.
    names: Vec<&'text str>,
    cells: Vec<&'text str>,
}

fn row(text: &str) -> Option<Row<'_>> {
    for (open, close) in [('[', ']'), ('(', ')')] {
        if let Some(body) = text
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
        {
            return Some(Row {
                names: Vec::new(),
                cells: plain(split(body)?)?,
            });
        }
    }
    let (name, body) = text.strip_suffix(" }")?.split_once(" { ")?;
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let fields: Vec<(&str, &str)> = split(body)?
        .into_iter()
        .map(|field| field.split_once(": "))
        .collect::<Option<_>>()?;
    let (names, cells) = fields.into_iter().unzip();
    is_name.then_some(Row {
        names,
        cells: plain(cells)?,
    })
}

/// Returns the cells unless one of them contains a list or a struct.
fn plain(cells: Vec<&str>) -> Option<Vec<&str>> {
    let is_plain = |cell: &&str| cell.starts_with(['"', '\'']) || !cell.contains(['[', '{']);
    cells.iter().all(is_plain).then_some(cells)
}

/// Splits at commas that are outside of brackets and quotes. None if brackets don't match.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0usize);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '[' | '(' | '{' => depth += 1,
            ']' | ')' | '}' => depth = depth.checked_sub(1)?,
            '"' => skip_string(&mut chars)?,
            '\'' => skip_character(&text[at + 1..], &mut chars),
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    (depth == 0).then_some(parts)
}

/// Advances past the closing quote of a character. Does not advance for the quote of a lifetime in a type's name.
fn skip_character(after: &str, chars: &mut std::str::CharIndices<'_>) {
    let mut ahead = after.chars();
    let length = match (ahead.next(), ahead.next()) {
        (Some('\\'), Some(escaped)) => after['\\'.len_utf8() + escaped.len_utf8()..]
            .chars()
            .position(|c| c == '\'')
            .map(|more| more + 3),
        (Some(_), Some('\'')) => Some(2),
        _ => None,
    };
    for _ in 0..length.unwrap_or(0) {
        chars.next();
    }
}

/// Advances past the closing quote.
fn skip_string(chars: &mut std::str::CharIndices<'_>) -> Option<()> {
    loop {
        match chars.next()?.1 {
            '\\' => {
                chars.next();
            }
            '"' => return Some(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::table;
    use crate::shared::markup::hostile;

    fn cells(debug: &str) -> Option<usize> {
        table(debug).map(|html| html.matches("<td>").count())
    }

    #[test]
    fn rectangular_values_are_tables() {
        assert_eq!(
            cells(&format!("{:?}", vec![vec![1, 2, 3], vec![4, 5, 6]])),
            Some(6)
        );
        assert_eq!(
            cells(&format!(
                "{:?}",
                [("a, b", 1.5, '\''), ("\"]\"", -2.0, ',')]
            )),
            Some(6)
        );
    }

    #[test]
    fn structs_have_their_fields_as_columns() {
        #[derive(Debug)]
        #[allow(dead_code, reason = "read through Debug")]
        struct City<'name> {
            name: &'name str,
            people: u64,
        }
        let cities = [
            City {
                name: "Ulm <3",
                people: 1,
            },
            City {
                name: "Köln",
                people: 2,
            },
        ];
        let html = table(&format!("{cities:?}")).unwrap();
        assert!(
            html.contains("<th scope=\"col\">name</th><th scope=\"col\">people</th>"),
            "{html}"
        );
        assert!(
            html.contains("<td>&quot;Ulm &lt;3&quot;</td><td>1</td>"),
            "{html}"
        );
    }

    #[test]
    fn hostile_values_are_text() {
        for text in hostile::STRINGS {
            let html = table(&format!("{:?}", [(text, 1), (text, 2)])).unwrap();
            hostile::assert_harmless(&html);
            assert!(
                hostile::text_of(&html).contains(&format!("{text:?}")),
                "{html}"
            );
        }
    }

    proptest! {
        #![proptest_config(hostile::cases())]

        /// A type's own `Debug` may write anything.
        #[test]
        fn any_debug_text_is_harmless(cells in prop::collection::vec(hostile::any_text(), 4)) {
            let own = format!("[({}, {}), ({}, {})]", cells[0], cells[1], cells[2], cells[3]);
            let quoted = format!("[[{:?}, {:?}], [{:?}, {:?}]]", cells[0], cells[1], cells[2], cells[3]);
            let fields = format!("[X {{ {}: 1 }}, X {{ {}: 2 }}]", cells[0], cells[0]);
            prop_assert!(table(&quoted).is_some());
            for debug in [own, quoted, fields] {
                if let Some(html) = table(&debug) {
                    hostile::assert_harmless(&html);
                }
            }
        }
    }

    #[test]
    fn other_values_stay_text() {
        for debug in [
            "[1, 2, 3]",
            "[[1, 2], [3]]",
            "[[1, 2]]",
            "[]",
            "5",
            "[[], []]",
            "[Some([1]), None]",
            "[(1, [2]), (3, [4])]",
            "[[1, 2], [3, 4]\n… 7 more",
        ] {
            assert_eq!(table(debug), None, "{debug}");
        }
    }
}
