//! What the `quic` record of a connection will say.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use record::{Endpoints, Quic, Time};

use super::parse::{Long, VERSION_1, VERSION_2};
use crate::{Direction, FlowContext};

/// Letters of a history (Zeek: `QUIC::max_history_length`).
const MAX_HISTORY: usize = 100;

/// Letters of the history; the client's are written upper case.
pub(super) mod letter {
    /// Initial packet.
    pub(in crate::quic) const INITIAL: char = 'i';
    /// Handshake packet.
    pub(in crate::quic) const HANDSHAKE: char = 'h';
    /// 0-RTT packet.
    pub(in crate::quic) const ZERO_RTT: char = 'z';
    /// Retry packet.
    pub(in crate::quic) const RETRY: char = 'r';
    /// CONNECTION_CLOSE frame.
    pub(in crate::quic) const CLOSE: char = 'c';
    /// Hello of TLS.
    pub(in crate::quic) const HELLO: char = 's';
    /// Packet of a version that is not known.
    pub(in crate::quic) const UNKNOWN_VERSION: char = 'u';
    /// Datagram that is no QUIC.
    pub(in crate::quic) const DISCARDED: char = 'x';
    /// Packets with a short header: the first, and each time their number has doubled.
    pub(in crate::quic) const SHORT: char = 'o';
}

/// A record in the making.
#[derive(Debug)]
pub(super) struct Summary {
    ts: Time,
    id: Endpoints,
    version: String,
    client_initial_dcid: Option<String>,
    client_scid: Option<String>,
    server_scid: Option<String>,
    server_name: Option<Vec<u8>>,
    client_protocol: Option<Vec<u8>>,
    history: String,
}

impl Summary {
    /// Begins with a packet.
    pub(super) fn new(context: &FlowContext<'_>, direction: Direction, packet: &Long<'_>) -> Self {
        let mut summary = Self {
            ts: context.now(),
            id: context.endpoints(),
            version: version_name(packet.version),
            client_initial_dcid: None,
            client_scid: None,
            server_scid: None,
            server_name: None,
            client_protocol: None,
            history: String::new(),
        };
        summary.connection_ids(direction, packet);
        summary
    }

    /// Takes the connection ids of a packet: the client's first destination, and the last source of each side.
    pub(super) fn connection_ids(&mut self, direction: Direction, packet: &Long<'_>) {
        let source = HEXLOWER.encode(packet.source);
        match direction {
            Direction::Originator => {
                if self.client_initial_dcid.is_none() && !packet.destination.is_empty() {
                    self.client_initial_dcid = Some(HEXLOWER.encode(packet.destination));
                }
                self.client_scid = Some(source);
            }
            Direction::Responder => self.server_scid = Some(source),
        }
    }

    /// Takes what the client's hello asks for.
    pub(super) fn client_hello(&mut self, server_name: Option<&[u8]>, protocol: Option<&[u8]>) {
        if let Some(name) = server_name {
            self.server_name = Some(name.to_vec());
        }
        if let Some(protocol) = protocol {
            self.client_protocol = Some(protocol.to_vec());
        }
    }

    /// Adds a letter to the history.
    pub(super) fn note(&mut self, context: &mut FlowContext<'_>, direction: Direction, letter: char) {
        if self.history.len() >= MAX_HISTORY {
            return;
        }
        self.history.push(match direction {
            Direction::Originator => letter.to_ascii_uppercase(),
            Direction::Responder => letter,
        });
        if self.history.len() == MAX_HISTORY {
            context.weird("QUIC_max_history_length_reached", None, "");
        }
    }

    /// Writes the record.
    pub(super) fn write(&self, context: &mut FlowContext<'_>) {
        context.emit(&Quic {
            ts: self.ts,
            uid: context.uid(),
            id: self.id,
            version: &self.version,
            client_initial_dcid: self.client_initial_dcid.as_deref(),
            client_scid: self.client_scid.as_deref(),
            server_scid: self.server_scid.as_deref(),
            server_name: self.server_name.as_deref(),
            client_protocol: self.client_protocol.as_deref(),
            history: &self.history,
        });
    }
}

/// A version's name, as Zeek has it.
fn version_name(version: u32) -> String {
    let mut name = String::new();
    // Writing to a string cannot fail.
    let _ = match version {
        VERSION_1 => name.write_str("1"),
        VERSION_2 => name.write_str("quicv2"),
        // Zeek's table calls draft 31 so.
        0xff00_001f => name.write_str("draft-30"),
        0xff00_0016..=0xff00_0022 => write!(name, "draft-{}", version & 0xff),
        0xface_b001 | 0xface_b002 | 0xface_b00e | 0xface_b011..=0xface_b013 => {
            write!(name, "mvfst ({version:x})")
        }
        _ => write!(name, "unknown-{version:x}"),
    };
    name
}
