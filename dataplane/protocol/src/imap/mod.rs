//! IMAP 4 (RFC 9051): recognized, and followed until TLS starts or the time for it is over. There is no log of it.
//!
//! As in Zeek each piece of payload has to consist of whole lines, each with two words at least; so mail in the clear
//! is soon a violation.

mod parse;
//! Internet Message Access Protocol (RFC 9051): followed into STARTTLS.
//! Recognized only; there is no log yet.
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
use crate::lines::{Lines, Next, Piece};
/// Analyzer of one connection.
    lines: [Lines; 2],
    tls_tag: Vec<u8>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// As in Zeek, IMAP is found by its port only.
    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Next {
        /// A longer tag is not remembered.
        const MAX_TAG: usize = 64;
        let line = line.trim_ascii_end();
        let mut words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
        let (tag, word) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if !tag.iter().all(u8::is_ascii_graphic) || !word.first().is_some_and(u8::is_ascii_alphanumeric) {
            return Next::Violation("no line of IMAP");
        }
        match direction {
            Direction::Originator => {
                if word.eq_ignore_ascii_case(b"STARTTLS") && tag.len() <= MAX_TAG {
                    self.tls_tag.clear();
                    self.tls_tag.extend_from_slice(tag);
                }
            }
            Direction::Responder => {
                context.confirm("imap");
                if !self.tls_tag.is_empty() && tag == self.tls_tag && word.eq_ignore_ascii_case(b"OK") {
                    return Next::Tls;
                }
            }
        }
        Next::More
    }
/// IMAP is found by its port only.
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
        loop {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return Verdict::Done };
            let Some(Piece::Line(line)) = lines.next(context, &mut rest) else { return Verdict::More };
            let next = self.line(context, direction, &line);
            if let Some(lines) = self.lines.get_mut(direction.index()) {
                lines.recycle(line);
            match next {
                Next::More => {}
                Next::Done => return Verdict::Done,
                Next::Violation(reason) => return Verdict::Violation(reason),
                Next::Tls => {
                    return Verdict::Upgrade {
                        consumed: payload.len() - rest.len(),
                        protocol: Protocol::Ssl,
                    };
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
