//! Remote Desktop Protocol (MS-RDPBCGR): recognized, not yet logged. Analyzed until the connection is encrypted; what
//! TLS is inside is handed on.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::{Blocks, Connection};
use crate::frames::Frames;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Analyzer of one connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    frames: [Frames; 2],
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// A connection request with a cookie, or the settings of a client, and what a server answers.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    if !parse::may_be_client(probe.originator) {
        return Match::No;
    }
    match (parse::is_client(probe.originator), parse::is_server(probe.responder)) {
        (true, true) => Match::Yes,
        (_, false) if probe.responder.len() >= parse::MIN_CONFIRM => Match::No,
        _ => Match::Maybe,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let Some(frames) = self.frames.get_mut(direction.index()) else { return Verdict::Done };
        let mut rest = payload;
        loop {
            let frame = match frames.next(&mut rest, parse::measure) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Verdict::More,
                Err(reason) => return Verdict::Violation(reason),
            };
            let connection = match parse::connection(&frame.octets) {
                Ok(connection) => connection,
                Err(reason) => return Verdict::Violation(reason),
            };
            match connection {
                Connection::Confirm { selected_protocol: 1.. } => {
                    return Verdict::Handover { consumed: payload.len() - rest.len() };
                }
                Connection::Client(blocks) => {
                    if let Err(reason) = client(context, blocks) {
                        return Verdict::Violation(reason);
                    }
                }
                Connection::Server(blocks) => {
                    context.confirm("rdp");
                    match is_encrypted(blocks) {
                        Ok(true) => return Verdict::Done,
                        Ok(false) => {}
                        Err(reason) => return Verdict::Violation(reason),
                    }
                }
                Connection::Confirm { .. } | Connection::Other => {}
            }
            frames.reuse(frame);
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

/// Reads the settings of a client.
fn client(context: &mut FlowContext<'_>, blocks: Blocks<'_>) -> Result<(), &'static str> {
    for block in blocks {
        let block = block?;
        if block.kind == parse::CLIENT_CORE {
            if block.octets.len() < parse::CLIENT_CORE_LEN {
                return Err("short core data of the client");
            }
            context.confirm("rdp");
        }
    }
    Ok(())
}

/// Reads the settings of a server; true when the connection is encrypted from here on.
fn is_encrypted(blocks: Blocks<'_>) -> Result<bool, &'static str> {
    for block in blocks {
        let block = block?;
        if block.kind == parse::SERVER_SECURITY {
            return parse::server_security(block.octets).ok_or("short security data of the server");
        }
    }
    Ok(false)
}
