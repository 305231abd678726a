//! XMPP (RFC 6120): recognized, and followed until TLS starts or the time for it is over. There is no log of it.
//!
//! As in Zeek each piece of payload has to consist of whole tags; what the protocol says is not analyzed.

mod parse;
//! Extensible Messaging and Presence Protocol (RFC 6120): followed into STARTTLS.
//! Recognized only; there is no log yet.
#[cfg(test)]
mod tests;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// Analyzer of one connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    /// The client wants TLS.
    wants_tls: bool,
    asked_tls: bool,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// The beginning of a stream, of either side.
/// The stream's opening tag, after an XML declaration if there is one.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    match (parse::begins_stream(probe.originator), parse::begins_stream(probe.responder)) {
        (Some(true), _) | (_, Some(true)) => Match::Yes,
        (Some(false), Some(false)) => Match::No,
        (Some(false), None) if probe.responder.is_empty() => Match::No,
    let opens = |data: &[u8]| {
        if data.is_empty() {
            return Match::Maybe;
        }
        let rest = match data.strip_prefix(b"<?xml") {
            Some(rest) => match memchr::memmem::find(rest, b"?>") {
                Some(end) => rest.get(end + 2..).unwrap_or_default(),
                None => return Match::Maybe,
            },
            None => data,
        };
        let rest = rest.trim_ascii_start();
        if let Some(tag) = rest.strip_prefix(b"<stream:stream ") {
            let tag = tag.get(..memchr::memchr(b'>', tag).unwrap_or(tag.len())).unwrap_or_default();
            if memchr::memmem::find(tag, b"xmlns='jabber:").is_some() { Match::Yes } else { Match::Maybe }
        } else if b"<stream:stream ".starts_with(rest) || b"<?xml".starts_with(rest) {
            Match::Maybe
        } else {
            Match::No
        }
    };
    match (opens(probe.originator), opens(probe.responder)) {
        (Match::Yes, _) | (_, Match::Yes) => Match::Yes,
        (Match::No, Match::No) => Match::No,
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
        let has = |tag: &[u8]| memchr::memmem::find(payload, tag).is_some();
        match direction {
            Direction::Originator => {
                if has(b"<stream:stream") {
                    context.confirm("xmpp");
                self.asked_tls |= has(b"<starttls");
            Direction::Responder if self.asked_tls && has(b"<proceed") => {
                return Verdict::Upgrade { consumed: payload.len(), protocol: Protocol::Ssl };
            Direction::Responder => {}
        }
        Verdict::More
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
