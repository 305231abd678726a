//! MySQL client/server protocol, versions 9 and 10 (MySQL source documentation, "Client/Server Protocol"): recognized,
//! not yet logged. Analyzed until the client has answered the server's handshake; when it wants TLS, the connection
//! goes on as TLS.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::frames::Frames;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Protocol, Verdict};

/// Analyzer of one connection to a MySQL server.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    frames: [Frames; 2],
    /// Version of the protocol, once the server has said it.
    version: Option<u8>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// As in Zeek, MySQL is found by its port only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let result = match direction {
            Direction::Originator => self.client(context, payload),
            Direction::Responder => self.server(payload),
        };
        result.unwrap_or_else(Verdict::Violation)
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

impl Analyzer {
    fn server(&mut self, payload: &[u8]) -> Result<Verdict, &'static str> {
        let [_, frames] = &mut self.frames;
        let mut rest = payload;
        while let Some(frame) = frames.next(&mut rest, |octets| Ok(parse::measure(octets)))? {
            if self.version.is_none() {
                self.version = Some(parse::handshake(&frame.octets)?);
            }
            frames.reuse(frame);
        }
        Ok(Verdict::More)
    }

    fn client(&mut self, context: &mut FlowContext<'_>, payload: &[u8]) -> Result<Verdict, &'static str> {
        let [frames, _] = &mut self.frames;
        let mut rest = payload;
        let Some(frame) = frames.next(&mut rest, |octets| Ok(parse::measure(octets)))? else {
            return Ok(Verdict::More);
        };
        let version = self.version.ok_or("answer before the handshake")?;
        let wants_tls = parse::handshake_response(&frame.octets, version)?;
        context.confirm("mysql");
        Ok(if wants_tls {
            Verdict::Upgrade { consumed: payload.len() - rest.len(), protocol: Protocol::Ssl }
        } else {
            Verdict::Done
        })
    }
}
