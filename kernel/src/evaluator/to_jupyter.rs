//! Converts answers of magics and of evcxr's commands into Jupyter messages. Does no I/O.

use jupyter_protocol::{DisplayData, JupyterMessageContent, Media, MediaType, StreamContent};

use crate::shared::host::Answer;
use crate::shared::markup::cleaned;

/// The plain text among the forms of a value.
pub fn plain_text(media: &Media) -> Option<String> {
    media.content.iter().find_map(|form| match form {
        MediaType::Plain(text) => Some(text.clone()),
        _ => None,
    })
}

/// The output of a command such as `:vars`.
pub fn command_output(outputs: &evcxr::EvalOutputs) -> Option<JupyterMessageContent> {
    let plain = outputs.get("text/plain");
    // evcxr returns the text of `:type` unescaped as HTML, too. There `Vec<String>` would be read as a tag.
    let html = outputs.get("text/html").filter(|html| Some(*html) != plain);
    let sorted = plain
        .zip(html)
        .and_then(|(plain, html)| sorted_variables(plain, html));
    let (plain, html) = match &sorted {
        Some((plain, html)) => (Some(plain.as_str()), Some(html.as_str())),
        None => (plain, html),
    };
    let plain = plain.map(|text| MediaType::Plain(text.to_owned()));
    // The HTML of `:doc` contains raw HTML from doc comments.
    let html = html.map(|html| MediaType::Html(cleaned(html)));
    let media: Vec<MediaType> = plain.into_iter().chain(html).collect();
    (!media.is_empty()).then(|| DisplayData::from(media).into())
}

/// Sorts the text and the table of `:vars` by name, because evcxr 0.22 returns the variables in the order of a hash
/// map. None if `html` is not such a table.
fn sorted_variables(plain: &str, html: &str) -> Option<(String, String)> {
    const HEAD: &str = "<table><tr><th>Variable</th><th>Type</th></tr>";
    const END: &str = "</table>";
    let rows = html.strip_prefix(HEAD)?.strip_suffix(END)?;
    let mut rows: Vec<&str> = rows.split_inclusive("</td><tr>").collect();
    let mut lines: Vec<&str> = plain.split_inclusive('\n').collect();
    rows.sort_unstable();
    lines.sort_unstable();
    // If a type contains a line break, there are more lines than rows.
    let is_whole = rows.len() == lines.len();
    is_whole.then(|| (lines.concat(), format!("{HEAD}{}{END}", rows.concat())))
}

/// The message that shows an answer: printed if it is plain text, displayed if it has further forms.
pub fn to_message(answer: &Answer) -> JupyterMessageContent {
    match &answer.html {
        None => StreamContent::stdout(&format!("{}\n", answer.text)).into(),
        Some(_) => DisplayData::new(to_media(answer)).into(),
    }
}

/// All forms of an answer.
pub fn to_media(answer: &Answer) -> Media {
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
        // What evcxr 0.22 writes for `:vars`, followed by `:type` in the same cell.
        let table = "<table><tr><th>Variable</th><th>Type</th></tr><tr><td>x</td><td>Vec&lt;T&gt;</td><tr></table>";
        let outputs =
            EvalOutputs::text_html("x: Vec<T>\n".into(), format!("{table}x: Vec<script>"));
        let html = shown_forms(&outputs).1.unwrap();
        hostile::assert_harmless(&html);
        assert_eq!(hostile::text_of(&html), "VariableTypexVec<T>x: Vec<script>");
    }

    #[test]
    fn variables_are_sorted_by_name() {
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
    fn no_output_is_not_displayed() {
        assert!(command_output(&EvalOutputs::new()).is_none());
    }
}
