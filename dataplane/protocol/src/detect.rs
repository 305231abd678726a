//! Recognizes protocols by the first octets of a connection, on whatever port they are spoken.
//!
//! Most connections are decided by their first payload, without a copy of it; only while some protocol says
//! [`Match::Maybe`] is the beginning kept, so that the analyzer found later is given all of it.

use record::Proto;

use crate::registry::{Match, Probe};
use crate::{Direction, Protocol};

/// So many octets of a connection are looked at, both directions together (Zeek: `dpd_buffer_size`).
const MAX_OCTETS: usize = 1024;
/// So many pieces of payload are looked at (Zeek: `dpd_max_packets`).
const MAX_CHUNKS: usize = 100;

/// The beginning of a connection whose protocol is not known yet.
#[derive(Debug, Default)]
pub(crate) struct Detector {
    /// Payload kept, both directions in order of arrival.
    kept: Vec<u8>,
    /// Direction of each piece, and where it ends in `kept`.
    chunks: Vec<(Direction, usize)>,
    /// TCP: the beginning of each stream; UDP: the last datagram.
    beginnings: [Vec<u8>; 2],
}

/// What one more piece of payload told.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Protocols recognized now.
    pub(crate) protocols: Vec<Protocol>,
    /// Whether another may still be recognized with more payload.
    pub(crate) undecided: bool,
}

impl Detector {
    /// Looks at `payload` after what was kept; protocols that are known already are not looked for.
    pub(crate) fn add(
        &mut self,
        proto: Proto,
        direction: Direction,
        payload: &[u8],
        is_known: impl Fn(Protocol) -> bool,
    ) -> Found {
        let [originator, responder] = &mut self.beginnings;
        let (own, other) = match direction {
            Direction::Originator => (originator, responder),
            Direction::Responder => (responder, originator),
        };
        let joined = if proto == Proto::Tcp && !own.is_empty() {
            own.extend_from_slice(payload.get(..payload.len().min(MAX_OCTETS)).unwrap_or_default());
            own.as_slice()
        } else {
            payload
        };
        let probe = match direction {
            Direction::Originator => Probe { proto, originator: joined, responder: other },
            Direction::Responder => Probe { proto, originator: other, responder: joined },
        };
        let mut found = Found::default();
        for protocol in Protocol::ALL.iter().filter(|protocol| !is_known(**protocol)) {
            match protocol.probe(&probe) {
                Match::No => {}
                Match::Maybe => found.undecided = true,
                Match::Yes => found.protocols.push(*protocol),
            }
        }
        found
    }

    /// Keeps `payload` for an analyzer found later; false when the connection has sent too much to go on looking.
    pub(crate) fn keep(&mut self, proto: Proto, direction: Direction, payload: &[u8]) -> bool {
        if self.kept.len() > MAX_OCTETS || self.chunks.len() >= MAX_CHUNKS {
            return false;
        }
        self.kept.extend_from_slice(payload);
        self.chunks.push((direction, self.kept.len()));
        if let Some(own) = self.beginnings.get_mut(direction.index()) {
            if proto != Proto::Tcp {
                own.clear();
            }
            if own.is_empty() {
                own.extend_from_slice(payload.get(..payload.len().min(MAX_OCTETS)).unwrap_or_default());
            }
        }
        true
    }

    /// The pieces of payload kept, in order of arrival.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (Direction, &[u8])> {
        let mut start = 0;
        self.chunks.iter().map(move |(direction, end)| {
            let chunk = self.kept.get(start..*end).unwrap_or_default();
            start = *end;
            (*direction, chunk)
        })
    }
}
