//! Simple Network Management Protocol, versions 1, 2c and 3 (RFC 1157, RFC 3416, RFC 3412): recognized, not yet
//! logged.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Analyzer of the messages of one flow.
#[derive(Debug)]
pub(crate) struct Analyzer;

impl Analyzer {
    /// A new analyzer.
    pub(crate) const fn new(_proto: Proto) -> Self {
        Self
    }
}

/// SNMP is found by its ports only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let Some(header) = parse::header(payload) else {
            return Verdict::Violation("damaged header");
        };
        // A request alone may be a guess at a port.
        if direction == Direction::Responder {
            context.confirm("snmp");
        }
        match parse::body(&header) {
            Some(()) => Verdict::More,
            None => Verdict::Violation("damaged protocol data unit"),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
