//! DTLS 1.0 and 1.2, and of DTLS 1.3 the hello messages, over UDP: the `ssl` log.
//!
//! Records and fragments are read here ([`parse`]); what is said in them is [`crate::ssl::handshake`]'s.
//!
//! Limits: one fragmented message for each direction at a time, of at most [`MAX_MESSAGE`] octets.

mod parse;
#[cfg(test)]
mod tests;

use record::Proto;

use crate::ssl::handshake::{Handshake, Reason};
use crate::ssl::{alerts, content, names};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Longest fragmented handshake message, octets (as in Zeek).
const MAX_MESSAGE: usize = 100_000;
/// A message in more pieces than this is given up.
const MAX_PIECES: usize = 32;
/// The records with the pieces of a message are numbered closer together than this (as in Zeek).
const MAX_DISTANCE: u64 = 30;
/// After so many datagrams that are not DTLS the flow is given up (Zeek: `SSL::dtls_max_version_errors`).
const MAX_STRANGE: u32 = 10;

const SERVICE: &str = "dtls";

/// Analyzer of one DTLS flow.
#[derive(Debug)]
pub(crate) struct Analyzer {
    handshake: Handshake,
    assembly: [Assembly; 2],
    encrypts: [bool; 2],
    /// Datagrams in a row that are not DTLS.
    strange: u32,
}

/// A handshake message of which pieces have been seen. Memory is in proportion to the octets received, whatever length
/// they claim.
#[derive(Debug, Default)]
struct Assembly {
    sequence: u16,
    /// Number of the record with the first piece seen.
    record: u64,
    length: usize,
    /// The pieces as they came.
    data: Vec<u8>,
    /// In the order of their places.
    pieces: Vec<Piece>,
    complete: bool,
}

/// A piece of a handshake message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    offset: usize,
    end: usize,
    /// Where it is among what came.
    at: usize,
}

impl Assembly {
    /// Adds a piece; gives the message when with it that has become whole.
    fn add(&mut self, record: u64, fragment: &parse::Fragment<'_>) -> Result<Option<Vec<u8>>, Reason> {
        if fragment.length > MAX_MESSAGE {
            return Err("fragmented handshake message too long");
        }
        let end = fragment.offset.saturating_add(fragment.data.len());
        if end > fragment.length {
            return Err("fragment behind the end of its handshake message");
        }
        if self.sequence != fragment.sequence || self.length != fragment.length || self.pieces.is_empty() {
            self.sequence = fragment.sequence;
            self.record = record;
            self.length = fragment.length;
            self.pieces.clear();
            self.complete = false;
            self.data.clear();
        }
        let is_known = |piece: &Piece| (piece.offset, piece.end) == (fragment.offset, end);
        if self.complete || self.pieces.iter().any(is_known) {
            return Ok(None);
        }
        if self.pieces.len() >= MAX_PIECES || self.record.abs_diff(record) > MAX_DISTANCE {
            return Err("handshake message in too many fragments");
        }
        let piece = Piece { offset: fragment.offset, end, at: self.data.len() };
        self.data.extend_from_slice(fragment.data);
        let place = self.pieces.partition_point(|other| *other < piece);
        self.pieces.insert(place, piece);
        let covered = self
            .pieces
            .iter()
            .try_fold(0, |covered: usize, piece| (piece.offset <= covered).then_some(covered.max(piece.end)));
        self.complete = covered == Some(self.length);
        Ok(self.complete.then(|| self.join()))
    }

    /// The whole message. Where pieces overlap, what came later counts.
    fn join(&mut self) -> Vec<u8> {
        let mut whole = vec![0; self.length];
        self.pieces.sort_unstable_by_key(|piece| piece.at);
        for piece in &self.pieces {
            let length = piece.end.saturating_sub(piece.offset);
            if let Some(target) = whole.get_mut(piece.offset..piece.end)
                && let Some(source) = self.data.get(piece.at..piece.at.saturating_add(length))
            {
                target.copy_from_slice(source);
            }
        }
        self.data = Vec::new();
        whole
    }
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self {
            handshake: Handshake::new(SERVICE),
            assembly: <[Assembly; 2]>::default(),
            encrypts: [false; 2],
            strange: 0,
        }
    }

    fn datagram(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        payload: &[u8],
    ) -> Result<Verdict, Reason> {
        let mut rest = payload;
        while let Some(first) = rest.first() {
            if self.handshake.negotiated() == Some(names::DTLS_1_3) && parse::is_unified(*first) {
                return Ok(self.encrypted(context, direction));
            }
            let (header, after) = parse::header(rest).ok_or("DTLS record cut short")?;
            if !matches!(header.version, names::DTLS_1_0 | names::DTLS_1_2) {
                return self.not_dtls(context);
            }
            if context.is_confirmed(SERVICE) {
                self.strange = 0;
            }
            let (body, after) = after.split_at_checked(header.length).ok_or("DTLS record cut short")?;
            rest = after;
            if header.epoch > 0 {
                if !body.is_empty() && self.encrypts == [true; 2] {
                    self.handshake.establish(context);
                    return Ok(Verdict::Done);
                }
            } else {
                self.record(context, direction, header, body)?;
            }
        }
        Ok(Verdict::More)
    }

    /// A record in the form that DTLS 1.3 uses for encrypted ones: it has no other sign of encryption.
    fn encrypted(&mut self, context: &mut FlowContext<'_>, direction: Direction) -> Verdict {
        if let Some(encrypts) = self.encrypts.get_mut(direction.index()) {
            *encrypts = true;
        }
        if self.encrypts != [true; 2] {
            return Verdict::More;
        }
        self.handshake.establish(context);
        Verdict::Done
    }

    /// A datagram of another kind: other protocols share the flow with DTLS (RFC 7983).
    fn not_dtls(&mut self, context: &FlowContext<'_>) -> Result<Verdict, Reason> {
        self.strange = self.strange.saturating_add(1);
        if context.is_confirmed(SERVICE) {
            return Err("invalid version in a DTLS flow");
        }
        Ok(if self.strange > MAX_STRANGE { Verdict::Done } else { Verdict::More })
    }

    /// A plaintext record.
    fn record(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        header: parse::Header,
        body: &[u8],
    ) -> Result<(), Reason> {
        if body.is_empty() {
            return Ok(());
        }
        self.handshake.plaintext(context);
        match header.content {
            content::HANDSHAKE => self.fragments(context, direction, header.sequence, body)?,
            content::CHANGE_CIPHER_SPEC => {
                self.handshake.change_cipher_spec(context, direction);
                if let Some(encrypts) = self.encrypts.get_mut(direction.index()) {
                    *encrypts = true;
                }
            }
            content::ALERT => alerts(&mut self.handshake, context, direction, body)?,
            content::HEARTBEAT if body.len() >= 3 => self.handshake.heartbeat(context, direction),
            content::HEARTBEAT => return Err("heartbeat too short"),
            content::APPLICATION_DATA => self.handshake.early_application_data(context),
            _ => return Err("unknown type of record"),
        }
        Ok(())
    }

    /// The handshake messages of a record, whole or in fragments.
    fn fragments(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        record: u64,
        body: &[u8],
    ) -> Result<(), Reason> {
        let mut rest = body;
        while !rest.is_empty() {
            let (fragment, after) = parse::fragment(rest).ok_or("DTLS handshake message cut short")?;
            rest = after;
            if fragment.data.len() == fragment.length {
                self.handshake.message(context, direction, fragment.kind, fragment.data)?;
                continue;
            }
            let Some(assembly) = self.assembly.get_mut(direction.index()) else { continue };
            if let Some(data) = assembly.add(record, &fragment)? {
                self.handshake.message(context, direction, fragment.kind, &data)?;
            }
        }
        Ok(())
    }
}

/// A client's hello, in its first record.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Udp {
        return Match::No;
    }
    if parse::is_client_hello(probe.originator) || parse::is_client_hello(probe.responder) {
        Match::Yes
    } else if [probe.originator, probe.responder].into_iter().any(parse::may_precede) {
        Match::Maybe
    } else {
        Match::No
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if self.handshake.is_finished() {
            return Verdict::Done;
        }
        if parse::is_stun(payload) {
            return Verdict::More;
        }
        match self.datagram(context, direction, payload) {
            Ok(verdict) => verdict,
            Err(reason) => {
                self.handshake.finish(context);
                Verdict::Violation(reason)
            }
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        self.handshake.finish(context);
    }
}
