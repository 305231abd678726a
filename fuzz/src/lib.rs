//! What the fuzz targets share: the form of their input, and how it is driven.
//!
//! A session's input is the responder's port (two octets, big-endian), then pieces: one octet, whose lowest bit is the
//! direction and whose second bit makes a gap, two octets of length, and so many octets of payload.

use protocol::Direction;
use protocol::testing::Harness;

/// Octets in front of a piece's payload.
const PIECE_HEADER: usize = 3;

/// Most octets of one input that are looked at.
pub const MAX_INPUT: usize = 1 << 16;

/// Runs the analyzers of one connection over the input, and checks that every record is a JSON object on one line.
pub fn session(input: &[u8], start: fn(u16) -> Harness) {
    let Some((port, mut rest)) = input.split_first_chunk::<2>() else { return };
    let mut harness = start(u16::from_be_bytes(*port));
    while let Some((&[kind, high, low], after)) = rest.split_first_chunk::<PIECE_HEADER>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (payload, after) = after.split_at(length.min(after.len()));
        rest = after;
        let direction = if kind & 1 == 0 { Direction::Originator } else { Direction::Responder };
        match kind & 6 {
            2 => harness.gap(direction, length as u64),
            4 => harness.end_of_stream(direction),
            _ => harness.data(direction, payload),
        }
    }
    for record in harness.end() {
        assert!(record.starts_with('{') && record.ends_with('}') && !record.contains('\n'), "{record}");
    }
}

/// Appends a piece to an input for [`session`].
pub fn push_piece(input: &mut Vec<u8>, direction: Direction, payload: &[u8]) {
    let payload = &payload[..payload.len().min(usize::from(u16::MAX))];
    input.push(direction as u8);
    input.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    input.extend_from_slice(payload);
}
