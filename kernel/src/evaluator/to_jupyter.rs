//! Converts answers of magics and evcxr commands into Jupyter messages. Pure.

use jupyter_protocol::{DisplayData, JupyterMessageContent, Media, MediaType, StreamContent};

use crate::shared::host::Answer;
use crate::shared::markup::cleaned;

/// The text of a value.
pub fn plain_text(media: &Media) -> Option<String> {
    media.content.iter().find_map(|form| match form {
        MediaType::Plain(text) => Some(text.clone()),
        _ => None,
    })
}

/// What a command such as `:vars` gives back.
pub fn command_output(outputs: &evcxr::EvalOutputs) -> Option<JupyterMessageContent> {
    let plain = outputs.get("text/plain");
    // evcxr gives the text of `:type` as HTML too, in which `Vec<String>` is no text.
    let html = outputs.get("text/html").filter(|html| Some(*html) != plain);
    let sorted = plain
        .zip(html)
        .and_then(|(plain, html)| sorted_variables(plain, html));
    let (plain, html) = match &sorted {
        Some((plain, html)) => (Some(plain.as_str()), Some(html.as_str())),
        None => (plain, html),
    };
    let plain = plain.map(|text| MediaType::Plain(text.to_owned()));
    // That of `:doc` holds the raw HTML of doc comments.
    let html = html.map(|html| MediaType::Html(cleaned(html)));
    let media: Vec<MediaType> = plain.into_iter().chain(html).collect();
    (!media.is_empty()).then(|| DisplayData::from(media).into())
}

/// The text and the table of `:vars` by the variables' names: evcxr 0.22 gives them in the order of a hash map. Nothing
/// for what is no such table.
fn sorted_variables(plain: &str, html: &str) -> Option<(String, String)> {
    const HEAD: &str = "<table><tr><th>Variable</th><th>Type</th></tr>";
    const END: &str = "</table>";
    let rows = html.strip_prefix(HEAD)?.strip_suffix(END)?;
    let mut rows: Vec<&str> = rows.split_inclusive("</td><tr>").collect();
    let mut lines: Vec<&str> = plain.split_inclusive('\n').collect();
    rows.sort_unstable();
    lines.sort_unstable();
    // A type with a line break has more lines than rows.
    let is_whole = rows.len() == lines.len();
    is_whole.then(|| (lines.concat(), format!("{HEAD}{}{END}", rows.concat())))
}

/// An answer in plain text is printed; one that has more forms is displayed.
pub fn shown(answer: &Answer) -> JupyterMessageContent {
    match &answer.html {
        None => StreamContent::stdout(&format!("{}\n", answer.text)).into(),
        Some(_) => DisplayData::new(forms(answer)).into(),
    }
}

/// All forms of an answer.
pub fn forms(answer: &Answer) -> Media {
    let plain = MediaType::Plain(answer.text.clone());
    let html = answer.html.clone().map(MediaType::Html);
    [plain].into_iter().chain(html).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use evcxr::EvalOutputs;

    use super::*;
    use crate::shared::markup::{escaped, hostile};

    fn shown_forms(outputs: &EvalOutputs) -> (Option<String>, Option<String>) {
        let Some(JupyterMessageContent::DisplayData(display)) = command_output(outputs) else {
            panic!("it is displayed")
        };
        let html = display.data.content.iter().find_map(|form| match form {
            MediaType::Html(html) => Some(html.clone()),
            _ => None,
        });
        (plain_text(&display.data), html)
    }

    #[test]
    fn types_are_text_and_variables_are_a_table() {
        let text = "x: Vec<script>".to_owned();
        let outputs = EvalOutputs::text_html(text.clone(), text.clone());
        assert_eq!(shown_forms(&outputs), (Some(text), None));
        // As evcxr 0.22 writes `:vars`, and what follows when `:type` stands in the same cell.
        let table = "<table><tr><th>Variable</th><th>Type</th></tr><tr><td>x</td><td>Vec&lt;T&gt;</td><tr></table>";
        let outputs =
            EvalOutputs::text_html("x: Vec<T>\n".into(), format!("{table}x: Vec<script>"));
        let html = shown_forms(&outputs).1.unwrap();
        hostile::assert_harmless(&html);
        assert_eq!(hostile::text_of(&html), "VariableTypexVec<T>x: Vec<script>");
    }

    #[test]
    fn variables_are_told_by_their_names() {
        let row = |name: &str| format!("<tr><td>{name}</td><td>i32</td><tr>");
        let table =
            |rows: String| format!("<table><tr><th>Variable</th><th>Type</th></tr>{rows}</table>");
        let html = table(row("b") + &row("a"));
        assert_eq!(
            sorted_variables("b: i32\na: i32\n", &html),
            Some(("a: i32\nb: i32\n".to_owned(), table(row("a") + &row("b"))))
        );
        assert_eq!(sorted_variables("b: (\n)\na: i32\n", &html), None);
        assert_eq!(sorted_variables("x: i32", "x: i32"), None);
    }

    #[test]
    fn what_evcxr_passes_through_is_harmless() {
        for text in hostile::STRINGS {
            for html in [
                format!("<table><tr><td>{}</td><tr></table>", escaped(text)),
                format!("<p>{text}</p>"),
            ] {
                let outputs = EvalOutputs::text_html((*text).to_owned(), html);
                hostile::assert_harmless(&shown_forms(&outputs).1.unwrap());
            }
        }
    }

    #[test]
    fn nothing_is_displayed_of_nothing() {
        assert!(command_output(&EvalOutputs::new()).is_none());
    }
}
