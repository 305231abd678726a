//! HTTP/0.9 to HTTP/1.1 (RFC 9112): the `http` log, and the files that messages carry.
//!
//! Works on lines and runs of octets as Zeek does rather than on whole header blocks: what of a malformed stream is
//! request, header or body follows from that, and so do the records. A header field is handled where it stands in
//! the payload; a body passes without being copied or kept.
//!
//! Limits: `MAX_LINE` in `lines.rs`, `MAX_HEADER` in `message.rs`, `MAX_DEPTH` in `parts.rs`, `MAX_PENDING` and
//! `MAX_TEXT` in `transaction.rs`, `MAX_UNANSWERED` in `parser.rs`, [`MAX_TUNNELS`] here.

mod content;
mod entity;
mod framing;
mod inflate;
mod message;
mod parse;
mod parser;
mod parts;
#[cfg(test)]
mod tests;
mod transaction;
mod websocket;

use record::{Proto, Time};

use crate::session::Session;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use parser::{Next, Parser};
use transaction::Transactions;
use websocket::WebSocket;

/// Analyzer of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    /// The HTTP of the connection; after CONNECT, maybe, the HTTP in the tunnel, and so on.
    parsers: Vec<Parser>,
    log: Transactions,
    stage: Stage,
    websocket: Option<Box<WebSocket>>,
    /// The payload comes out of a WebSocket.
    in_websocket: bool,
    /// What is in the WebSocket, if not HTTP.
    inner: Option<Box<Session>>,
}

/// What the payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// HTTP, for the last parser.
    Http,
    /// What is in a tunnel or a WebSocket; nothing of it has come from the client.
    Unknown,
    /// For the session in the WebSocket.
    Inner,
    /// Of no interest.
    Over,
}

/// So many tunnels inside of each other are followed.
const MAX_TUNNELS: usize = 3;

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self {
            parsers: vec![Parser::default()],
            log: Transactions::default(),
            stage: Stage::Http,
            websocket: None,
            in_websocket: false,
            inner: None,
        }
    }

    /// Payload as it comes, or out of a WebSocket.
    fn payload(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if self.stage == Stage::Unknown {
            // Line ends after the header of the response that opened the tunnel belong to it.
            if direction == Direction::Responder && payload.iter().all(u8::is_ascii_whitespace) {
                return Verdict::More;
            }
            let is_http = direction == Direction::Originator
                && self.parsers.len() <= MAX_TUNNELS
                && parse::begins_request(payload) == Some(true);
            if is_http {
                self.stage = Stage::Http;
                self.parsers.push(Parser::default());
            } else if self.in_websocket {
                self.stage = Stage::Inner;
            } else {
                return Verdict::Handover { consumed: 0 };
            }
        }
        if self.stage == Stage::Inner {
            let inner = self.inner.get_or_insert_with(|| Box::new(context.nested()));
            context.nested_data(inner, direction, payload);
            return Verdict::More;
        }
        let Some(parser) = self.parsers.last_mut().filter(|_| self.stage == Stage::Http) else {
            return Verdict::More;
        };
        let consumed = match parser.data(context, &mut self.log, direction, payload) {
            Next::More => return Verdict::More,
            Next::Done => return Verdict::Done,
            Next::Violation(_) if self.parsers.len() > 1 => {
                context.retract("http");
                self.stage = Stage::Over;
                return Verdict::More;
            }
            Next::Violation(reason) => return Verdict::Violation(reason),
            // A WebSocket in a WebSocket is not followed, nor are other protocols that HTTP in it changes to.
            Next::WebSocket { .. } | Next::Upgraded { .. } if self.in_websocket => {
                self.stage = Stage::Over;
                return Verdict::More;
            }
            Next::Upgraded { consumed } => return Verdict::Handover { consumed },
            Next::WebSocket { consumed } => {
                self.websocket = Some(Box::default());
                self.in_websocket = true;
                consumed
            }
            Next::Tunnel { consumed } => consumed,
        };
        self.stage = Stage::Unknown;
        match payload.get(consumed..).filter(|rest| !rest.is_empty()) {
            None => Verdict::More,
            Some(rest) if self.websocket.is_some() => self.data_in_websocket(context, direction, rest),
            Some(_) if self.in_websocket => Verdict::More,
            Some(rest) if rest.iter().all(u8::is_ascii_whitespace) => Verdict::More,
            Some(_) => Verdict::Handover { consumed },
        }
    }

    fn data_in_websocket(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        payload: &[u8],
    ) -> Verdict {
        let Some(mut websocket) = self.websocket.take() else { return Verdict::Done };
        let result = websocket.data(context, direction, payload, |context, data| {
            self.payload(context, direction, data);
        });
        self.websocket = Some(websocket);
        if result.is_err() {
            context.retract("websocket");
            self.stage = Stage::Over;
        }
        Verdict::More
    }
}

/// A request line of the client or a status line of the server.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    let request = parse::begins_request(probe.originator);
    let reply = parse::begins_reply(probe.responder);
    match (request, reply) {
        (Some(true), _) | (_, Some(true)) => Match::Yes,
        (Some(false), Some(false)) => Match::No,
        _ => Match::Maybe,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        if self.websocket.is_some() {
            self.data_in_websocket(context, direction, payload)
        } else {
            self.payload(context, direction, payload)
        }
    }

    fn skippable(&self, now: Time, direction: Direction) -> u64 {
        if self.stage != Stage::Http || self.websocket.is_some() {
            return 0;
        }
        self.parsers.last().map_or(0, |parser| parser.skippable(now, direction))
    }

    fn skipped(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        if let Some(parser) = self.parsers.last_mut() {
            parser.skipped(context, &mut self.log, direction, length);
        }
        Verdict::More
    }

    fn gap(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        if let Some(websocket) = &mut self.websocket {
            websocket.gap();
        } else if let Some(parser) = self.parsers.last_mut() {
            parser.gap(context, &mut self.log, direction, length);
        }
        Verdict::More
    }

    fn end_of_stream(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        if context.is_partial() {
            return;
        }
        for parser in self.parsers.iter_mut().rev() {
            parser.end_of_stream(context, &mut self.log, direction);
        }
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        if let Some(inner) = &mut self.inner {
            context.nested_end(inner);
        }
        for parser in &mut self.parsers {
            parser.end(context, &mut self.log);
        }
        self.log.finish(context);
    }
}
