//! What the fuzz targets share: the form of their input, and how it is driven.
//!
//! A session's input is the responder's port (two octets, big-endian), then pieces: one octet, whose lowest bit is the
//! direction and whose next two bits make a gap or an end, two octets of length, and so many octets of payload.

use protocol::Direction;
use protocol::testing::Harness;

/// Octets in front of a piece's payload.
const PIECE_HEADER: usize = 3;

/// Bits of a piece's first octet.
const RESPONDER: u8 = 1;
const KIND: u8 = 6;
const GAP: u8 = 2;
const END: u8 = 4;

/// Feeds the input to the analyzers of one connection.
pub fn feed(input: &[u8], start: fn(u16) -> Harness) -> Option<Harness> {
    let (port, mut rest) = input.split_first_chunk::<2>()?;
    let mut harness = start(u16::from_be_bytes(*port));
    while let Some((&[kind, high, low], after)) = rest.split_first_chunk::<PIECE_HEADER>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let direction = if kind & RESPONDER == 0 { Direction::Originator } else { Direction::Responder };
        rest = after;
        match kind & KIND {
            GAP => harness.gap(direction, length as u64),
            END => harness.end_of_stream(direction),
            _ => {
                let (payload, after) = after.split_at(length.min(after.len()));
                rest = after;
                harness.data(direction, payload);
            }
        }
    }
    Some(harness)
}

/// Runs the analyzers of one connection over the input, and checks every record.
pub fn session(input: &[u8], start: fn(u16) -> Harness) {
    if let Some(mut harness) = feed(input, start) {
        check_records(&harness.end());
    }
}

/// Checks that every record is a JSON object on one line.
pub fn check_records(records: &[String]) {
    for record in records {
        assert!(record.starts_with('{') && record.ends_with('}') && !record.contains('\n'), "{record}");
    }
}

/// The input of a session to `port`, without pieces yet.
pub fn session_input(port: u16) -> Vec<u8> {
    port.to_be_bytes().to_vec()
}

/// Appends payload to a session's input.
pub fn push_data(input: &mut Vec<u8>, direction: Direction, payload: &[u8]) {
    input.push(direction as u8);
    push_length(input, payload);
}

/// Appends a gap to a session's input.
pub fn push_gap(input: &mut Vec<u8>, direction: Direction, length: u64) {
    input.push(direction as u8 | GAP);
    input.extend_from_slice(&(length.min(u64::from(u16::MAX)) as u16).to_be_bytes());
}

/// Appends the end of a stream to a session's input.
pub fn push_end(input: &mut Vec<u8>, direction: Direction) {
    input.extend_from_slice(&[direction as u8 | END, 0, 0]);
}

/// Appends octets after two octets of length.
pub fn push_length(input: &mut Vec<u8>, octets: &[u8]) {
    let octets = &octets[..octets.len().min(usize::from(u16::MAX))];
    input.extend_from_slice(&(octets.len() as u16).to_be_bytes());
    input.extend_from_slice(octets);
}

/// The pieces of an input, each after two octets of length; the last may be shorter than it says.
pub fn lengths(mut input: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, after) = input.split_first_chunk::<2>()?;
        let (piece, after) = after.split_at(usize::from(u16::from_be_bytes(*length)).min(after.len()));
        input = after;
        Some(piece)
    })
}
