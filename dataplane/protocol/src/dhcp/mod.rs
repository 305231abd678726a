//! Dynamic Host Configuration Protocol for IPv4 (RFC 2131): recognized, not yet logged.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Analyzer of the messages between two ends.
#[derive(Debug)]
pub(crate) struct Analyzer;

impl Analyzer {
    /// A new analyzer.
    pub(crate) const fn new(_proto: Proto) -> Self {
        Self
    }
}

/// Datagrams with the cookie of DHCP options are looked at on any port.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    let has_cookie = |payload| memchr::memmem::find(payload, &parse::COOKIE).is_some();
    if probe.proto == Proto::Udp && (has_cookie(probe.originator) || has_cookie(probe.responder)) {
        Match::Yes
    } else {
        Match::No
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, _direction: Direction, payload: &[u8]) -> Verdict {
        match parse::message_type(payload) {
            Ok(_) => {
                context.confirm("dhcp");
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
