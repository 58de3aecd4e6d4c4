//! Inspection: the help of a magic, or rust-analyzer's documentation of a name.

use corebook_magics::completion::inspect;
use corebook_magics::context::name_end;
use corebook_magics::expansion::expand_for_analysis;
use jupyter_protocol::{InspectReply, InspectRequest, Media, MediaType};

use crate::shared::host::to_html;

use super::Introspector;
use super::candidates::Preceding;
use super::documentation::Documentation;
use super::positions::{byte_at, is_ident_char};

impl Introspector {
    /// Describes the name at the cursor.
    pub fn inspect(&mut self, request: &InspectRequest) -> InspectReply {
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

    fn inspect_rust(&mut self, source: &str, cursor: usize) -> Option<Documentation> {
        let (code, map) = expand_for_analysis(source);
        let end = map.to_code(name_end(source, cursor)?)?;
        let (before, after) = code.split_at_checked(end)?;
        let name = before.trim_end_matches(is_ident_char).len();
        let is_called = after.trim_start().starts_with(['(', ':']);
        // rust-analyzer finds a method only in a call. Without one it would find a private field of the same name.
        let as_call = if Preceding::of(&before[..name]) == Preceding::Dot && !is_called {
            self.analysis.hover(&format!("{before}(){after}"), name)
        } else {
            None
        };
        let found = as_call.or_else(|| self.analysis.hover(&code, name))?;
        Some(Documentation::from_markdown(&found))
    }
}
