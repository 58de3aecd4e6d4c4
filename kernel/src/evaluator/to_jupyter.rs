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
    let html = outputs.get("text/html");
    let plain = plain.map(|text| MediaType::Plain(text.to_owned()));
    // evcxr makes that of `:help`.
    let html = html.map(|html| MediaType::Html(cleaned(html)));
    let media: Vec<MediaType> = plain.into_iter().chain(html).collect();
    (!media.is_empty()).then(|| DisplayData::from(media).into())
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
