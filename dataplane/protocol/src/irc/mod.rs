//! Internet Relay Chat (RFC 2812): recognized, not yet logged.

mod parse;
//! Internet Relay Chat (RFC 1459, RFC 2812): followed into STARTTLS.
//!
//! Recognized only; there is no log yet.
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::{Kind, Reject};
use crate::lines::{Lines, Piece};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// A line longer than this is cut into several (Zeek has this limit for IRC).
const MAX_CUT: usize = 1000;
/// More long commands than this are not IRC.
const MAX_LONG_COMMANDS: u32 = 20;
/// Reply to STARTTLS: go on with TLS.
const STARTTLS_SUCCESS: u16 = 670;
/// Name under which oddities are reported.
const SOURCE: &str = "IRC";

/// Analyzer of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    lines: [Lines; 2],
    long_commands: u32,
use crate::lines::{Lines, Next, Piece};
#[derive(Debug, Default)]
    /// The client asked for TLS.
    asked_tls: bool,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self { lines: [Lines::with_max(MAX_CUT), Lines::with_max(MAX_CUT)], long_commands: 0 }
    }
}

/// A client that registers and a server that replies with a number, or two servers.
        Self::default()
    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Next {
        if line.len() < 3 {
            return Next::More;
        }
        let mut words = line.split(|octet| *octet == b' ').filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let word = if first.starts_with(b":") { words.next().unwrap_or_default() } else { first };
        match direction {
            Direction::Originator => {
                if !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric) {
                    context.confirm("irc");
                }
                self.asked_tls |= word.eq_ignore_ascii_case(b"STARTTLS");
            }
            Direction::Responder if self.asked_tls && word == b"670" => return Next::Tls,
            Direction::Responder => {}
        }
        Next::More
/// A client that gives its nickname and user, and a server that answers with numbers.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let is_client = parse::registers(probe.originator) && parse::replies(probe.responder);
    let are_servers = parse::is_server(probe.originator) && parse::is_server(probe.responder);
    if is_client || are_servers {
        Match::Yes
    } else if parse::may_register(probe.originator) && parse::may_reply(probe.responder) {
        Match::Maybe
    } else {
        Match::No
    }
    let gives = |command: &[u8]| {
        probe.originator.split(|octet| matches!(octet, b'\r' | b'\n')).any(|line| {
            let line = line.trim_ascii_start();
            line.get(..5).is_some_and(|word| {
                word.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(command)) && word.ends_with(b" ")
            })
        })
    };
    if !gives(b"NICK") || !gives(b"USER") {
        let first = probe.originator.trim_ascii_start().get(..4).unwrap_or(probe.originator);
        let begins = |command: &[u8; 4]| {
            command.get(..first.len()).is_some_and(|command| command.eq_ignore_ascii_case(first))
        };
        let opens = [b"NICK", b"USER", b"PASS", b"CAP ", b"SERV", b"STAR"].into_iter().any(begins);
        return if opens { Match::Maybe } else { Match::No };
    let answers = probe.responder.split(|octet| matches!(octet, b'\r' | b'\n')).any(|line| {
        let rest = if line.starts_with(b":") {
            line.splitn(2, |octet| *octet == b' ').nth(1).unwrap_or_default()
        } else {
            line
        };
        matches!(rest, [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b' ', ..])
    });
    if answers { Match::Yes } else { Match::Maybe }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let mut rest = payload;
        loop {
            let Some(lines) = self.lines.get_mut(direction.index()) else { return Verdict::Done };
            let Some(Piece::Line(line)) = lines.next(context, &mut rest) else { return Verdict::More };
            let verdict = self.line(context, direction, &line);
            if let Some(lines) = self.lines.get_mut(direction.index()) {
                lines.recycle(line);
            }
            match verdict {
                Verdict::More => {}
                Verdict::Upgrade { protocol, .. } => {
                    return Verdict::Upgrade { consumed: payload.len() - rest.len(), protocol };
                }
                verdict => return verdict,
            let next = self.line(context, direction, &line);
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
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

impl Analyzer {
    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Verdict {
        let message = match parse::message(line) {
            Ok(message) => message,
            Err(reject) => {
                context.weird(reject.weird(), None, SOURCE);
                return match reject {
                    Reject::TooLong | Reject::TooShort | Reject::PrefixOnly => Verdict::More,
                    Reject::NoCommand => Verdict::Violation("line too short"),
                    Reject::BadReply => Verdict::Violation("invalid reply number"),
                };
            }
        };
        match message.kind {
            Kind::Reply(STARTTLS_SUCCESS) => Verdict::Upgrade { consumed: 0, protocol: Protocol::Ssl },
            Kind::Reply(_) => Verdict::More,
            Kind::Command(command) => {
                if direction == Direction::Originator {
                    context.confirm("irc");
                }
                if command.len() > parse::MAX_COMMAND {
                    context.weird("irc_invalid_command", None, SOURCE);
                    self.long_commands = self.long_commands.saturating_add(1);
                    if self.long_commands > MAX_LONG_COMMANDS {
                        context.weird("irc_too_many_invalid", None, SOURCE);
                        return Verdict::Violation("too many long lines");
                    }
                }
                Verdict::More
            }
        }
    }
}
