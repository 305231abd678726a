//! MQTT 3.1 and 3.1.1 over TCP: recognized, not yet logged.
//!
//! As in Zeek each piece of payload is read as one control packet from its first octet: a packet spread over several
//! segments is a violation, and what follows a packet in its segment is not looked at. MQTT 5 is not understood.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::Packet;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Where the name of the protocol is looked for: after the type and 1 to 4 octets of length and 2 of its own.
const NAME_AT: std::ops::RangeInclusive<usize> = 4..=7;

/// Analyzer of one MQTT connection.
#[derive(Debug)]
pub(crate) struct Analyzer;

impl Analyzer {
    /// A new analyzer.
    pub(crate) const fn new(_proto: Proto) -> Self {
        Self
    }
}

/// A CONNECT packet has the name of the protocol, `MQTT` or `MQIsdp`, near its beginning.
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
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
