//! PostgreSQL, protocol 3 (PostgreSQL documentation, chapter "Frontend/Backend Protocol"): recognized, not yet logged.
//!
//! The client may ask for TLS first; when the server agrees, the connection goes on as TLS. Encryption by GSSAPI and
//! requests to cancel are not followed.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::Opening;
use crate::frames::Frames;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// Octets of the client that are searched for the parameter `user`.
const MAX_USER_AT: usize = 263;

/// Analyzer of one connection to a PostgreSQL server.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    phase: Phase,
    frames: [Frames; 2],
}

/// How far the connection has come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client says what it wants.
    #[default]
    Opening,
    /// It wants TLS, and the server answers.
    SslRequested,
    /// The server has no TLS; the client starts in the clear.
    Startup,
    /// Messages with a type.
    Messages,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// The request for TLS with its answer, or the startup message with one.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let client = probe.originator;
    if client.get(..8).is_none_or(|header| parse::opening(header).is_err()) {
        return if client.is_empty() && !probe.responder.is_empty() || client.len() >= 8 {
            Match::No
        } else {
            Match::Maybe
        };
    }
    let answer = probe.responder;
    if parse::opening(client) == Ok(Opening::SslRequest) {
        return match answer.first() {
            Some(b'S' | b'N') => Match::Yes,
            Some(_) => Match::No,
            None => Match::Maybe,
        };
    }
    let parameters = client.get(8..client.len().min(MAX_USER_AT)).unwrap_or_default();
    match answer {
        _ if memchr::memmem::find(parameters, b"user\0").is_none() => Match::No,
        [kind, 0, 0, _, _, ..] if kind.is_ascii_alphanumeric() => Match::Yes,
        [_, _, _, _, _, ..] => Match::No,
        _ => Match::Maybe,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let result = match direction {
            Direction::Originator => self.frontend(context, payload),
            Direction::Responder => self.backend(context, payload),
        };
        result.unwrap_or_else(Verdict::Violation)
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Violation("gap")
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

impl Analyzer {
    fn frontend(&mut self, context: &mut FlowContext<'_>, payload: &[u8]) -> Result<Verdict, &'static str> {
        let [frames, _] = &mut self.frames;
        let mut rest = payload;
        loop {
            let frame = match self.phase {
                Phase::Opening | Phase::Startup => frames.next(&mut rest, parse::measure_opening)?,
                Phase::SslRequested if !rest.is_empty() => {
                    return Err("data before the answer to SSLRequest");
                }
                Phase::SslRequested => None,
                Phase::Messages => frames.next(&mut rest, parse::measure)?,
            };
            let Some(frame) = frame else { return Ok(Verdict::More) };
            match self.phase {
                Phase::Opening if parse::opening(&frame.octets)? == Opening::SslRequest => {
                    self.phase = Phase::SslRequested;
                }
                Phase::Messages => parse::frontend(&frame.octets, frame.is_truncated)?,
                _ => {
                    parse::startup(&frame.octets)?;
                    context.confirm("postgresql");
                    self.phase = Phase::Messages;
                }
            }
            frames.reuse(frame);
        }
    }

    fn backend(&mut self, context: &mut FlowContext<'_>, payload: &[u8]) -> Result<Verdict, &'static str> {
        let [_, frames] = &mut self.frames;
        let mut rest = payload;
        match (self.phase, payload) {
            (Phase::Opening, _) => return Err("the server speaks first"),
            (Phase::SslRequested, [b'S', ..]) => {
                context.confirm("postgresql");
                return Ok(Verdict::Upgrade { consumed: 1, protocol: Protocol::Ssl });
            }
            (Phase::SslRequested, [b'N', after @ ..]) => {
                context.confirm("postgresql");
                self.phase = Phase::Startup;
                rest = after;
            }
            (Phase::SslRequested, _) => return Err("no answer to SSLRequest"),
            (Phase::Startup | Phase::Messages, _) => {}
        }
        while let Some(frame) = frames.next(&mut rest, parse::measure)? {
            parse::backend(&frame.octets, frame.is_truncated)?;
            frames.reuse(frame);
        }
        Ok(Verdict::More)
    }
}
