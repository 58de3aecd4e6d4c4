//! Inspection: the help of a magic, or rust-analyzer's documentation of a name.

use corebook_magics::completion::inspect;
use corebook_magics::context::name_end;
use corebook_magics::expansion::expand_for_analysis;
use jupyter_protocol::{InspectReply, InspectRequest, Media, MediaType};

use crate::shared::host::to_html;

use super::candidates::Preceding;
use super::documentation::Documentation;
use super::evaluator_client::EvaluatorClient;
use super::positions::{byte_at, is_ident_char};

impl EvaluatorClient<'_> {
    /// Describes the name at the cursor.
    pub fn inspect(&self, request: &InspectRequest) -> InspectReply {
        let code = &request.code;
        let cursor = byte_at(code, request.cursor_pos);
        let documentation = match inspect(code, cursor) {
            Some(help) => Some(Documentation {
                html: to_html(&help.markdown),
                text: help.text,
                markdown: help.markdown,
            }),
            None => self.inspect_rust(code, cursor),
        };
        match documentation {
            Some(Documentation {
                text,
                markdown,
                html,
            }) => InspectReply {
                found: true,
                data: Media::new(vec![
                    MediaType::Plain(text),
                    MediaType::Markdown(markdown),
                    MediaType::Html(html),
                ]),
                ..InspectReply::default()
            },
            None => InspectReply::default(),
        }
    }

    fn inspect_rust(&self, source: &str, cursor: usize) -> Option<Documentation> {
        let (code, map) = expand_for_analysis(source);
        let end = map.to_code(name_end(source, cursor)?)?;
        let code = code.get(..end)?;
        let before = code.trim_end_matches(is_ident_char);
        // rust-analyzer finds a method only in a call. Without one it would find a private field of the same name.
        let is_member = Preceding::of(before) == Preceding::Dot;
        let as_call = is_member.then(|| self.hover(format!("{code}("))).flatten();
        let html = as_call.or_else(|| self.hover(code.to_owned()))?;
        Some(Documentation::from_html(&html))
    }
}
