//! Kerberos 5 over UDP and TCP (RFC 4120): recognized, not yet logged.
//!
//! Messages are checked as far as their version and type, and for their length.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use parse::Framing;

/// Analyzer of the messages of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    /// TCP: the message that each direction is sending.
    streams: Option<[Framing; 2]>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(proto: Proto) -> Self {
        Self { streams: (proto == Proto::Tcp).then(Default::default) }
    }
}

/// A TGS-REQ of a usual length is recognized in a datagram on any port.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    let looks =
        |payload: &[u8]| matches!(payload, [0x6c, _, _, _, 0x30, _, _, _, 0xa1, 0x03, 0x02, 0x01, 0x05, ..]);
    if probe.proto == Proto::Udp && (looks(probe.originator) || looks(probe.responder)) {
        Match::Yes
    } else {
        Match::No
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let result = match &mut self.streams {
            None => parse::message(payload).map(|()| Some("krb")),
            Some(_) if context.is_partial() => Ok(None),
            Some(streams) => {
                let [originator, responder] = streams;
                let stream = match direction {
                    Direction::Originator => originator,
                    Direction::Responder => responder,
                };
                stream.add(payload).map(|complete| complete.then_some("krb_tcp"))
            }
        };
        match result {
            Ok(Some(service)) => context.confirm(service),
            Ok(None) => {}
            Err(reason) => return Verdict::Violation(reason),
        }
        Verdict::More
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
