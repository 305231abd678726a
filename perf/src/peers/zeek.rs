//! Zeek: `local`, as it is installed, with logs in JSON.
//!
//! `local` hashes every file (MD5 and SHA-1), so it is to be compared with the sensor that does. Logs that the sensor
//! does not have are turned off. Debian has no package of it; the benchmark takes one that is in the search path.

use super::{Peer, PeerRun};
use crate::rounds::count_logs;

/// The peer.
pub(super) const ZEEK: Peer = Peer {
    program: "zeek",
    version: &["--version"],
    files: &[("peer.zeek", include_str!("peer.zeek"))],
    runs: &[PeerRun {
        name: crate::targets::ZEEK,
        arguments: &["-C", "-r", "{capture}", "local", "{peer.zeek}"],
    }],
    records: count_logs,
    has_conn_log: true,
};
