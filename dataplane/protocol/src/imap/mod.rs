//! IMAP 4 (RFC 9051): recognized, and followed until TLS starts or the time for it is over. There is no log of it.
//!
//! As in Zeek each piece of payload has to consist of whole lines, each with two words at least; so mail in the clear
//! is soon a violation.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::Line;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// The longest tag that is remembered.
const MAX_TAG: usize = 64;

/// Analyzer of one connection to a mail server.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    /// Tag of the client's STARTTLS.
    starttls: Vec<u8>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// As in Zeek, IMAP is found by its port only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let mut rest = payload;
        while !rest.is_empty() {
            let Some(line) = parse::line(&mut rest) else {
                return Verdict::Violation("not a line with a tag and a command");
            };
            match self.line(context, direction, line) {
                Verdict::Upgrade { protocol, .. } => {
                    return Verdict::Upgrade { consumed: payload.len() - rest.len(), protocol };
                }
                Verdict::More => {}
                verdict => return verdict,
            }
        }
        Verdict::More
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

impl Analyzer {
    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: Line<'_>) -> Verdict {
        let Line { tag, command } = line;
        // As in Zeek, past the time for TLS only in lower case.
        if matches!(command, b"authenticate" | b"login" | b"examine" | b"create" | b"list" | b"fetch") {
            context.confirm("imap");
            return Verdict::Done;
        }
        let is_ok = command.eq_ignore_ascii_case(b"ok");
        match direction {
            Direction::Originator if command.eq_ignore_ascii_case(b"starttls") => {
                context.confirm("imap");
                if !self.starttls.is_empty() {
                    context.weird("IMAP: client sent duplicate StartTLS", None, "");
                }
                self.starttls.clear();
                self.starttls.extend_from_slice(tag.get(..MAX_TAG).unwrap_or(tag));
            }
            Direction::Originator if command == b"capability" => context.confirm("imap"),
            Direction::Originator => {}
            Direction::Responder if tag == b"*" && is_ok => context.confirm("imap"),
            Direction::Responder if !self.starttls.is_empty() && tag == self.starttls => {
                if is_ok {
                    return Verdict::Upgrade { consumed: 0, protocol: Protocol::Ssl };
                }
                context.weird("IMAP: server refused StartTLS", None, "");
            }
            Direction::Responder => {}
        }
        Verdict::More
    }
}
