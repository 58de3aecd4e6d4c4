//! What the evaluator shares with other threads. Data only.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex};

use corebook_build::Session;
use corebook_jupyter::reply::Responder;
use corebook_processes::link::SupervisorLink;

use super::current_cell::CurrentCell;
use super::locate::Cells;
use super::stdin::StdinPrompt;
use crate::history;
use crate::outputs::Input;
use crate::shared::checkpoints::Checkpoints;
use crate::shared::host::Pools;
use crate::shared::notebook_view::SharedView;
use crate::shared::shutdown::Shutdown;
use crate::shared::subshells::Subshells;

/// The session in use. The main thread takes it at the end and removes its folder.
pub type SharedSession = Arc<Mutex<Option<Arc<Session>>>>;

pub struct EvaluatorLinks {
    /// Replies on the shell socket, where execute requests come in.
    pub responder: Responder,
    pub current_cell: Arc<CurrentCell>,
    pub worker: WorkerLinks,
    pub knowledge: Knowledge,
    pub subshells: Arc<Subshells>,
    /// To the thread `history`. Unbounded: two messages for each cell.
    pub history: Sender<history::Request>,
    /// To the main thread, which ends the kernel.
    pub shutdowns: Sender<Shutdown>,
    pub stdin_prompt: Arc<StdinPrompt>,
    pub session: SharedSession,
    /// The notebook's folder.
    pub folder: Option<PathBuf>,
}

/// Channels to the worker and for its output.
pub struct WorkerLinks {
    pub supervisor: SupervisorLink,
    pub outputs: SyncSender<Input>,
    /// The path of the socket to which a supervisor connects.
    pub report_socket: PathBuf,
}

/// What the kernel knows about the cells so far. The outputs thread adds to it; magics and errors use it.
#[derive(Clone)]
pub struct Knowledge {
    /// The source of the cells, to locate panics.
    pub cells: Arc<Mutex<Cells>>,
    pub pools: Arc<Pools>,
    pub checkpoints: Arc<Checkpoints>,
    /// For completion and inspection.
    pub view: SharedView,
}

impl Knowledge {
    pub fn new() -> Self {
        Self {
            cells: Arc::default(),
            pools: Arc::default(),
            checkpoints: Arc::new(Checkpoints::new()),
            view: SharedView::default(),
        }
    }
}
