//! What the two sides of a flow say to each other, before it is cut into packets.

use std::ops::Range;

use super::filler::Kind;
use super::frame::{Protocol, Side};

/// Microseconds in nanoseconds.
pub(crate) const MICROSECOND: u64 = 1_000;
/// Milliseconds in nanoseconds.
pub(crate) const MILLISECOND: u64 = 1_000_000;

/// How a TCP connection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// SYN, SYN-ACK, ACK.
    Handshake,
    /// A SYN that nobody answers.
    Unanswered,
    /// A SYN that is answered with RST.
    Refused,
}

/// How a TCP connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// FIN of a side, FIN of the other, ACK.
    Fin(Side),
    /// RST of a side.
    Reset(Side),
    /// It does not.
    Open,
}

/// The transport of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TCP, where messages are cut into segments.
    Tcp {
        /// How it begins.
        opening: Opening,
        /// How it ends.
        closing: Closing,
        /// With the time-stamp option (RFC 7323).
        timestamps: bool,
    },
    /// UDP, where each message is a datagram.
    Udp,
}

impl Transport {
    /// The protocol.
    pub(crate) const fn protocol(self) -> Protocol {
        match self {
            Self::Tcp { .. } => Protocol::Tcp,
            Self::Udp => Protocol::Udp,
        }
    }
}

/// What one side says in one go: octets that the application chose, then filler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// From the responder.
    pub(crate) is_response: bool,
    /// Time since the packet before, in nanoseconds.
    pub(crate) pause: u64,
    /// Where the chosen octets are in [`Conversation::literals`].
    pub(crate) literal: Range<usize>,
    /// The kind of filler.
    pub(crate) kind: Kind,
    /// Octets of filler.
    pub(crate) filler: u64,
}

impl Message {
    /// Who says it.
    pub(crate) const fn side(&self) -> Side {
        if self.is_response { Side::Responder } else { Side::Originator }
    }

    /// Octets of it.
    pub(crate) fn octets(&self) -> u64 {
        self.literal.len() as u64 + self.filler
    }
}

/// A whole conversation. Flows may share one: what differs between them then is filler and sequence numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conversation {
    /// The transport.
    pub(crate) transport: Transport,
    /// The chosen octets of all messages.
    pub(crate) literals: Vec<u8>,
    /// The messages, in order of time.
    pub(crate) messages: Vec<Message>,
    /// The messages from here on are said [`Self::laps`] times.
    pub(crate) lap_start: usize,
    /// How often; at least 1.
    pub(crate) laps: u32,
    /// Round-trip time between the sides, in nanoseconds.
    pub(crate) round_trip: u64,
    /// Time between segments of a message, in nanoseconds.
    pub(crate) segment_gap: u64,
}

impl Conversation {
    /// One over TCP with handshake and FIN of the originator.
    pub(crate) fn tcp() -> Self {
        let closing = Closing::Fin(Side::Originator);
        Self::new(Transport::Tcp { opening: Opening::Handshake, closing, timestamps: false })
    }

    /// One over UDP.
    pub(crate) fn udp() -> Self {
        Self::new(Transport::Udp)
    }

    fn new(transport: Transport) -> Self {
        Self {
            transport,
            literals: Vec::new(),
            messages: Vec::new(),
            lap_start: 0,
            laps: 1,
            round_trip: 2 * MILLISECOND,
            segment_gap: 12 * MICROSECOND,
        }
    }

    /// Changes how the TCP connection ends; nothing for UDP.
    pub(crate) fn closed(mut self, how: Closing) -> Self {
        if let Transport::Tcp { closing, .. } = &mut self.transport {
            *closing = how;
        }
        self
    }

    /// Changes how the TCP connection begins; nothing for UDP.
    pub(crate) fn opened(mut self, how: Opening) -> Self {
        if let Transport::Tcp { opening, .. } = &mut self.transport {
            *opening = how;
        }
        self
    }

    /// Appends a message of the originator.
    pub(crate) fn request(&mut self, pause: u64, octets: &[u8]) -> &mut Self {
        self.say(false, pause, |to| to.extend_from_slice(octets))
    }

    /// Appends a message of the responder.
    pub(crate) fn response(&mut self, pause: u64, octets: &[u8]) -> &mut Self {
        self.say(true, pause, |to| to.extend_from_slice(octets))
    }

    /// Appends a message whose octets are written in place.
    pub(crate) fn say(
        &mut self,
        is_response: bool,
        pause: u64,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> &mut Self {
        let start = self.literals.len();
        write(&mut self.literals);
        let literal = start..self.literals.len();
        self.messages.push(Message { is_response, pause, literal, ..Message::default() });
        self
    }

    /// Lengthens the last message by filler.
    pub(crate) fn fill(&mut self, kind: Kind, octets: u64) -> &mut Self {
        if let Some(message) = self.messages.last_mut() {
            (message.kind, message.filler) = (kind, octets);
        }
        self
    }

    /// Says the messages from `lap_start` on so many times.
    pub(crate) fn repeat(&mut self, lap_start: usize, laps: u32) -> &mut Self {
        (self.lap_start, self.laps) = (lap_start, laps.max(1));
        self
    }
}
