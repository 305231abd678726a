//! SOCKS 4, 4a (de facto) and 5 (RFC 1928, RFC 1929): recognized, the tunnel reported, what is inside handed on; not yet
//! logged. As in Zeek each piece of payload is read as one message.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::{Auth, Message};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Longest user name of SOCKS 4 with which it is recognized.
const MAX_USER: usize = 32;

/// Analyzer of one connection to a proxy.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    auth: Auth,
    requested: bool,
    replied: bool,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// A request with its reply; those of SOCKS 4 in either direction.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let (client, server) = (probe.originator, probe.responder);
    let found = [
        both(is_socks4_request(client), is_socks4_reply(server)),
        both(is_socks4_request(server), is_socks4_reply(client)),
        both(is_socks5_request(client), is_socks5_reply(server)),
    ];
    if found.contains(&Match::Yes) {
        Match::Yes
    } else if found.contains(&Match::Maybe) {
        Match::Maybe
    } else {
        Match::No
    }
}

fn both(request: Match, reply: Match) -> Match {
    match (request, reply) {
        (Match::Yes, Match::Yes) => Match::Yes,
        (Match::No, _) | (_, Match::No) => Match::No,
        _ => Match::Maybe,
    }
}

fn is_socks4_request(stream: &[u8]) -> Match {
    match stream {
        [] | [4] => Match::Maybe,
        [4, 1 | 2, rest @ ..] => match memchr::memchr2(0, b'\n', rest.get(..=MAX_USER).unwrap_or(rest)) {
            Some(end) if rest.get(end) == Some(&0) => Match::Yes,
            None if rest.len() <= MAX_USER => Match::Maybe,
            _ => Match::No,
        },
        _ => Match::No,
    }
}

const fn is_socks4_reply(stream: &[u8]) -> Match {
    match stream {
        [] | [0] => Match::Maybe,
        [0, 0x5a..=0x5d, ..] => Match::Yes,
        _ => Match::No,
    }
}

const fn is_socks5_request(stream: &[u8]) -> Match {
    match stream {
        [] | [5] | [5, _] => Match::Maybe,
        [5, _, 0..=2, ..] => Match::Yes,
        _ => Match::No,
    }
}

const fn is_socks5_reply(stream: &[u8]) -> Match {
    match stream {
        [] | [5] => Match::Maybe,
        [5, 0..=2, ..] => Match::Yes,
        _ => Match::No,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let message = match parse::message(payload, direction, self.auth) {
            Ok(message) => message,
            Err(reason) => return Verdict::Violation(reason),
        };
        match message {
            Message::Methods | Message::Login => {}
            Message::Method(0 | 0xff) => self.auth = Auth::Done,
            Message::Method(method) => self.auth = Auth::Negotiates(method),
            Message::LoginResult => self.auth = Auth::Done,
            Message::UnknownLogin(method) => {
                let method = method.to_string();
                context.weird("socks5_unsupported_authentication_method", Some(method.as_bytes()), "");
                if direction == Direction::Responder {
                    self.auth = Auth::Done;
                }
            }
            Message::Request => {
                self.requested = true;
                context.tunnel("Tunnel::SOCKS");
            }
            Message::Reply => {
                self.replied = true;
                context.confirm("socks");
            }
        }
        if self.requested && self.replied {
            Verdict::Handover { consumed: payload.len() }
        } else {
            Verdict::More
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
