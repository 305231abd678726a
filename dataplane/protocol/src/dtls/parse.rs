//! Records and handshake fragments of DTLS (RFC 6347, sections 4.1 and 4.2.2; RFC 9147, section 4).

use crate::ssl::content;
use crate::ssl::parse::kind;
use crate::ssl::reader::Reader;

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// What the record contains.
    pub(super) content: u8,
    /// Version of the record.
    pub(super) version: u16,
    /// 0 before encryption.
    pub(super) epoch: u16,
    /// Number of the record in its epoch, 48 bits.
    pub(super) sequence: u64,
    /// Octets that follow.
    pub(super) length: usize,
}

/// Reads a header; returns what follows it too.
pub(super) fn header(octets: &[u8]) -> Option<(Header, &[u8])> {
    let mut reader = Reader::new(octets);
    let (content, version, epoch) = (reader.u8()?, reader.u16()?, reader.u16()?);
    let (high, low) = (reader.u24()?, reader.u24()?);
    let sequence = u64::from(high) << 24 | u64::from(low);
    let length = reader.u16()?.into();
    Some((Header { content, version, epoch, sequence, length }, reader.rest()))
}

/// A handshake message or a piece of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    /// Kind of the message.
    pub(super) kind: u8,
    /// Octets of the whole message.
    pub(super) length: usize,
    /// Number of the message.
    pub(super) sequence: u16,
    /// Where the piece belongs.
    pub(super) offset: usize,
    /// The piece.
    pub(super) data: &'a [u8],
}

/// Reads a fragment; returns what follows it too.
pub(super) fn fragment(octets: &[u8]) -> Option<(Fragment<'_>, &[u8])> {
    let mut reader = Reader::new(octets);
    let kind = reader.u8()?;
    let length = reader.u24()? as usize;
    let sequence = reader.u16()?;
    let offset = reader.u24()? as usize;
    let data = reader.vector24()?;
    Some((Fragment { kind, length, sequence, offset, data }, reader.rest()))
}

/// Whether a record has the header that DTLS 1.3 uses for encrypted ones.
pub(super) const fn is_unified(first: u8) -> bool {
    first & 0xE0 == 0x20
}

/// Whether a datagram is a STUN message (RFC 8489): they come in between on the flows of WebRTC.
pub(super) fn is_stun(payload: &[u8]) -> bool {
    payload.len() > 20 && payload.get(4..8) == Some(&[0x21, 0x12, 0xA4, 0x42])
}

/// Whether DTLS may come after a datagram: STUN, with which the flows of WebRTC begin, or another record.
pub(super) fn may_precede(payload: &[u8]) -> bool {
    is_stun(payload) || matches!(payload, [content::CHANGE_CIPHER_SPEC..=content::HEARTBEAT, 0xFE, ..])
}

/// Whether a datagram begins with a client's hello in one of the first records of a flow.
pub(super) fn is_client_hello(payload: &[u8]) -> bool {
    matches!(
        payload.get(..27),
        Some([
            content::HANDSHAKE,
            0xFE,
            0xFF | 0xFD,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            _,
            _,
            _,
            kind::CLIENT_HELLO,
            ..,
            0xFE,
            0xFF | 0xFD
        ])
    )
}
