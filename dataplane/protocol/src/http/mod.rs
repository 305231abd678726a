//! HTTP/0.9 to HTTP/1.1 (RFC 9112): the `http` log, and the files that messages carry.
//!
//! Works on lines and runs of octets as Zeek does rather than on whole header blocks: what of a malformed stream is
//! request, header or body follows from that, and so do the records. A header field is handled where it stands in
//! the payload; a body passes without being copied or kept.
//!
//! Limits: `MAX_LINE` in `lines.rs`, `MAX_HEADER` and `MAX_DEPTH` in `entity.rs`, `MAX_PENDING` and `MAX_TEXT` in
//! `transaction.rs`, [`MAX_UNANSWERED`] here.

mod entity;
mod inflate;
mod parse;
mod parser;
#[cfg(test)]
mod tests;
mod transaction;

use record::Proto;

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use parser::{Next, Parser};
use transaction::Transactions;

/// Analyzer of one connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    /// The HTTP of the connection; after CONNECT, maybe, the HTTP in the tunnel, and so on.
    parsers: Vec<Parser>,
    log: Transactions,
    /// The last parser's HTTP has become a tunnel, and nothing came through it.
    in_tunnel: bool,
}

/// So many tunnels inside of each other are followed.
const MAX_TUNNELS: usize = 3;

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self { parsers: vec![Parser::default()], log: Transactions::default(), in_tunnel: false }
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
        if std::mem::take(&mut self.in_tunnel) {
            let is_http = direction == Direction::Originator
                && self.parsers.len() <= MAX_TUNNELS
                && parse::begins_request(payload) == Some(true);
            if !is_http {
                return Verdict::Handover { consumed: 0 };
            }
            self.parsers.push(Parser::default());
        }
        let Some(parser) = self.parsers.last_mut() else { return Verdict::Done };
        match parser.data(context, &mut self.log, direction, payload) {
            Next::More => Verdict::More,
            Next::Done => Verdict::Done,
            Next::Violation(reason) => Verdict::Violation(reason),
            Next::Tunnel { consumed } if consumed < payload.len() => Verdict::Handover { consumed },
            Next::Tunnel { .. } => {
                self.in_tunnel = true;
                Verdict::More
            }
            Next::Upgraded { consumed } => Verdict::Handover { consumed },
        }
    }

    fn gap(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        if let Some(parser) = self.parsers.last_mut() {
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
        for parser in &mut self.parsers {
            parser.end(context, &mut self.log);
        }
        self.log.finish(context);
    }
}
