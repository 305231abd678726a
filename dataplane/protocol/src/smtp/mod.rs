//! Simple Mail Transfer Protocol (RFC 5321): recognized by its greetings, followed into STARTTLS.
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
    /// What the client asked for last.
    asked: Asked,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }

    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Next {
        match direction {
            Direction::Originator => self.command(context, line),
            Direction::Responder => self.reply(line),
        }
    }

    fn command(&mut self, context: &mut FlowContext<'_>, line: &[u8]) -> Next {
        if self.asked == Asked::Data {
            if line == b"." {
                self.asked = Asked::Other;
            }
            return Next::More;
        }
        let word = line.split(|octet| matches!(octet, b' ' | b'\t')).next().unwrap_or_default();
        if COMMANDS.iter().any(|command| word.eq_ignore_ascii_case(command)) {
            context.confirm("smtp");
        }
        self.asked = if word.eq_ignore_ascii_case(b"STARTTLS") || word.eq_ignore_ascii_case(b"X-ANONYMOUSTLS")
        {
            Asked::Tls
        } else if word.eq_ignore_ascii_case(b"DATA") {
            Asked::Data
        } else {
            Asked::Other
        };
        Next::More
    }

    fn reply(&mut self, line: &[u8]) -> Next {
        let code = match line {
            [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', ..] => [*a, *b, *c],
            _ => return Next::Violation("reply code out of range"),
        };
        match self.asked {
            Asked::Tls if code == *b"220" => return Next::Tls,
            Asked::Data if code != *b"354" => self.asked = Asked::Other,
            _ => {}
        }
        Next::More
    }
}

/// A greeting of the server, and a client that introduces itself.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let spaces = probe.responder.iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let greeting = probe.responder.get(spaces..).unwrap_or_default();
    match greeting {
        [b'2', b'2', b'0', b' ' | b'\t' | b'\r' | b'\n' | b'-', ..] => {}
        [] | [b'2'] | [b'2', b'2'] | [b'2', b'2', b'0'] => return Match::Maybe,
        _ => return Match::No,
    }
    let introduces = probe.originator.split(|octet| matches!(octet, b'\r' | b'\n')).any(|line| {
        line.trim_ascii_start()
            .get(..4)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"HELO") || word.eq_ignore_ascii_case(b"EHLO"))
    });
    if introduces { Match::Yes } else { Match::Maybe }
}

/// What the client asked for last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Other,
    Tls,
    /// Its lines are a message until one that is only a dot.
    Data,
}

const COMMANDS: [&[u8]; 20] = [
    b"EHLO",
    b"HELO",
    b"MAIL",
    b"RCPT",
    b"DATA",
    b"QUIT",
    b"RSET",
    b"VRFY",
    b"EXPN",
    b"HELP",
    b"NOOP",
    b"STARTTLS",
    b"BDAT",
    b"ETRN",
    b"AUTH",
    b"TURN",
    b"SEND",
    b"SOML",
    b"SAML",
    b"X-ANONYMOUSTLS",
];

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
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
