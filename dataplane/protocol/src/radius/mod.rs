//! Remote Authentication Dial In User Service (RFC 2865): recognized, not yet logged.

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

/// RADIUS is found by its port only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, _direction: Direction, payload: &[u8]) -> Verdict {
        match parse::check(payload) {
            Ok(()) => {
                context.confirm("radius");
                Verdict::More
            }
            Err(reason) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
