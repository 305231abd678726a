//! The summary of a connection that is over.

use record::Interval;

use crate::ConnState;

/// Why a connection left the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It was closed, and time for stray packets has passed.
    Closed,
    /// An attempt without an answer.
    Attempt,
    /// Nothing came for too long.
    Inactivity,
    /// Its ends and ports were used for a new connection.
    Reused,
    /// The table was full.
    Evicted,
    /// The table was flushed at the end of input.
    Finished,
}

/// What a connection record needs besides [`FlowInfo`](crate::FlowInfo).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Why it was removed.
    pub removal: Removal,
    /// State in one word.
    pub state: ConnState,
    /// From the first to the last packet that counts; none when that is no time at all. Trailing packets of a TCP
    /// connection that both ends have closed do not count.
    pub duration: Option<Interval>,
    /// Payload octets of the originator: from sequence numbers for TCP, from lengths of datagrams otherwise. Logged
    /// only with a duration.
    pub orig_bytes: u64,
    /// Payload octets of the responder.
    pub resp_bytes: u64,
    /// Octets in content gaps.
    pub missed_bytes: u64,
    /// Packets of the originator.
    pub orig_pkts: u64,
    /// Octets of the originator's IP packets.
    pub orig_ip_bytes: u64,
    /// Packets of the responder.
    pub resp_pkts: u64,
    /// Octets of the responder's IP packets.
    pub resp_ip_bytes: u64,
}
