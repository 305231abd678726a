//! SOCKS 4, 4a (de facto) and 5 (RFC 1928, RFC 1929): recognized, the tunnel reported, what is inside handed on; not yet
//! logged. As in Zeek each piece of payload is read as one message.

mod parse;
//! SOCKS 4, 4a and 5 (RFC 1928): what the proxy carries is recognized anew.
//!
//! Recognized only; there is no log yet.
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

/// Analyzer of one connection.
    version: u8,
    /// Octets of each side that were looked at.
    kept: [Vec<u8>; 2],
    /// SOCKS 5: the client's methods, the server's choice, the log-in are through.
    stage: Stage,
/// Where the conversation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Methods,
    Choice,
    LogIn,
    LogInAnswer,
    Request,
    Reply,
/// No message of SOCKS is longer.
const MAX_MESSAGE: usize = 600;
impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// A request with its reply; those of SOCKS 4 in either direction.
    fn who(&self) -> Direction {
        match self.stage {
            Stage::Methods | Stage::LogIn | Stage::Request => Direction::Originator,
            Stage::Choice | Stage::LogInAnswer | Stage::Reply => Direction::Responder,
        }
    }
    /// Length of the message due, once enough of it is there.
    fn message_length(&self, data: &[u8]) -> Result<Option<usize>, &'static str> {
        let address = |data: &[u8]| match data {
            [_, _, _, 1, ..] => Ok(Some(10)),
            [_, _, _, 3, length, ..] => Ok(Some(7 + usize::from(*length))),
            [_, _, _, 4, ..] => Ok(Some(22)),
            [_, _, _, 3] | [] | [_] | [_, _] | [_, _, _] => Ok(None),
            _ => Err("invalid SOCKSv5 addr type"),
        };
        match (self.stage, data) {
            (_, []) => Ok(None),
            (Stage::Methods, [5, count, ..]) => Ok(Some(2 + usize::from(*count))),
            (Stage::Methods, [4, rest @ ..]) => {
                let Some(fixed) = rest.get(7..) else { return Ok(None) };
                let Some(user) = memchr::memchr(0, fixed) else { return Ok(None) };
                let named = matches!(rest.get(3..7), Some([0, 0, 0, last]) if *last != 0);
                let name = if named {
                    match fixed.get(user + 1..).and_then(|rest| memchr::memchr(0, rest)) {
                        Some(end) => end + 1,
                        None => return Ok(None),
                    }
                } else {
                    0
                };
                Ok(Some(8 + user + 1 + name))
            }
            (Stage::Methods, [5]) => Ok(None),
            (Stage::Methods, _) => Err("unsupported/unknown SOCKS version"),
            (Stage::Choice | Stage::LogInAnswer, _) => Ok(Some(2)),
            (Stage::LogIn, [_, user, rest @ ..]) => Ok(rest
                .get(usize::from(*user))
                .map(|password| 3 + usize::from(*user) + usize::from(*password))),
            (Stage::LogIn, _) => Ok(None),
            (Stage::Reply, _) if self.version == 4 => Ok(Some(8)),
            (Stage::Request, [5, 1..=3, 0, ..]) | (Stage::Reply, [5, _, ..]) => address(data),
            (Stage::Request, [5] | [5, 1..=3]) | (Stage::Reply, [5]) => Ok(None),
            (Stage::Request | Stage::Reply, _) => Err("undefined value in a message of SOCKS"),
        }
    }
/// Requests of versions 4 and 5, and answers to them.
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
    match (probe.originator, probe.responder) {
        ([5, _, 0..=2, ..], [5, 0..=2, ..]) => Match::Yes,
        ([4, 1 | 2, rest @ ..], [0, 0x5a..=0x5d, ..]) if rest.iter().take(33).any(|octet| *octet == 0) => {
            Match::Yes
        }
        ([], _) | ([4 | 5, ..], [] | [0 | 5]) => Match::Maybe,
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
        let Some(kept) = self.kept.get_mut(direction.index()) else { return Verdict::Done };
        if kept.len() + payload.len() > MAX_MESSAGE + payload.len().min(MAX_MESSAGE) {
            return Verdict::Violation("message of SOCKS too long");
        let before = kept.len();
        kept.extend_from_slice(payload.get(..payload.len().min(MAX_MESSAGE)).unwrap_or_default());
        let mut consumed = 0;
        while direction == self.who() {
            let kept =
                self.kept.get(direction.index()).and_then(|kept| kept.get(consumed..)).unwrap_or_default();
            let length = match self.message_length(kept) {
                Ok(Some(length)) if length <= kept.len() => length,
                Ok(_) => break,
                Err(reason) => return Verdict::Violation(reason),
            };
            let message = kept.get(..length).unwrap_or_default();
            self.stage = match (self.stage, message) {
                (Stage::Methods, [4, ..]) => {
                    self.version = 4;
                    context.tunnel("Tunnel::SOCKS");
                    Stage::Reply
                (Stage::Methods, _) => {
                    self.version = 5;
                    Stage::Choice
                (Stage::Choice, [_, 0]) | (Stage::LogInAnswer, _) => Stage::Request,
                (Stage::Choice, [_, 2]) => Stage::LogIn,
                (Stage::Choice, _) => return Verdict::Done,
                (Stage::LogIn, _) => Stage::LogInAnswer,
                (Stage::Request, _) => {
                    context.tunnel("Tunnel::SOCKS");
                    Stage::Reply
                (Stage::Reply, _) => {
                    context.confirm("socks");
                    let consumed = (consumed + length).saturating_sub(before).min(payload.len());
                    return Verdict::Handover { consumed };
            };
            consumed += length;
        if let Some(kept) = self.kept.get_mut(direction.index()) {
            kept.drain(..consumed.min(kept.len()));
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
