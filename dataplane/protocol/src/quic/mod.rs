//! QUIC 1, 2 and the late drafts up to the hellos of TLS: the `quic` log, and the `ssl` log of the handshake.
//!
//! Initial packets are opened, since their keys follow from the client's first destination connection id; all others
//! are told by their headers. As in Zeek only the first handshake message of each side is taken from them, and
//! several QUIC connections on one flow share what is known.

mod parse;
mod protection;
mod stream;
mod summary;
#[cfg(test)]
mod tests;

use record::Proto;

use self::parse::{Frame, Initial, Kind, Long, Malformed};
use self::protection::{Protection, Undecipherable};
use self::stream::{HEADER_LEN, Stream};
use self::summary::{Summary, letter};
use crate::ssl::handshake::Handshake;
use crate::ssl::parse::{self as tls, ServerName, extension, kind};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// The service in the connection's record; that of TLS follows it.
const SERVICE: &str = "quic";

/// Discarded datagrams beyond these do not show in the history (Zeek: `QUIC::max_discarded_packet_events`).
const MAX_DISCARDED: u64 = 100;

/// Protected payloads longer than this are not opened, as in Zeek.
const MAX_PAYLOAD: usize = 10_000;

/// After so many octets a malformed packet no longer ends the analysis (Zeek: `DPD::ignore_violations_after`).
const IGNORE_VIOLATIONS_AFTER: u64 = 10 * 1024;

/// Why a datagram is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// It is not as it should be.
    Violation(&'static str),
    /// An Initial packet does not open.
    Undecipherable,
}

impl From<Malformed> for Stop {
    fn from(_: Malformed) -> Self {
        Self::Violation("malformed packet")
    }
}

impl From<Undecipherable> for Stop {
    fn from(_: Undecipherable) -> Self {
        Self::Undecipherable
    }
}

/// What opens the Initial packets of one direction, and what came out of them.
#[derive(Debug, Default)]
struct Opening {
    /// Keys, and the version that they are for.
    protection: Option<(u32, Protection)>,
    stream: Stream,
}

/// Analyzer of the QUIC connections of one flow.
#[derive(Debug)]
pub(crate) struct Analyzer {
    /// Destination connection id of the client's first Initial packet.
    first_destination: Option<Vec<u8>>,
    /// Length of the client's connection ids.
    client_id_len: usize,
    openings: [Opening; 2],
    /// Unless it was refused.
    tls: Option<Handshake>,
    summary: Option<Summary>,
    opened: u64,
    discarded: u64,
    /// Packets with a short header, by direction.
    short: [u64; 2],
    seen: u64,
}

/// QUIC is recognized by a first packet of version 1 or 2.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    let initial = |datagram: &[u8]| {
        matches!(datagram, [0xc0..=0xcf, 0, 0, 0, 1, ..] | [0xd0..=0xdf, 0x6b, 0x33, 0x43, 0xcf, ..])
    };
    if probe.proto == Proto::Udp && (initial(probe.originator) || initial(probe.responder)) {
        Match::Yes
    } else {
        Match::No
    }
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self {
            first_destination: None,
            client_id_len: 0,
            openings: Default::default(),
            tls: Some(Handshake::new("ssl")),
            summary: None,
            opened: 0,
            discarded: 0,
            short: [0; 2],
            seen: 0,
        }
    }

    fn datagram(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        datagram: &[u8],
    ) -> Result<(), Stop> {
        let mut rest = datagram;
        while let Some(first) = rest.first() {
            if first & parse::FIXED_BIT == 0 {
                self.discarded(context, direction);
                return Ok(());
            }
            if first & parse::LONG_HEADER == 0 {
                return self.short_header(context, direction, rest.len());
            }
            let (packet, after) = parse::long(rest)?;
            self.long_header(context, direction, &packet)?;
            rest = after;
        }
        Ok(())
    }

    fn discarded(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        self.discarded = self.discarded.saturating_add(1);
        if self.opened > 0 && self.discarded <= MAX_DISCARDED {
            match &mut self.summary {
                Some(summary) => summary.note(context, direction, letter::DISCARDED),
                None => context.weird("QUIC_spurious_discarded_packet", None, ""),
            }
        }
    }

    /// A packet with a short header goes to the end of the datagram.
    fn short_header(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        length: usize,
    ) -> Result<(), Stop> {
        if length <= self.client_id_len {
            return Err(Malformed.into());
        }
        let Some(count) = self.short.get_mut(direction.index()) else { return Ok(()) };
        *count = count.saturating_add(1);
        if !count.is_power_of_two() {
            return Ok(());
        }
        match &mut self.summary {
            Some(summary) => summary.note(context, direction, letter::SHORT),
            None => {
                let count = count.to_string();
                context.weird(
                    "QUIC_spurious_short_header_packet_threshold_crossed",
                    Some(count.as_bytes()),
                    "",
                );
            }
        }
        Ok(())
    }

    fn long_header(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        packet: &Long<'_>,
    ) -> Result<(), Stop> {
        match packet.kind {
            Kind::Initial(initial) => {
                self.note_packet(context, direction, packet, letter::INITIAL);
                self.initial(context, direction, packet, initial)
            }
            Kind::ZeroRtt => {
                self.note_packet(context, direction, packet, letter::ZERO_RTT);
                Ok(())
            }
            Kind::Handshake => {
                self.note_packet(context, direction, packet, letter::HANDSHAKE);
                Ok(())
            }
            Kind::Retry => {
                self.last_packet(context, direction, packet, letter::RETRY);
                // The client begins anew, with the connection id that the server gave it.
                self.openings = Default::default();
                self.first_destination = None;
                Ok(())
            }
            Kind::UnknownVersion => {
                self.last_packet(context, direction, packet, letter::UNKNOWN_VERSION);
                Err(Stop::Violation("unknown version"))
            }
        }
    }

    fn note_packet(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        packet: &Long<'_>,
        letter: char,
    ) {
        match &mut self.summary {
            Some(summary) => summary.connection_ids(direction, packet),
            None => self.summary = Some(Summary::new(context, direction, packet)),
        }
        if let Some(summary) = &mut self.summary {
            summary.note(context, direction, letter);
        }
    }

    /// A packet that ends a record, and begins it if there is none.
    fn last_packet(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        packet: &Long<'_>,
        letter: char,
    ) {
        let mut summary = self.summary.take().unwrap_or_else(|| Summary::new(context, direction, packet));
        summary.note(context, direction, letter);
        summary.write(context);
    }

    /// Opens an Initial packet, unless its hello is known.
    fn initial(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        packet: &Long<'_>,
        initial: Initial<'_>,
    ) -> Result<(), Stop> {
        if direction == Direction::Responder && self.first_destination.is_none() {
            return Ok(());
        }
        let [originator, responder] = &mut self.openings;
        let opening = match direction {
            Direction::Originator => originator,
            Direction::Responder => responder,
        };
        if opening.stream.is_finished() {
            return Ok(());
        }
        self.client_id_len = match direction {
            Direction::Originator => packet.source.len(),
            Direction::Responder => packet.destination.len(),
        };
        let destination = self.first_destination.get_or_insert_with(|| packet.destination.to_vec());
        if initial.packet.len().saturating_sub(initial.number_offset) > MAX_PAYLOAD {
            return Err(Stop::Undecipherable);
        }
        if opening.protection.as_ref().is_none_or(|(version, _)| *version != packet.version) {
            let protection = Protection::new(packet.version, destination, direction)?;
            opening.protection = Some((packet.version, protection));
        }
        let Some((_, protection)) = &opening.protection else { return Ok(()) };
        let frames = protection.open(initial)?;
        if frames.is_empty() {
            return Err(Stop::Violation("packet without frames"));
        }
        context.confirm(SERVICE);
        self.opened = self.opened.saturating_add(1);
        self.frames(context, direction, &frames)
    }

    fn frames(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        frames: &[u8],
    ) -> Result<(), Stop> {
        let mut rest = frames;
        while !rest.is_empty() {
            let (frame, after) =
                parse::frame(rest).map_err(|Malformed| Stop::Violation("malformed frame"))?;
            rest = after;
            match frame {
                Frame::Other => {}
                Frame::ConnectionClose => {
                    if let Some(mut summary) = self.summary.take() {
                        summary.note(context, direction, letter::CLOSE);
                        summary.write(context);
                    }
                }
                Frame::Crypto { offset, data } => self.crypto(context, direction, offset, data)?,
            }
        }
        Ok(())
    }

    fn crypto(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        offset: u64,
        data: &[u8],
    ) -> Result<(), Stop> {
        let Some(opening) = self.openings.get_mut(direction.index()) else { return Ok(()) };
        let Some(hello) = opening.stream.add(offset, data).map_err(Stop::Violation)? else { return Ok(()) };
        let (Some(kind), Some(body)) = (hello.first(), hello.get(HEADER_LEN..)) else { return Ok(()) };
        let Some(tls) = &mut self.tls else { return Ok(()) };
        if tls.message(context, direction, *kind, body).is_err() {
            self.tls = None;
            return Ok(());
        }
        let Some(summary) = &mut self.summary else { return Ok(()) };
        match *kind {
            kind::CLIENT_HELLO => {
                let offer = Offer::of(body);
                summary.client_hello(offer.server_name, offer.protocols.first().copied());
                summary.note(context, Direction::Originator, letter::HELLO);
                if offer.protocols.len() > 1 {
                    context.weird("QUIC_many_protocols", Some(&bracketed(&offer.protocols)), "");
                }
            }
            kind::SERVER_HELLO => summary.note(context, Direction::Responder, letter::HELLO),
            _ => {}
        }
        Ok(())
    }
}

/// What a client's hello asks for.
#[derive(Debug, Default)]
struct Offer<'p> {
    server_name: Option<&'p [u8]>,
    protocols: Vec<&'p [u8]>,
}

impl<'p> Offer<'p> {
    fn of(body: &'p [u8]) -> Self {
        let mut offer = Self::default();
        let Some(hello) = tls::client_hello(body) else { return offer };
        for (kind, value) in hello.extensions.flatten() {
            match kind {
                extension::SERVER_NAME => {
                    let first = tls::server_names(value).and_then(|mut names| names.next());
                    if let Some(Ok(ServerName::Host(name))) = first {
                        offer.server_name = Some(name);
                    }
                }
                extension::ALPN => offer.protocols = protocols(value),
                _ => {}
            }
        }
        offer
    }
}

/// The names of an ALPN extension (RFC 7301, section 3.1).
fn protocols(value: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    let mut rest = value.get(2..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first()
        && let Some((name, after)) = after.split_at_checked(usize::from(*length))
    {
        names.push(name);
        rest = after;
    }
    names
}

/// Names as Zeek prints a vector.
fn bracketed(names: &[&[u8]]) -> Vec<u8> {
    [&b"["[..], &names.join(&b", "[..]), b"]"].concat()
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        self.seen = self.seen.saturating_add(payload.len() as u64);
        let is_short = payload.first().is_some_and(|first| first & parse::LONG_HEADER == 0);
        match self.datagram(context, direction, payload) {
            Ok(()) if is_short => Verdict::HeaderOnly,
            Ok(()) => Verdict::More,
            Err(Stop::Undecipherable) => Verdict::Done,
            Err(Stop::Violation(_)) if self.seen > IGNORE_VIOLATIONS_AFTER => Verdict::More,
            Err(Stop::Violation(reason)) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::More
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        if let Some(tls) = &mut self.tls {
            tls.finish(context);
        }
        if let Some(summary) = self.summary.take() {
            summary.write(context);
        }
    }
}
