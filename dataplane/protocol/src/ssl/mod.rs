//! TLS 1.0 to 1.3, SSL 3.0 and SSL 2.0 over TCP: the `ssl` log, and the `x509` log of the certificates seen.
//!
//! This file has the record layer; [`handshake`] has what is said in it and is shared with DTLS and QUIC, [`parse`] the
//! messages, [`names`] and [`ciphers`] the names of numbers. Nothing is decrypted: with the first records that both
//! sides encrypt the handshake counts as established, its record is written and no more payload is wanted.
//!
//! Limits: a plaintext record is kept until it is whole, at most 64 KiB for each direction; encrypted ones are skipped
//! without a copy.

mod ciphers;
pub(crate) mod handshake;
pub(crate) mod names;
pub(crate) mod parse;
pub(crate) mod reader;
#[cfg(test)]
mod tests;
mod v2;

use record::Proto;

use self::handshake::{Handshake, Reason};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Octets of a record's header.
const HEADER_LEN: usize = 5;
/// More alerts than this in one record are not believed (Zeek: `SSL::max_alerts_per_record`).
const MAX_ALERTS: usize = 10;

/// Content of a record (TLS ContentType registry).
pub(crate) mod content {
    pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(crate) const ALERT: u8 = 21;
    pub(crate) const HANDSHAKE: u8 = 22;
    pub(crate) const APPLICATION_DATA: u8 = 23;
    pub(crate) const HEARTBEAT: u8 = 24;
}

/// Analyzer of one TLS connection.
#[derive(Debug)]
pub(crate) struct Analyzer {
    handshake: Handshake,
    sides: [Side; 2],
    layer: Layer,
    /// A part of the connection is missing, or it did not begin in sight.
    lost: bool,
}

/// What is kept for one direction.
#[derive(Debug, Default)]
struct Side {
    /// The beginning of a record whose rest has not come yet.
    pending: Vec<u8>,
    /// Octets of an encrypted record that have not come yet.
    skip: usize,
    /// This side encrypts.
    encrypts: bool,
}

/// The form of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// Not settled yet.
    Unknown,
    /// SSL 2.0.
    V2,
    /// SSL 3.0 and later.
    V3,
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    V2 { kind: u8, length: usize },
    V3 { content: u8, length: usize },
}

impl Header {
    const fn length(self) -> usize {
        match self {
            Self::V2 { length, .. } | Self::V3 { length, .. } => length,
        }
    }
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self {
            handshake: Handshake::new("ssl"),
            sides: <[Side; 2]>::default(),
            layer: Layer::Unknown,
            lost: false,
        }
    }

    /// The next octets of a stream.
    fn stream(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        mut payload: &[u8],
    ) -> Result<(), Reason> {
        let side = self.side(direction);
        if side.skip > 0 {
            let (skipped, rest) = payload.split_at(side.skip.min(payload.len()));
            side.skip = side.skip.saturating_sub(skipped.len());
            if side.skip > 0 {
                return Ok(());
            }
            payload = rest;
            self.encrypted(context, direction);
            if self.handshake.is_finished() {
                return Ok(());
            }
        }
        let side = self.side(direction);
        if side.pending.is_empty() {
            let used = self.records(context, direction, payload)?;
            let rest = payload.get(used..).unwrap_or_default();
            self.side(direction).pending.extend_from_slice(rest);
        } else {
            let mut joined = std::mem::take(&mut side.pending);
            joined.extend_from_slice(payload);
            let used = self.records(context, direction, &joined)?;
            joined.drain(..used.min(joined.len()));
            self.side(direction).pending = joined;
        }
        Ok(())
    }

    /// Reads the whole records at the beginning of `octets`; returns how many octets need not be kept.
    fn records(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        octets: &[u8],
    ) -> Result<usize, Reason> {
        let mut used = 0_usize;
        while let Some(rest) = octets.get(used..)
            && let Some(head) = rest.first_chunk::<HEADER_LEN>()
        {
            let header = self.header(*head, direction)?;
            let end = HEADER_LEN.saturating_add(header.length());
            let body = rest.get(HEADER_LEN..end);
            if self.is_encrypted(direction, header) {
                if body.is_none() {
                    self.side(direction).skip = end.saturating_sub(rest.len());
                    return Ok(octets.len());
                }
                if header.length() > 0 {
                    self.encrypted(context, direction);
                }
            } else {
                let Some(body) = body else { break };
                match header {
                    Header::V2 { kind, .. } => {
                        v2::record(&mut self.handshake, context, direction, kind, *head, body)?;
                        if kind == v2::CLIENT_MASTER_KEY {
                            self.sides.iter_mut().for_each(|side| side.encrypts = true);
                        }
                    }
                    Header::V3 { content, .. } => self.record(context, direction, content, body)?,
                }
            }
            used = used.saturating_add(end);
            if self.handshake.is_finished() {
                break;
            }
        }
        Ok(used)
    }

    /// Reads a header and settles the form of the records.
    fn header(&mut self, head: [u8; HEADER_LEN], direction: Direction) -> Result<Header, Reason> {
        let [a, b, c, d, e] = head;
        let version = u16::from_be_bytes([b, c]);
        let v3 = Header::V3 { content: a, length: u16::from_be_bytes([d, e]).into() };
        // The three octets of kind and version count as content of the record.
        let v2 = usize::from(u16::from_be_bytes([a & 0x7F, b])).checked_sub(3);
        let v2 = v2.map(|length| Header::V2 { kind: c, length }).ok_or("SSLv2 record too short");
        match self.layer {
            Layer::V2 => v2,
            Layer::V3 if names::is_record_version(version) => Ok(v3),
            Layer::V3 => Err("invalid version late in a TLS connection"),
            Layer::Unknown if a & 0x80 != 0 => match (c, direction) {
                (v2::CLIENT_HELLO, Direction::Originator) => {
                    let version = u16::from_be_bytes([d, e]);
                    if version == names::SSL_2 || names::is_record_version(version) {
                        v2
                    } else {
                        Err("invalid version in an SSLv2 client hello")
                    }
                }
                (v2::SERVER_HELLO, Direction::Responder) if e < 2 => {
                    self.layer = Layer::V2;
                    v2
                }
                _ => Err("invalid header in an SSL connection"),
            },
            Layer::Unknown if !names::is_record_version(version) => {
                Err("invalid version in a TLS connection")
            }
            Layer::Unknown if (20..=30).contains(&a) => {
                self.layer = Layer::V3;
                Ok(v3)
            }
            Layer::Unknown => Err("invalid type of record in a TLS connection"),
        }
    }

    /// Whether a record is encrypted: after a change of cipher specification, and TLS 1.3, which does not need that
    /// message, from the first application data on.
    fn is_encrypted(&mut self, direction: Direction, header: Header) -> bool {
        if self.side(direction).encrypts {
            return true;
        }
        matches!(header, Header::V3 { content: content::APPLICATION_DATA, .. }) && !self.is_before_tls_1_3()
    }

    /// Whether the server chose a version before TLS 1.3. Drafts and experiments have all sorts of numbers, so all
    /// others count as TLS 1.3.
    fn is_before_tls_1_3(&self) -> bool {
        self.handshake
            .negotiated()
            .is_some_and(|version| version == names::SSL_2 || names::is_record_version(version))
    }

    /// The whole of an encrypted record has been seen.
    fn encrypted(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        self.side(direction).encrypts = true;
        if self.sides.iter().all(|side| side.encrypts) {
            self.handshake.establish(context);
        }
    }

    /// A plaintext record.
    fn record(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        content: u8,
        body: &[u8],
    ) -> Result<(), Reason> {
        if body.is_empty() {
            return Ok(());
        }
        self.handshake.plaintext(context);
        match content {
            content::HANDSHAKE => self.handshake.stream(context, direction, body)?,
            content::APPLICATION_DATA => self.handshake.early_application_data(context),
            content::CHANGE_CIPHER_SPEC => {
                self.handshake.change_cipher_spec(context, direction);
                // In TLS 1.3 it means nothing (RFC 8446, appendix D.4): a second client hello may follow it.
                if self.handshake.negotiated().is_none() || self.is_before_tls_1_3() {
                    self.side(direction).encrypts = true;
                    if body.len() > 1 {
                        self.encrypted(context, direction);
                    }
                }
            }
            content::ALERT => alerts(&mut self.handshake, context, direction, body)?,
            content::HEARTBEAT if body.len() >= 3 => self.handshake.heartbeat(context, direction),
            content::HEARTBEAT => return Err("heartbeat too short"),
            _ => return Err("unknown type of record"),
        }
        Ok(())
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        let [originator, responder] = &mut self.sides;
        match direction {
            Direction::Originator => originator,
            Direction::Responder => responder,
        }
    }
}

/// The alerts of a record (RFC 8446, section 6).
pub(crate) fn alerts(
    handshake: &mut Handshake,
    context: &mut FlowContext<'_>,
    direction: Direction,
    body: &[u8],
) -> Result<(), Reason> {
    for (index, alert) in body.chunks(2).enumerate() {
        if index >= MAX_ALERTS {
            context.weird("SSL_excessive_alerts_in_record", None, "SSL");
            return Err("too many alerts in a record");
        }
        let [_level, description] = alert else { return Err("alert too short") };
        handshake.alert(context, direction, u16::from(*description));
    }
    Ok(())
}

/// The beginning of a client's or a server's hello, on either side.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    match (hello(probe.originator), hello(probe.responder)) {
        (Match::Yes, _) | (_, Match::Yes) => Match::Yes,
        (Match::Maybe, _) | (_, Match::Maybe) => Match::Maybe,
        (Match::No, Match::No) => Match::No,
    }
}

/// A hello in a handshake record, for a server also behind an alert.
fn hello(octets: &[u8]) -> Match {
    /// Octets of a record with one alert.
    const ALERT_LEN: usize = 7;
    let is_alert = starts_record(octets, content::ALERT);
    if is_alert == Match::Maybe || (is_alert == Match::Yes && octets.len() < ALERT_LEN) {
        return Match::Maybe;
    }
    let rest = if is_alert == Match::Yes { octets.get(ALERT_LEN..).unwrap_or_default() } else { octets };
    match starts_record(rest, content::HANDSHAKE) {
        Match::Yes => {}
        other => return other,
    }
    match rest.get(HEADER_LEN..).unwrap_or_default() {
        [parse::kind::CLIENT_HELLO, _, _, _, 3, 0..=3, ..] if is_alert == Match::No => Match::Yes,
        [parse::kind::SERVER_HELLO, _, _, _, 3, 0..=4, ..] => Match::Yes,
        [parse::kind::SERVER_HELLO, _, _, _, 0x7F, 0..=0x50, ..] => Match::Yes,
        [_, _, _, _, _, _, ..] => Match::No,
        [] | [parse::kind::CLIENT_HELLO | parse::kind::SERVER_HELLO, ..] => Match::Maybe,
        _ => Match::No,
    }
}

/// Whether a record of `content` with a version up to TLS 1.2 begins here.
fn starts_record(octets: &[u8], content: u8) -> Match {
    match octets {
        [first, 3, 0..=3, ..] if *first == content => Match::Yes,
        [] => Match::Maybe,
        [first] | [first, 3] if *first == content => Match::Maybe,
        _ => Match::No,
    }
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if self.lost || self.handshake.is_finished() || context.is_partial() {
            self.lost = true;
            return Verdict::Done;
        }
        match self.stream(context, direction, payload) {
            Ok(()) if self.handshake.is_finished() => Verdict::Done,
            Ok(()) => Verdict::More,
            Err(reason) => {
                self.handshake.finish(context);
                Verdict::Violation(reason)
            }
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        self.lost = true;
        Verdict::Done
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        self.handshake.finish(context);
    }
}
