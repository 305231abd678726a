//! MQTT 3.1 and 3.1.1 over TCP: recognized, not yet logged.
//!
//! As in Zeek each piece of payload is read as one control packet from its first octet: a packet spread over several
//! segments is a violation, and what follows a packet in its segment is not looked at. MQTT 5 is not understood.

mod parse;
//! MQTT 3.1, 3.1.1 and 5.0 (OASIS).
//! Recognized only; there is no log yet.
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::Packet;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Where the name of the protocol is looked for: after the type and 1 to 4 octets of length and 2 of its own.
const NAME_AT: std::ops::RangeInclusive<usize> = 4..=7;

/// Analyzer of one MQTT connection.
/// Analyzer of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer;

impl Analyzer {
    /// A new analyzer.
    pub(crate) const fn new(_proto: Proto) -> Self {
        Self
    }
}

/// A CONNECT packet has the name of the protocol, `MQTT` or `MQIsdp`, near its beginning.
/// The protocol's name in the first message of either side.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let named = |stream: &[u8]| {
        NAME_AT.clone().any(|at| {
            stream.get(..at).is_some_and(|before| !before.contains(&b'\n'))
                && stream.get(at..).is_some_and(|rest| rest.starts_with(b"MQ"))
        })
    };
    if named(probe.originator) || named(probe.responder) {
        Match::Yes
    } else if probe.originator.len() < NAME_AT.end() + 2 {
    let named = |data: &[u8]| (4..=7).any(|at| data.get(at..at + 2) == Some(b"MQ"));
    } else if probe.originator.len() < 9 && probe.originator.first().is_none_or(|first| *first == 0x10) {
        Match::Maybe
    } else {
        Match::No
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, _direction: Direction, payload: &[u8]) -> Verdict {
        match parse::packet(payload) {
            Ok(Packet::Connect(_) | Packet::Publish(_)) => {
                context.confirm("mqtt");
                Verdict::More
            }
            Ok(Packet::Other) => Verdict::More,
            Err(reason) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
/// Octets of the remaining length, and that length (section 1.5.5).
fn remaining_length(data: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0_usize;
    for (at, octet) in data.iter().take(4).enumerate() {
        length |= usize::from(octet & 0x7f) << (7 * at);
        if octet & 0x80 == 0 {
            return Some((at + 1, length));
    None
}
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let Some((first, rest)) = payload.split_first() else { return Verdict::More };
        let Some((octets, length)) = remaining_length(rest).filter(|_| first >> 4 != 0) else {
            return Verdict::Violation("no MQTT packet");
        };
        if known && opens {
            context.confirm("mqtt");
            return Verdict::Done;
        if known { Verdict::More } else { Verdict::Violation("no MQTT packet") }
        // What version 5 says has another form, and is not taken for MQTT, as in Zeek.
        let is_version_5 =
            direction == Direction::Originator && rest.get(octets..octets + 7) == Some(b"\0\x04MQTT\x05");
        if is_version_5 {
            return Verdict::Violation("MQTT 5");
        }
        if rest.len() >= octets + length {
        }
        Verdict::Done
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
