//! Distributed Network Protocol 3 over TCP and UDP (IEEE 1815): recognized, not yet logged.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use parse::{Assembler, Damage};

/// Analyzer of the link frames of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    service: &'static str,
    source: &'static str,
    streams: [Assembler; 2],
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(proto: Proto) -> Self {
        let (service, source) =
            if proto == Proto::Tcp { ("dnp3_tcp", "DNP3_TCP") } else { ("dnp3_udp", "DNP3_UDP") };
        Self { service, source, streams: Default::default() }
    }
}

/// Link frames of a TCP server are recognized on any port.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        Match::No
    } else if probe.responder.starts_with(&parse::START) {
        Match::Yes
    } else if probe.responder.is_empty() && probe.originator.starts_with(&parse::START) {
        Match::Maybe
    } else {
        Match::No
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let [originator, responder] = &mut self.streams;
        let stream = match direction {
            Direction::Originator => originator,
            Direction::Responder => responder,
        };
        let mut rest = payload;
        while !rest.is_empty() {
            let damage = match stream.header(&mut rest) {
                Ok(None) => Ok(()),
                Ok(Some(header)) => {
                    context.confirm(self.service);
                    if header.has_data && header.is_from_master != (direction == Direction::Originator) {
                        context.weird("dnp3_unexpected_flow_direction", None, self.source);
                    }
                    stream.data(&mut rest)
                }
                Err(damage) => Err(damage),
            };
            let damage = damage.and_then(|()| stream.data(&mut rest));
            match damage {
                Ok(()) => {}
                Err(Damage::NoStart) => return Verdict::Violation("no start of a link frame"),
                Err(damage) => {
                    context.weird(damage.name(), None, self.source);
                    return match damage {
                        Damage::HeaderChecksum => Verdict::Violation("broken_checksum"),
                        _ => Verdict::Done,
                    };
                }
            }
        }
        Verdict::More
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
