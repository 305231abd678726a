//! Internet Relay Chat (RFC 2812): recognized, not yet logged; files that clients offer each other are expected.

mod parse;
#[cfg(test)]
mod tests;

use record::{Addr, Proto};

use self::parse::{Kind, Reject};
use crate::lines::{Lines, Piece};
use crate::transfer::Announcement;
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
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self { lines: [Lines::with_max(MAX_CUT), Lines::with_max(MAX_CUT)], long_commands: 0 }
    }
}

/// A client that registers and a server that replies with a number, or two servers.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    if !parse::may_register(probe.originator) || !parse::may_reply(probe.responder) {
        return Match::No;
    }
    let is_client = parse::registers(probe.originator) && parse::replies(probe.responder);
    let are_servers = parse::is_server(probe.originator) && parse::is_server(probe.responder);
    if is_client || are_servers { Match::Yes } else { Match::Maybe }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
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
            }
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

impl Analyzer {
    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) -> Verdict {
        if line.is_empty() {
            return Verdict::More;
        }
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
                if command.eq_ignore_ascii_case(b"PRIVMSG")
                    && let Some(offer) = parse::offer(message.parameters)
                {
                    let announcement = Announcement {
                        originator: None,
                        service: "irc-dcc-data",
                        source: "IRC_DATA",
                        filename: Some(offer.filename.into()),
                    };
                    context.expect_connection(Addr::v4(offer.address), offer.port, announcement);
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
