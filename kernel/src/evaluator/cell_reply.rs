//! Sends a cell's error, reply and idle.
//!
//! They are sent exactly once: the thread that takes the value out of the current cell sends them. Usually that is the
//! evaluator, when the cell has ended. rust-analyzer can't be interrupted, so if an interrupt finds no compiler to
//! stop, the interrupt thread sends them; the next cell then waits until evcxr has finished.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use corebook_jupyter::reply::Responder;
use corebook_jupyter::wire::Origin;
use jupyter_protocol::{
    ErrorOutput, ExecuteReply, ExecutionCount, ExpressionResult, Media, Payload, ReplyError,
    ReplyStatus, Status,
};
use serde_json::json;

use crate::shared::subshells::Subshells;

use super::error::CellError;
use super::timings::Timings;

/// The reply that a cell still owes the client, with what is needed to send it.
pub struct CellReply {
    pub responder: Responder,
    pub subshells: Arc<Subshells>,
    pub origin: Origin,
    pub execution_count: usize,
    pub is_silent: bool,
    pub stops_on_error: bool,
    pub started: DateTime<Utc>,
    /// None if the reply is sent while evcxr still works on the cell.
    pub timings: Option<Timings>,
    /// For the client's pager.
    pub page: Option<Media>,
    /// The kernel ends after the reply. A console that reads this ends too.
    pub ends_kernel: bool,
}

impl CellReply {
    /// Publishes the error if there is one, sends the reply and publishes idle.
    ///
    /// * `ended`: the values of the request's expressions, or why the cell failed.
    pub fn end(self, ended: Result<HashMap<String, ExpressionResult>, CellError>) {
        let execution_count = ExecutionCount::new(self.execution_count);
        let mut content = ExecuteReply {
            execution_count,
            ..ExecuteReply::default()
        };
        let status = if ended.is_ok() { "ok" } else { "error" };
        match ended {
            Ok(values) => {
                content.user_expressions = Some(values);
                let page = self.page.map(|data| Payload::Page { data, start: 0 });
                content.payload.extend(page);
                let exit = Payload::AskExit { keepkernel: false };
                content.payload.extend(self.ends_kernel.then_some(exit));
            }
            Err(CellError {
                name,
                value,
                traceback,
            }) => {
                if self.stops_on_error {
                    self.subshells
                        .abort_below(&self.origin.subshell, self.subshells.received());
                }
                let error = ReplyError {
                    ename: name,
                    evalue: value,
                    traceback,
                };
                if !self.is_silent {
                    let ReplyError {
                        ename,
                        evalue,
                        traceback,
                    } = error.clone();
                    self.responder.publisher.publish(
                        &self.origin,
                        ErrorOutput {
                            ename,
                            evalue,
                            traceback,
                        },
                    );
                }
                content.status = ReplyStatus::Error;
                content.error = Some(Box::new(error));
            }
        }
        let started = self
            .started
            .to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let metadata = json!({
            "started": started,
            "status": status,
            "dependencies_met": true,
            "timings": self.timings.map(Timings::to_json),
        });
        self.responder.reply(&self.origin, content.into(), metadata);
        let publisher = &self.responder.publisher;
        publisher.publish(&self.origin, Status::idle());
    }
}
