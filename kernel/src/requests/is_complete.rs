//! `is_complete_reply`: whether a console should run the typed code or wait for more lines.

use corebook_magics::completeness::{Completeness, is_complete};
use jupyter_protocol::IsCompleteReply;

pub fn reply(code: &str) -> IsCompleteReply {
    match is_complete(code) {
        Completeness::Complete => IsCompleteReply::complete(),
        Completeness::Incomplete { indent } => IsCompleteReply::incomplete(indent),
        Completeness::Invalid => IsCompleteReply::invalid(),
        Completeness::Unknown => IsCompleteReply::unknown(),
    }
}
