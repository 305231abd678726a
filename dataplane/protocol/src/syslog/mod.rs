//! Syslog over UDP and TCP (RFC 5424, RFC 3164, RFC 6587): recognized, not yet logged.

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

/// Syslog is found by its port only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let Some(streams) = &mut self.streams else {
            // A datagram without priority is a message too (RFC 3164, section 4.3.3).
            context.confirm("syslog");
            return Verdict::More;
        };
        let [originator, responder] = streams;
        let stream = match direction {
            Direction::Originator => originator,
            Direction::Responder => responder,
        };
        match stream.add(payload) {
            Ok(true) => {
                context.confirm("syslog_tcp");
                Verdict::More
            }
            Ok(false) => Verdict::More,
            Err(reason) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
