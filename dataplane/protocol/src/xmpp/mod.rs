//! XMPP (RFC 6120): recognized, and followed until TLS starts or the time for it is over. There is no log of it.
//!
//! As in Zeek each piece of payload has to consist of whole tags; what the protocol says is not analyzed.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// Analyzer of one connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    /// The client wants TLS.
    wants_tls: bool,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// The beginning of a stream, of either side.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    match (parse::begins_stream(probe.originator), parse::begins_stream(probe.responder)) {
        (Some(true), _) | (_, Some(true)) => Match::Yes,
        (Some(false), Some(false)) => Match::No,
        (Some(false), None) if probe.responder.is_empty() => Match::No,
        _ => Match::Maybe,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let is_client = direction == Direction::Originator;
        let mut rest = payload;
        while !rest.is_empty() {
            let Some(name) = parse::tag(&mut rest) else { return Verdict::Violation("not a tag") };
            match name {
                b"stream:stream" if is_client => context.confirm("xmpp"),
                b"success" | b"message" | b"db:result" | b"db:verify" | b"presence" => return Verdict::Done,
                b"starttls" if is_client => self.wants_tls = true,
                b"proceed" if !is_client && self.wants_tls => {
                    let consumed = payload.len() - rest.len();
                    return Verdict::Upgrade { consumed, protocol: Protocol::Ssl };
                }
                b"proceed" if !is_client => context.weird("XMPP: proceed without starttls", None, ""),
                _ => {}
            }
        }
        Verdict::More
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
