//! `create_subshell_reply`, `delete_subshell_reply` and `list_subshell_reply`.

use jupyter_protocol::UnknownMessage;
use serde_json::{Value, json};

use crate::shared::subshells::Subshells;

/// The reply to a request about subshells. None if `request` has another type.
pub fn reply(request: &UnknownMessage, subshells: &Subshells) -> Option<UnknownMessage> {
    let content = match request.msg_type.as_str() {
        "create_subshell_request" => match subshells.create() {
            Ok(id) => json!({ "status": "ok", "subshell_id": id }),
            Err(error) => corebook_jupyter::reply::error("TooManySubshells", &error.to_string()),
        },
        "delete_subshell_request" => delete(&request.content["subshell_id"], subshells),
        "list_subshell_request" => json!({ "status": "ok", "subshell_id": subshells.list() }),
        _ => return None,
    };
    Some(UnknownMessage {
        msg_type: request.msg_type.replace("_request", "_reply"),
        content,
    })
}

fn delete(id: &Value, subshells: &Subshells) -> Value {
    match id.as_str() {
        Some(id) if subshells.delete(id) => json!({ "status": "ok" }),
        Some(id) => unknown(id),
        None => corebook_jupyter::reply::error(
            "UnknownSubshell",
            "delete_subshell_request without a subshell_id: name the subshell to delete",
        ),
    }
}

/// The content of the reply to a request that names a subshell that does not exist.
pub fn unknown(id: &str) -> Value {
    let value =
        format!("there is no subshell {id:?}: list_subshell_request lists the existing ones");
    corebook_jupyter::reply::error("UnknownSubshell", &value)
}
