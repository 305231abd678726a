//! Modbus/TCP (Modbus Application Protocol, version 1.1b3): recognized, not yet logged.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use parse::Framing;

/// Analyzer of the messages of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    streams: [Framing; 2],
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self { streams: Default::default() }
    }
}

/// Modbus is found by its port only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let [requests, responses] = &mut self.streams;
        let result = match direction {
            Direction::Originator => requests.add(payload, parse::check_request),
            Direction::Responder => responses.add(payload, parse::check_response),
        };
        match result {
            Ok(true) => {
                context.confirm("modbus");
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
