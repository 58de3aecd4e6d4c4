//! Adapts the JSON of messages where jupyter-protocol 2.0 differs from the messaging page. Does no I/O.

use jupyter_protocol::{IsCompleteReplyStatus, JupyterMessageContent};
use serde_json::{Map, Value, json};

/// Adds fields that clients may leave out and that the types require, with the defaults of the protocol.
pub fn incoming(message_type: &str, content: &mut Value) {
    let Value::Object(fields) = content else {
        return;
    };
    match message_type {
        "execute_request" => {
            let silent = fields
                .get("silent")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            default(fields, "silent", json!(false));
            default(fields, "store_history", json!(!silent));
            default(fields, "allow_stdin", json!(true));
            default(fields, "stop_on_error", json!(true));
        }
        "complete_request" | "inspect_request" => {
            let length = fields
                .get("code")
                .and_then(Value::as_str)
                .map_or(0, |code| code.chars().count());
            default(fields, "cursor_pos", json!(length));
        }
        "history_request" => {
            default(fields, "hist_access_type", json!("tail"));
            default(fields, "output", json!(false));
            default(fields, "raw", json!(true));
            default(fields, "unique", json!(false));
            default(fields, "pattern", json!("*"));
            default(fields, "start", json!(0));
            default(fields, "session", json!(0));
            // Without a bound: one that no session reaches. The length of a tail is that of IPython.
            default(fields, "stop", json!(i32::MAX));
            let is_tail = fields["hist_access_type"] == "tail";
            let most = if is_tail { 10 } else { i32::MAX };
            default(fields, "n", json!(most));
        }
        "shutdown_request" => default(fields, "restart", json!(false)),
        "comm_open" | "comm_msg" | "comm_close" => default(fields, "data", json!({})),
        _ => {}
    }
}

/// Sets a field if it is missing or null.
fn default(fields: &mut Map<String, Value>, name: &str, value: Value) {
    let field = fields.entry(name).or_insert(Value::Null);
    if field.is_null() {
        *field = value;
    }
}

/// The JSON of a message's content.
pub fn outgoing(content: &JupyterMessageContent) -> Value {
    let mut json = serde_json::to_value(content).expect("messages are JSON");
    match content {
        JupyterMessageContent::ExecuteReply(_) if json["user_expressions"].is_null() => {
            json["user_expressions"] = json!({});
        }
        JupyterMessageContent::ExecuteResult(_) if json["transient"].is_null() => {
            json["transient"] = json!({});
        }
        // The types hold no null, so a cell without a result has an empty text.
        JupyterMessageContent::HistoryReply(_) => {
            for entry in json["history"].as_array_mut().into_iter().flatten() {
                if let Some([_, result]) = entry[2].as_array_mut().map(Vec::as_mut_slice)
                    && *result == ""
                {
                    *result = Value::Null;
                }
            }
        }
        JupyterMessageContent::IsCompleteReply(reply)
            if reply.status != IsCompleteReplyStatus::Incomplete =>
        {
            remove(&mut json, "indent");
        }
        // The types have no field for features. Clients look for this list.
        JupyterMessageContent::KernelInfoReply(_) => {
            json["supported_features"] = json!(["kernel subshells"]);
        }
        _ => {}
    }
    json
}

fn remove(json: &mut Value, field: &str) {
    if let Value::Object(fields) = json {
        fields.shift_remove(field);
    }
}
