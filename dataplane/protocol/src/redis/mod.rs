//! Redis: RESP 2 and 3 (Redis documentation, "Redis serialization protocol specification"): recognized, not yet logged.

mod parse;
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
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// A command that is an array of strings, and a reply.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    match (parse::begins_command(probe.originator), parse::begins_reply(probe.responder)) {
        (Some(true), Some(true)) => Match::Yes,
        (Some(false), _) | (_, Some(false)) => Match::No,
        _ => Match::Maybe,
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
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
