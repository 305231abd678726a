//! What crosses between `baleen`, the control process, and `baleen-dataplane`: requests, settings, statistics; and
//! both ends of the Unix socket that carries them.
//!
//! One JSON object a line. The control process asks, the dataplane answers, each answer with the number of its
//! question:
//!
//! ```text
//! {"id":1,"request":"netstats"}
//! {"id":1,"response":"netstats","version":"0.1.0","pid":4711, ...}
//! ```
//!
//! so that a person can ask too: `echo '{"id":1,"request":"status"}' | nc -U /run/baleen/dataplane.sock`.
//!
//! # Versions
//!
//! The two processes may be of different versions during an upgrade. Unknown keys in responses are passed over, and
//! counters that are missing are zero. [`Settings`] is strict instead: a setting that the dataplane does not know is an
//! error that names it, not something silently not done. A request that the dataplane does not know is answered with
//! [`Failure::BadRequest`].
//!
//! # Limits
//!
//! Lines are at most [`MAX_LINE`] bytes either way, clients at most [`MAX_CLIENTS`], each with one request at a time. The
//! socket has mode 0600: who may connect is who runs the dataplane, and root.
//!
//! The server has no thread: [`Server::serve`] is called from the dataplane's housekeeping thread and never waits longer
//! than it is told. Depends on nothing of Baleen.

mod client;
mod line;
mod message;
mod server;
mod settings;
mod statistics;

pub use client::{Client, ClientError};
pub use line::MAX_LINE;
pub use message::{Failure, Request, Response, State, Status, Supervision};
pub use server::{MAX_CLIENTS, Server, ServerError};
pub use settings::{
    Balance, Limits, Memory, Network, NetworkError, Port, Settings, SettingsError, Shunting, Spool,
};
pub use statistics::{
    BalanceStatistics, DropReasons, Imbalance, Lcore, LcoreRole, LogStatistics, OffloadStatistics,
    PortStatistics, SpoolStatistics, Statistics,
};

#[cfg(test)]
mod tests;
