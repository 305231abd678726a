//! Session Initiation Protocol over UDP (RFC 3261): recognized, not yet logged.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use parse::Kind;

/// Junk before a request is reported up to so many octets.
const MAX_JUNK: usize = 256;

/// Analyzer of the messages of one flow.
#[derive(Debug)]
pub(crate) struct Analyzer {
    /// Octets of no message that came before the next request.
    junk: Vec<u8>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) const fn new(_proto: Proto) -> Self {
        Self { junk: Vec::new() }
    }
}

/// A status line is recognized on any port; a request makes it worth waiting for one.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Udp {
        return Match::No;
    }
    let payloads = [probe.originator, probe.responder];
    if payloads.iter().any(|payload| parse::starts_with_status_line(payload)) {
        Match::Yes
    } else if payloads.iter().any(|payload| parse::starts_with_request_line(payload)) {
        Match::Maybe
    } else {
        Match::No
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, _direction: Direction, payload: &[u8]) -> Verdict {
        // An empty line keeps a binding of a NAT device alive (RFC 5626, section 3.5.1).
        if payload == b"\r\n" {
            return Verdict::More;
        }
        let junk = parse::junk(payload);
        let message = payload.get(junk.len()..).unwrap_or_default();
        let room = MAX_JUNK.saturating_sub(self.junk.len());
        self.junk.extend_from_slice(junk.get(..room).unwrap_or(junk));
        if message.is_empty() {
            return Verdict::More;
        }
        let result = parse::first_line(message).and_then(|(kind, rest)| {
            match kind {
                Kind::Response => context.confirm("sip"),
                Kind::Request if self.junk.is_empty() => {}
                Kind::Request => {
                    context.weird("sip_junk_before_request", Some(&self.junk), "SIP");
                    self.junk.clear();
                }
            }
            parse::headers(rest)
        });
        match result {
            Ok(()) => Verdict::More,
            Err(reason) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
