//! Redis: RESP 2 and 3 (Redis documentation, "Redis serialization protocol specification"): recognized, not yet logged.

mod parse;
//! RESP, the protocol of Redis.
//!
//! Recognized only; there is no log yet.
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::{Values, Words};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Analyzer of one connection to a Redis server.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    client: Words,
    server: Values,
    has_spoken: bool,
/// Analyzer of one connection.
    asked: bool,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// A command that is an array of strings, and a reply.
/// What begins a value that a server sends: simple ones with any text, others with a number.
fn is_value(line: &[u8]) -> bool {
    match line {
        [b'-' | b'+' | b'_' | b',', ..] => true,
        [b':' | b'$' | b'*' | b'#' | b'(' | b'!' | b'=' | b'%' | b'`' | b'~' | b'>', rest @ ..] => {
            let digits = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
            !digits.is_empty() && digits.iter().all(|octet| octet.is_ascii_digit() || *octet == b'.')
        }
        _ => false,
    }
}

fn first_line(data: &[u8]) -> Option<&[u8]> {
    memchr::memmem::find(data, b"\r\n").and_then(|end| data.get(..end))
}

/// A value of the server after a command.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    match (parse::begins_command(probe.originator), parse::begins_reply(probe.responder)) {
        (Some(true), Some(true)) => Match::Yes,
        (Some(false), _) | (_, Some(false)) => Match::No,
        _ => Match::Maybe,
    let Some(first) = probe.originator.first() else { return Match::Maybe };
    match first_line(probe.responder) {
        _ if *first != b'*' => Match::No,
        None if probe.responder.len() < 64 => Match::Maybe,
        Some(line) if is_value(line) && first_line(probe.originator).is_some() => Match::Yes,
        _ => Match::No,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        // A reply seen first belongs to a command that was not seen: nothing fits after it.
        if !std::mem::replace(&mut self.has_spoken, true)
            && direction == Direction::Responder
            && context.is_partial()
        {
            return Verdict::Done;
        }
        let result = match direction {
            Direction::Originator => self.client.read(payload),
            Direction::Responder => self.server.read(payload),
        };
        match result {
            Ok(values) => {
                if values > 0 && direction == Direction::Responder {
                    context.confirm("redis");
                }
                Verdict::More
            }
            Err(reason) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Violation("gap")
        match direction {
            Direction::Originator => self.asked = true,
            Direction::Responder => match first_line(payload) {
                Some(line) if is_value(line) => {
                    return Verdict::Done;
                _ => return Verdict::Violation("no value of RESP"),
            },
        Verdict::More
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
