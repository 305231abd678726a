//! What an analyzer may know of its connection.

use record::{Endpoints, Proto, Time, Uid};

/// Who sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The originator: usually the client.
    Originator,
    /// The responder: usually the server.
    Responder,
}

impl Direction {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Originator => Self::Responder,
            Self::Responder => Self::Originator,
        }
    }

    /// 0 for the originator, 1 for the responder: an index into pairs.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Identity of a connection.
#[derive(Debug, Clone)]
pub struct FlowInfo {
    /// Unique id.
    pub uid: Uid,
    /// The two ends.
    pub id: Endpoints,
    /// Transport.
    pub proto: Proto,
    /// Time of the first packet.
    pub start: Time,
    /// A TCP connection whose beginning was not seen.
    pub is_partial: bool,
}

impl FlowInfo {
    /// Swaps originator and responder.
    pub fn flip(&mut self) {
        let Endpoints { orig_h, orig_p, resp_h, resp_p } = self.id;
        self.id = Endpoints { orig_h: resp_h, orig_p: resp_p, resp_h: orig_h, resp_p: orig_p };
    }
}
