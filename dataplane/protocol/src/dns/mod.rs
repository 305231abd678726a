//! Domain Name System: over UDP and TCP (RFC 1035), and the name services that share its message format: multicast
//! DNS (RFC 6762), LLMNR (RFC 4795) and NetBIOS name service (RFC 1002). Writes the `dns` log.
//!
//! The parser is our own, not a crate's: the log wants what Zeek makes of damaged messages too (how far it came, which
//! anomaly it reports, names of more than 255 octets, NetBIOS labels of more than 63), where a crate for resolvers
//! refuses the message as a whole.
//!
//! Limits: a name is at most [`parse::MAX_NAME`] octets and follows at most [`parse::MAX_POINTERS`] compression
//! pointers; a TCP message is at most 64 KiB by its length field; what waits for its other half is bounded in
//! [`transactions`]. Authority and additional sections are not read, as nothing of them is logged.

mod message;
mod names;
mod parse;
mod rdata;
mod stream;
#[cfg(test)]
mod tests;
mod transactions;

use record::{Addr, Proto};

use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};
use message::Interpreter;
use stream::Assembler;
use transactions::Transactions;

/// Who reports anomalies.
const SOURCE: &str = "DNS";
/// Port of the NetBIOS name service.
const NETBIOS_PORT: u16 = 137;

/// Analyzer of one connection's messages.
#[derive(Debug)]
pub(crate) struct Analyzer {
    /// A message has been read.
    started: bool,
    transactions: Transactions,
    /// TCP: the message that each direction is sending.
    streams: Option<Box<[Assembler; 2]>>,
    scratch: Vec<u8>,
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(proto: Proto) -> Self {
        Self {
            started: false,
            transactions: Transactions::default(),
            streams: (proto == Proto::Tcp).then(Box::default),
            scratch: Vec::new(),
        }
    }

    /// One message. `from` is unknown for what is left of a TCP stream at its end.
    fn message(
        &mut self,
        context: &mut FlowContext<'_>,
        from: Option<Direction>,
        message: &[u8],
    ) -> Result<(), &'static str> {
        Interpreter {
            context,
            transactions: &mut self.transactions,
            started: &mut self.started,
            scratch: &mut self.scratch,
        }
        .message(from, message)
    }
}

/// DNS has no mark that tells it from other datagrams: it is found by its ports only.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

/// Whether messages to `addr` go to many hosts, so that a response does not come from it (Zeek:
/// `DNS::multicast_subnets`).
fn is_multicast(addr: Addr) -> bool {
    addr.to_ip().is_multicast()
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let Some(mut streams) = self.streams.take() else {
            return verdict(self.message(context, Some(direction), payload));
        };
        let mut rest = payload;
        let mut result = Ok(());
        let [originator, responder] = &mut *streams;
        let stream = match direction {
            Direction::Originator => originator,
            Direction::Responder => responder,
        };
        while let Some(message) = stream.next(&mut rest) {
            result = result.and(self.message(context, Some(direction), &message));
            stream.reuse(message);
        }
        self.streams = Some(streams);
        verdict(result)
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        let in_step = self
            .streams
            .as_mut()
            .and_then(|streams| streams.get_mut(direction.index()))
            .is_none_or(|stream| stream.skip(length));
        if in_step { Verdict::More } else { Verdict::Done }
    }

    fn end_of_stream(&mut self, context: &mut FlowContext<'_>, _direction: Direction) {
        let Some(mut streams) = self.streams.take() else { return };
        for stream in &mut *streams {
            if let Some(message) = stream.take_rest() {
                // What a truncated message violates is of no use: nothing more comes.
                let _ = self.message(context, None, &message);
            }
        }
        self.streams = Some(streams);
    }

    fn end(&mut self, context: &mut FlowContext<'_>, why: FlowEnd) {
        self.transactions.flush(context);
        if why == FlowEnd::Violation {
            context.outlast_session();
        }
    }
}

fn verdict(result: Result<(), &'static str>) -> Verdict {
    match result {
        Ok(()) => Verdict::More,
        Err(reason) => Verdict::Violation(reason),
    }
}
