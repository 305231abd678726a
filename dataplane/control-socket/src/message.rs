//! Requests and responses.

use serde::{Deserialize, Serialize};

use crate::{Settings, Statistics};

/// What the control process asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Who runs, since when, in which state: [`Response::Status`].
    Status,
    /// All counters: [`Response::Netstats`].
    Netstats,
    /// The settings in force: [`Response::Settings`].
    Settings,
    /// Apply these settings between two bursts: [`Response::Done`], or [`Response::Failed`] and nothing has changed.
    Apply {
        /// All of them, not only what changed.
        settings: Box<Settings>,
    },
    /// How the control process looks after the dataplane: [`Response::Supervision`]. Answered by the control process.
    Supervision,
    /// End: every flow gets its record, the spool is closed. [`Response::Done`] comes before that.
    Stop,
}

/// What the dataplane answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub enum Response {
    /// To [`Request::Status`].
    Status(Status),
    /// To [`Request::Netstats`].
    Netstats(Box<Statistics>),
    /// To [`Request::Settings`].
    Settings(Box<Settings>),
    /// To [`Request::Supervision`].
    Supervision(Box<Supervision>),
    /// What was asked is done, or, with [`Request::Stop`], begun.
    Done,
    /// It is not.
    Failed {
        /// What kind of failure, for programs.
        failure: Failure,
        /// What went wrong, for people.
        message: String,
    },
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The line is no request that this version knows.
    BadRequest,
    /// The line is longer than [`MAX_LINE`](crate::MAX_LINE); the connection is closed.
    LineTooLong,
    /// The settings are wrong.
    InvalidSettings,
    /// A change that needs a restart, such as another set of ports.
    NeedsRestart,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// Who runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Version of the dataplane.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Whole seconds since it was started.
    pub uptime: u64,
    /// What it is doing.
    pub state: State,
    /// Names of its ports.
    pub ports: Vec<String>,
    /// Number of worker lcores.
    pub workers: u32,
    /// Load of the busiest worker in thousandths of the mean; 0: not measured yet.
    pub imbalance: u32,
}

/// How the control process looks after the dataplane and its records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Supervision {
    /// Version of the control process.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Whole seconds since it was started.
    pub uptime: u64,
    /// Process id of the dataplane, while one runs.
    pub dataplane_pid: Option<u32>,
    /// Times that the dataplane was started again.
    pub restarts: u64,
    /// How the dataplane ended last, if it did.
    pub last_exit: Option<String>,
    /// Records delivered from the spool.
    pub delivered: u64,
    /// Lines of the spool that are no records.
    pub refused: u64,
    /// Bytes of the spool that were damaged.
    pub skipped_bytes: u64,
    /// Current bytes of the spool that are not delivered yet.
    pub backlog_bytes: u64,
}

/// What a dataplane is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Starting ports and workers.
    #[default]
    Starting,
    /// Analyzing.
    Running,
    /// Writing the records of the flows that are left.
    Stopping,
    /// One that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A request with its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) request: Request,
}

/// A request's number alone, for the answer to a request that is not understood.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct QuestionNumber {
    #[serde(default)]
    pub(crate) id: u64,
}

/// A response with the number of its request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) response: Response,
}
