//! File Transfer Protocol, the control connection (RFC 959): followed into AUTH TLS.
//!
//! Recognized only; there is no log yet.

#[cfg(test)]
mod tests;

use record::Proto;

use crate::lines::{Lines, Next, Piece};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// Analyzer of one connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    lines: [Lines; 2],
    /// The client asked for TLS.
    asked_tls: bool,
    /// Code of a reply of several lines, of which the last has not come.
    pending: Option<[u8; 3]>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }

    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Next {
        if line.is_empty() {
            return Next::More;
        }
        match direction {
            Direction::Originator => {
                let line = line.trim_ascii_start();
                let word = line.split(|octet| matches!(octet, b' ' | b'\t')).next().unwrap_or_default();
                if word.len() >= 3 && word.iter().all(u8::is_ascii_graphic) {
                    context.confirm("ftp");
                    if word.eq_ignore_ascii_case(b"AUTH") {
                        self.asked_tls = line.ends_with(b" TLS");
                    }
                }
                Next::More
            }
            Direction::Responder => self.reply(line),
        }
    }

    fn reply(&mut self, line: &[u8]) -> Next {
        let code = line.first_chunk::<3>().filter(|code| code.iter().all(u8::is_ascii_digit)).copied();
        if let Some(pending) = self.pending {
            if code == Some(pending) && line.get(3) == Some(&b' ') {
                self.pending = None;
            }
            return Next::More;
        }
        let Some(code) = code else { return Next::Violation("non-numeric reply code") };
        if code < *b"100" {
            return Next::Violation("invalid reply code");
        }
        match line.get(3) {
            Some(b'-') => self.pending = Some(code),
            Some(b' ') | None => {}
            Some(_) => return Next::Violation("invalid reply line"),
        }
        if code == *b"234" && self.asked_tls { Next::Tls } else { Next::More }
    }
}

/// A client that names its user, and a server that greets and asks for a password or is content without.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let mut lines =
        probe.responder.split(|octet| matches!(octet, b'\r' | b'\n')).filter(|line| !line.is_empty());
    let code = |line: &[u8], codes: [&[u8; 3]; 2]| {
        codes.iter().any(|code| line.starts_with(code.as_slice()))
            && line.get(3).is_some_and(|octet| !octet.is_ascii_digit())
    };
    let Some(greeting) = lines.next() else { return Match::Maybe };
    if !code(greeting.trim_ascii_start(), [b"120", b"220"]) {
        return if greeting.len() < 4 { Match::Maybe } else { Match::No };
    }
    let asks = lines.any(|line| code(line.trim_ascii_start(), [b"230", b"331"]));
    let names = probe
        .originator
        .split(|octet| matches!(octet, b'\r' | b'\n'))
        .any(|line| line.trim_ascii_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"USER ")));
    if asks && names { Match::Yes } else { Match::Maybe }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let mut rest = payload;
        loop {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return Verdict::Done };
            let Some(Piece::Line(line)) = lines.next(context, &mut rest) else { return Verdict::More };
            let next = self.line(context, direction, &line);
            if let Some(lines) = self.lines.get_mut(direction.index()) {
                lines.recycle(line);
            }
            match next {
                Next::More => {}
                Next::Violation(reason) => return Verdict::Violation(reason),
                Next::Tls => {
                    return Verdict::Upgrade {
                        consumed: payload.len() - rest.len(),
                        protocol: Protocol::Ssl,
                    };
                }
            }
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
