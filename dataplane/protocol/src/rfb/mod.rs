//! Remote Framebuffer (VNC), versions 3.3 to 3.8 (RFC 6143) and Apple's: recognized, not yet logged. Analyzed until the
//! server has described its screen.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::{Client, Server};
use crate::frames::Frames;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// What either side begins with.
const MARK: &[u8] = b"RFB";

/// Security types (RFC 6143, section 7.1.2; 30 is Apple's).
mod security {
    pub(super) const INVALID: u32 = 0;
    pub(super) const NONE: u32 = 1;
    pub(super) const VNC: u32 = 2;
    pub(super) const APPLE: u32 = 30;
}

/// Analyzer of one connection to a remote screen.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    frames: [Frames; 2],
    client: Client,
    server: Server,
    /// Minor version of the client.
    minor: u32,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// Both sides tell their version.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let (Some(client), Some(server)) = (begins(probe.originator), begins(probe.responder)) else {
        return Match::No;
    };
    if client && server { Match::Yes } else { Match::Maybe }
}

/// Whether `stream` begins with the mark; `None` when it does not.
fn begins(stream: &[u8]) -> Option<bool> {
    if stream.starts_with(MARK) {
        Some(true)
    } else if MARK.starts_with(stream) {
        Some(false)
    } else {
        None
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let result = match direction {
            Direction::Originator => self.read_client(context, payload),
            Direction::Responder => self.read_server(payload),
        };
        result.unwrap_or_else(Verdict::Violation)
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}

impl Analyzer {
    fn read_client(
        &mut self,
        context: &mut FlowContext<'_>,
        payload: &[u8],
    ) -> Result<Verdict, &'static str> {
        let [frames, _] = &mut self.frames;
        let mut rest = payload;
        // What a client in control of the screen sends has no bearing on the handshake.
        while self.client != Client::Controls {
            let state = self.client;
            let Some(frame) = frames.next(&mut rest, |octets| state.measure(octets))? else { break };
            match self.client {
                Client::Version => {
                    self.minor = parse::minor_version(&frame.octets)?;
                    context.confirm("rfb");
                    (self.server, self.client) = if self.minor >= 7 {
                        (Server::SecurityTypes, Client::SecurityType)
                    } else {
                        (Server::SecurityType, Client::Wait)
                    };
                }
                Client::SecurityType => match frame.octets.first().map_or(0, |octet| u32::from(*octet)) {
                    security::NONE => {
                        self.server =
                            if self.minor > 7 { Server::SecurityResult } else { Server::Initialization };
                        self.client = Client::Initialization;
                    }
                    security::VNC => {
                        self.server = Server::Challenge;
                        self.client = Client::Response;
                    }
                    security::APPLE => {
                        self.server = Server::AppleChallenge;
                        self.client = Client::Wait;
                    }
                    _ => return Err("unknown security type"),
                },
                Client::Response | Client::AppleResponse(_) => self.client = Client::Initialization,
                Client::Initialization => self.client = Client::Controls,
                Client::Wait | Client::Controls => {}
            }
            frames.reuse(frame);
        }
        Ok(Verdict::More)
    }

    fn read_server(&mut self, payload: &[u8]) -> Result<Verdict, &'static str> {
        let [_, frames] = &mut self.frames;
        let mut rest = payload;
        loop {
            let state = self.server;
            let Some(frame) = frames.next(&mut rest, |octets| state.measure(octets))? else {
                return Ok(Verdict::More);
            };
            let number = parse::number(&frame.octets);
            match state {
                Server::Version => {
                    parse::minor_version(&frame.octets)?;
                    self.server = Server::Wait;
                }
                Server::SecurityType => match number {
                    security::INVALID => {
                        self.server = Server::Failure;
                        self.client = Client::Initialization;
                    }
                    security::NONE => {
                        self.server = Server::Initialization;
                        self.client = Client::Initialization;
                    }
                    security::VNC => {
                        self.server = Server::Challenge;
                        self.client = Client::Response;
                    }
                    _ => return Err("unknown security type"),
                },
                Server::SecurityTypes => {
                    let is_refusal = frame.octets.first() == Some(&0);
                    self.server = if is_refusal { Server::Failure } else { Server::Wait };
                }
                Server::Challenge => {
                    self.server = Server::SecurityResult;
                    self.client = Client::Response;
                }
                Server::AppleChallenge => {
                    self.server = Server::SecurityResult;
                    self.client = Client::AppleResponse(parse::apple_key_length(&frame.octets));
                }
                Server::SecurityResult => match number {
                    0 => self.server = Server::Initialization,
                    1 => self.server = Server::Failure,
                    _ => return Err("unknown security result"),
                },
                Server::Failure => self.server = Server::Initialization,
                Server::Initialization => return Ok(Verdict::Done),
                Server::Wait => {}
            }
            frames.reuse(frame);
        }
    }
}
