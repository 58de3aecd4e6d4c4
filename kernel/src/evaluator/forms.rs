//! The forms in which a client gets what is no output of code: answers of magics and of evcxr's commands. Pure.

use jupyter_protocol::{DisplayData, JupyterMessageContent, Media, MediaType, StreamContent};
use serde_json::json;

use crate::host::Answer;

/// The text of a value.
pub fn plain_text(media: &Media) -> Option<String> {
    media.content.iter().find_map(|form| match form {
        MediaType::Plain(text) => Some(text.clone()),
        _ => None,
    })
}

/// What a command such as `:vars` gives back.
pub fn command_output(outputs: &evcxr::EvalOutputs) -> Option<JupyterMessageContent> {
    if outputs.is_empty() {
        return None;
    }
    let data: serde_json::Map<_, _> = outputs
        .content_by_mime_type
        .iter()
        .map(|(mime, text)| (mime.clone(), json!(text)))
        .collect();
    let media: Media = serde_json::from_value(serde_json::Value::Object(data)).ok()?;
    Some(DisplayData::new(media).into())
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
