//! Lightweight Directory Access Protocol over TCP and UDP (RFC 4511): recognized, not yet logged.
//!
//! The first message tells; later ones are looked through for logins only, and only until they are encrypted by a
//! security layer.

mod login;
mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use login::Logins;
use parse::Progress;

/// Octets of a message's beginning that are kept until it can be judged.
const MAX_HEAD: usize = 1024;

/// Analyzer of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    service: &'static str,
    /// Each direction: the beginning of its first message, and how many octets of it have come.
    streams: [(Vec<u8>, u64); 2],
    /// The first message has been seen.
    is_ldap: bool,
    logins: Logins,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(proto: Proto) -> Self {
        let service = if proto == Proto::Tcp { "ldap_tcp" } else { "ldap_udp" };
        Self { service, streams: Default::default(), is_ldap: false, logins: Logins::default() }
    }
}

/// A request, and an answer that may be one, are recognized on any port.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if !parse::looks_like_request(probe.originator, probe.proto) {
        Match::No
    } else if probe.responder.is_empty() {
        Match::Maybe
    } else if probe.responder.first() == Some(&crate::ber::SEQUENCE) {
        Match::Yes
    } else {
        Match::No
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        self.logins.data(context, direction, payload);
        if self.is_ldap {
            return if self.logins.is_done() { Verdict::Done } else { Verdict::More };
        }
        let [originator, responder] = &mut self.streams;
        let (head, seen) = match direction {
            Direction::Originator => originator,
            Direction::Responder => responder,
        };
        let room = MAX_HEAD.saturating_sub(head.len());
        head.extend_from_slice(payload.get(..room).unwrap_or(payload));
        *seen = seen.saturating_add(u64::try_from(payload.len()).unwrap_or(u64::MAX));
        match parse::message(head, *seen) {
            Progress::Incomplete => Verdict::More,
            Progress::Complete => {
                context.confirm(self.service);
                self.is_ldap = true;
                self.streams = Default::default();
                if self.logins.is_done() { Verdict::Done } else { Verdict::More }
            }
            Progress::Refused(reason) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
