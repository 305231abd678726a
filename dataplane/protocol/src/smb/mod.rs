//! SMB 1, 2 and 3 over TCP, with the GSS-API, NTLM and DCE-RPC messages in it: recognized, not yet logged.
//!
//! Only messages that carry such messages are kept until they are whole; the bulk, reads and writes of files, is
//! skipped without a copy. A message of a pipe counts when it has a whole PDU.
//!
//! Limits: a message of interest has at most 256 KiB; the last 64 trees and requests of pipes are known.

mod parse;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::collections::VecDeque;

use record::Proto;

use self::parse::{Frame, Interest};
use crate::gssapi::Tokens;
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict, dce_rpc};

/// The service in the connection's record.
const SERVICE: &str = "smb";

/// So many pieces of payload without contradiction make it SMB, as in Zeek.
const CONFIRM_AFTER: u8 = 3;

/// Longest message that is kept.
const MAX_MESSAGE: usize = 256 * 1024;

/// Trees, and requests whose answers are of interest, beyond these are forgotten, oldest first.
const MAX_REMEMBERED: usize = 64;

/// The last few numbers of some kind.
#[derive(Debug, Default)]
struct Remembered(VecDeque<u64>);

impl Remembered {
    fn add(&mut self, number: u64) {
        if self.contains(number) {
            return;
        }
        if self.0.len() >= MAX_REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(number);
    }

    fn contains(&self, number: u64) -> bool {
        self.0.contains(&number)
    }

    fn remove(&mut self, number: u64) {
        self.0.retain(|other| *other != number);
    }
}

/// What messages tell of each other, and what they carry.
#[derive(Debug, Default)]
struct State {
    /// Trees that are the share of pipes.
    pipe_trees: Remembered,
    /// Requests to read from a pipe.
    pipe_reads: Remembered,
    tokens: Tokens,
    /// Octets of payload, both directions together.
    seen: u64,
}

impl State {
    /// The token of a login.
    fn token(&mut self, context: &mut FlowContext<'_>, octets: &[u8]) {
        self.tokens.token_or_ntlm(context, octets, self.seen);
    }

    /// What a pipe carries.
    fn pipe(&mut self, context: &mut FlowContext<'_>, octets: &[u8]) {
        // A piece of a PDU, or another protocol.
        let _ = dce_rpc::pdus(&mut self.tokens, context, octets, self.seen, dce_rpc::carried);
    }
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// The beginning of a message whose end has not come.
    pending: Vec<u8>,
    /// Octets that still belong to a message that is skipped.
    skip: usize,
}

/// Analyzer of one SMB connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    sides: [Side; 2],
    /// A message has been found at the beginning of a piece of payload; not so at first and after a gap.
    synchronized: bool,
    /// Pieces of payload understood.
    pieces: u8,
    state: State,
}

/// SMB is recognized by the header of a message in the first segment of either side.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    let is_message = parse::begins_message(probe.originator) || parse::begins_message(probe.responder);
    if probe.proto == Proto::Tcp && is_message { Match::Yes } else { Match::No }
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }

    /// Reads the whole messages at the beginning of `octets`; returns how many octets are done with, and how many of
    /// those to come are to be skipped.
    fn messages(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        octets: &[u8],
    ) -> (usize, usize) {
        let mut rest = octets;
        loop {
            let used = octets.len().saturating_sub(rest.len());
            let Some(frame) = parse::frame(rest) else { return (used, 0) };
            match frame {
                Frame::Other { length } => match rest.get(length..) {
                    Some(after) => rest = after,
                    None => return (octets.len(), length.saturating_sub(rest.len())),
                },
                Frame::Message { length, beginning } => {
                    let interest = self.interest(direction, beginning);
                    match (rest.split_at_checked(length), interest) {
                        (Some((message, after)), Interest::Yes) => {
                            self.message(
                                context,
                                direction,
                                message.get(parse::FRAME_LEN..).unwrap_or_default(),
                            );
                            rest = after;
                        }
                        (Some((_, after)), _) => rest = after,
                        (None, Interest::No) => return (octets.len(), length.saturating_sub(rest.len())),
                        (None, _) if length > MAX_MESSAGE => {
                            return (octets.len(), length.saturating_sub(rest.len()));
                        }
                        (None, _) => return (used, 0),
                    }
                }
            }
        }
    }

    fn interest(&self, direction: Direction, beginning: &[u8]) -> Interest {
        match beginning.first() {
            Some(0xff) => v1::interest(beginning),
            Some(0xfe) => v2::interest(&self.state, direction, beginning),
            _ => Interest::No,
        }
    }

    fn message(&mut self, context: &mut FlowContext<'_>, direction: Direction, message: &[u8]) {
        // What cannot be read in a message does not speak against SMB.
        let _ = match message.first() {
            Some(0xff) => v1::message(&mut self.state, context, direction, message),
            Some(0xfe) => v2::messages(&mut self.state, context, direction, message),
            _ => None,
        };
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if !self.synchronized && !parse::begins_message(payload) {
            return Verdict::More;
        }
        self.synchronized = true;
        self.state.seen = self.state.seen.saturating_add(payload.len() as u64);
        let Some(side) = self.sides.get_mut(direction.index()) else { return Verdict::More };
        let skipped = side.skip.min(payload.len());
        side.skip -= skipped;
        let payload = payload.get(skipped..).unwrap_or_default();
        let mut joined = std::mem::take(&mut side.pending);
        let skip = if joined.is_empty() {
            let (used, skip) = self.messages(context, direction, payload);
            joined.extend_from_slice(payload.get(used..).unwrap_or_default());
            skip
        } else {
            joined.extend_from_slice(payload);
            let (used, skip) = self.messages(context, direction, &joined);
            joined.drain(..used);
            skip
        };
        if let Some(side) = self.sides.get_mut(direction.index()) {
            side.pending = joined;
            side.skip = side.skip.saturating_add(skip);
        }
        self.pieces = self.pieces.saturating_add(1);
        if self.pieces == CONFIRM_AFTER {
            context.confirm(SERVICE);
        }
        Verdict::More
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        self.sides = Default::default();
        self.synchronized = false;
        Verdict::More
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
