//! SSH 1 and 2 up to encryption, and a guess from packet sizes whether the login succeeded: the `ssh` log.
//!
//! Follows Zeek's analyzer, except that messages which RFC 4253 allows around the key exchange do not stop it, and
//! that a peer may send `SSH_MSG_KEXINIT` before the other's identification arrives.

mod auth;
mod kex;
mod parse;
#[cfg(test)]
mod tests;

use data_encoding::BASE64;
use record::{Endpoints, Enum, Interval, Proto, Ssh, Time};
use ring::digest;

use self::auth::{Guess, Sizes};
use self::kex::{Algorithms, Family};
use self::parse::{Framed, Packet, Speaks, Version, message};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// The service in the connection's record.
const SERVICE: &str = "ssh";

/// Where Zeek's script cuts the fingerprint's Base64 text.
const FINGERPRINT_LEN: usize = 32;

/// How far one direction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// Lines, the identification among them.
    #[default]
    Identification,
    /// Packets in the clear.
    KeyExchange,
    /// All is encrypted from here on.
    Encrypted,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    phase: Phase,
    /// The beginning of a line or packet whose end has not come.
    pending: Vec<u8>,
    speaks: Option<Speaks>,
    identification: Option<Vec<u8>>,
    /// Payload of the first `SSH_MSG_KEXINIT`, kept until the other side's comes.
    kex_init: Option<Vec<u8>>,
}

/// When the log's record began.
#[derive(Debug, Clone, Copy)]
struct Started {
    ts: Time,
    id: Endpoints,
}

/// Analyzer of one SSH connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    sides: [Side; 2],
    started: Option<Started>,
    /// Protocol, once both identifications are known.
    version: Option<Version>,
    algorithms: Option<Algorithms>,
    family: Option<Family>,
    fingerprint: Option<String>,
    sizes: Sizes,
    auth_success: Option<bool>,
    auth_attempts: u64,
    written: bool,
}

/// SSH is recognized when both sides begin with an identification.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    if probe.proto != Proto::Tcp {
        return Match::No;
    }
    match (identifies(probe.originator), identifies(probe.responder)) {
        (Match::No, _) | (_, Match::No) => Match::No,
        (Match::Yes, Match::Yes) => Match::Yes,
        _ => Match::Maybe,
    }
}

fn identifies(beginning: &[u8]) -> Match {
    match beginning.get(..6) {
        Some([b's' | b'S', b's' | b'S', b'h' | b'H', b'-', b'1' | b'2', b'.']) => Match::Yes,
        Some(_) => Match::No,
        None if b"SSH-".iter().zip(beginning).all(|(a, b)| a.eq_ignore_ascii_case(b)) => Match::Maybe,
        None => Match::No,
    }
}

/// What became of a unit, a line or a packet.
enum Step<'p> {
    /// It was dealt with; this follows.
    Rest(&'p [u8]),
    /// It is not complete.
    Incomplete,
    /// It is wrong.
    Wrong(&'static str),
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        let [originator, responder] = &mut self.sides;
        match direction {
            Direction::Originator => originator,
            Direction::Responder => responder,
        }
    }

    fn start(&mut self, context: &FlowContext<'_>) {
        self.started.get_or_insert_with(|| Started { ts: context.now(), id: context.endpoints() });
    }

    /// The next line or packet in the clear.
    fn step<'p>(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        octets: &'p [u8],
    ) -> Step<'p> {
        let side = self.side(direction);
        if side.phase == Phase::Identification {
            if direction == Direction::Originator && !octets.iter().zip(b"SSH-").all(|(a, b)| a == b) {
                return Step::Wrong("client does not identify itself");
            }
            return match parse::line(octets) {
                Some((line, rest)) => {
                    self.line(context, direction, line);
                    Step::Rest(rest)
                }
                None if octets.len() > parse::MAX_LINE => Step::Wrong("line too long"),
                None => Step::Incomplete,
            };
        }
        // Before the other side's identification its own says what a peer sends.
        let version = match (self.version, self.side(direction).speaks) {
            (Some(version), _) => version,
            (None, Some(Speaks::V2)) if self.side(direction.opposite()).speaks.is_none() => Version::V2,
            _ => return Step::Wrong("no common version"),
        };
        match parse::packet(version, octets) {
            Framed::Incomplete => Step::Incomplete,
            Framed::Malformed(reason) => Step::Wrong(reason),
            Framed::Packet(packet, rest) => {
                let dealt = match version {
                    Version::V1 => self.packet_v1(context, direction, packet),
                    Version::V2 => self.packet_v2(context, direction, packet),
                };
                dealt.map_or_else(Step::Wrong, |()| Step::Rest(rest))
            }
        }
    }

    /// A line of the identification exchange; servers may send others before theirs.
    fn line(&mut self, context: &mut FlowContext<'_>, direction: Direction, line: &[u8]) {
        if direction == Direction::Responder && !line.starts_with(b"SSH-") {
            return;
        }
        self.start(context);
        let side = self.side(direction);
        side.identification = Some(line.to_vec());
        side.speaks = Speaks::of(line);
        side.phase = Phase::KeyExchange;
        if let [
            Side { identification: Some(client), speaks: one, .. },
            Side { identification: Some(server), speaks: other, .. },
        ] = &self.sides
        {
            self.version = one.zip(*other).and_then(|(one, other)| one.agree(other));
            if self.version.is_none() && !client.is_empty() && !server.is_empty() {
                let versus = [server.as_slice(), b" vs ", client.as_slice()].concat();
                let name = if one.is_some() && other.is_some() {
                    "SSH_version_mismatch"
                } else {
                    "SSH_cannot_determine_version"
                };
                context.weird(name, Some(&versus), "");
            }
        }
    }

    fn packet_v1(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        packet: Packet<'_>,
    ) -> Result<(), &'static str> {
        match packet.message {
            message::V1_PUBLIC_KEY => {}
            message::V1_SESSION_KEY => {
                confirm(context);
                self.start(context);
            }
            _ => return Err("unexpected message"),
        }
        self.side(direction).phase = Phase::Encrypted;
        Ok(())
    }

    fn packet_v2(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        packet: Packet<'_>,
    ) -> Result<(), &'static str> {
        match packet.message {
            message::NEWKEYS => {
                self.side(direction).phase = Phase::Encrypted;
                if self.version.is_some() {
                    confirm(context);
                    self.start(context);
                }
            }
            message::KEXINIT => self.kex_init(context, direction, packet.payload)?,
            0..=message::LAST_GENERIC => {}
            _ => {
                if let Some(key) = self.family.and_then(|family| family.host_key(packet)) {
                    self.fingerprint = Some(fingerprint(key));
                }
            }
        }
        Ok(())
    }

    fn kex_init(
        &mut self,
        context: &mut FlowContext<'_>,
        direction: Direction,
        payload: &[u8],
    ) -> Result<(), &'static str> {
        let own = parse::kex_init(payload).ok_or("malformed SSH_MSG_KEXINIT")?;
        if self.algorithms.is_some() || self.side(direction).kex_init.is_some() {
            return Ok(());
        }
        let Some(other) = self.side(direction.opposite()).kex_init.take() else {
            self.side(direction).kex_init = Some(payload.to_vec());
            return Ok(());
        };
        let Some(other) = parse::kex_init(&other) else { return Ok(()) };
        let algorithms = match direction {
            Direction::Originator => Algorithms::negotiate(&own, &other),
            Direction::Responder => Algorithms::negotiate(&other, &own),
        };
        self.family = Family::of(&algorithms.kex);
        if self.family.is_none() {
            context.weird("ssh_unknown_kex_algorithm", Some(&algorithms.kex), "SSH");
        }
        self.algorithms = Some(algorithms);
        Ok(())
    }

    /// A piece of encrypted payload.
    fn encrypted(&mut self, context: &mut FlowContext<'_>, direction: Direction, size: usize) -> Verdict {
        match self.version {
            Some(Version::V2) => {}
            // Sizes tell nothing; all that is of use has been seen when both sides are here.
            _ if self.sides.iter().all(|side| side.phase == Phase::Encrypted) => return Verdict::Done,
            _ => return Verdict::More,
        }
        let compressed = self.algorithms.as_ref().is_some_and(Algorithms::is_compressed);
        match self.sizes.add(direction, size) {
            Guess::Nothing => Verdict::More,
            Guess::Failed => {
                if !compressed {
                    self.auth_success = Some(false);
                    self.auth_attempts = self.auth_attempts.saturating_add(1);
                }
                Verdict::More
            }
            Guess::Succeeded => {
                if !compressed {
                    self.auth_success = Some(true);
                    self.auth_attempts = self.auth_attempts.saturating_add(1);
                }
                self.write(context);
                Verdict::Done
            }
        }
    }

    fn write(&mut self, context: &mut FlowContext<'_>) {
        let Some(Started { ts, id }) = self.started.filter(|_| !self.written) else { return };
        self.written = true;
        let settings = context.settings();
        let direction = match (settings.is_local(id.orig_h), settings.is_local(id.resp_h)) {
            (true, false) => Some(Enum("OUTBOUND")),
            (false, true) => Some(Enum("INBOUND")),
            _ => None,
        };
        let [client, server] = &self.sides;
        let algorithms = self.algorithms.as_ref();
        context.emit(&Ssh {
            ts,
            uid: context.uid(),
            id,
            version: self.version.map(|version| match version {
                Version::V1 => 1,
                Version::V2 => 2,
            }),
            auth_success: self.auth_success,
            auth_attempts: self.auth_attempts,
            direction,
            client: client.identification.as_deref(),
            server: server.identification.as_deref(),
            cipher_alg: algorithms.map(|algorithms| algorithms.cipher.as_slice()),
            mac_alg: algorithms.map(|algorithms| algorithms.mac.as_slice()),
            compression_alg: algorithms.map(|algorithms| algorithms.compression.as_slice()),
            kex_alg: algorithms.map(|algorithms| algorithms.kex.as_slice()),
            host_key_alg: algorithms.map(|algorithms| algorithms.host_key.as_slice()),
            host_key_fingerprint: self.fingerprint.as_deref(),
        });
    }
}

/// Fingerprint of a host key, as Zeek writes it.
fn fingerprint(key: &[u8]) -> String {
    let mut text = BASE64.encode(digest::digest(&digest::SHA256, key).as_ref());
    text.truncate(FINGERPRINT_LEN);
    text.insert_str(0, "SHA256:");
    text
}

/// The connection is SSH; logins may be silent for long (Zeek: `SSH::inactivity_timeout`).
fn confirm(context: &mut FlowContext<'_>) {
    context.confirm(SERVICE);
    context.set_inactivity_timeout(Interval::from_secs(3600));
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        if context.is_partial() {
            return Verdict::Done;
        }
        let side = self.side(direction);
        if side.phase == Phase::Encrypted {
            return self.encrypted(context, direction, payload.len());
        }
        // What is kept goes back as it is, so that a packet in many pieces is not copied for each of them.
        let mut joined = std::mem::take(&mut side.pending);
        let whole = if joined.is_empty() {
            payload
        } else {
            joined.extend_from_slice(payload);
            joined.as_slice()
        };
        let mut rest = whole;
        while !rest.is_empty() {
            if self.side(direction).phase == Phase::Encrypted {
                return self.encrypted(context, direction, rest.len());
            }
            match self.step(context, direction, rest) {
                Step::Rest(after) => rest = after,
                Step::Incomplete => break,
                Step::Wrong(reason) => return Verdict::Violation(reason),
            }
        }
        let consumed = whole.len().saturating_sub(rest.len());
        if joined.is_empty() {
            joined.extend_from_slice(payload.get(consumed..).unwrap_or_default());
        } else {
            joined.drain(..consumed);
        }
        self.side(direction).pending = joined;
        Verdict::More
    }

    /// Of what is encrypted the sizes tell all that can be told.
    fn skippable(&self, _now: Time, direction: Direction) -> u64 {
        let is_encrypted = |side: &Side| side.phase == Phase::Encrypted;
        if self.sides.get(direction.index()).is_some_and(is_encrypted) { u64::MAX } else { 0 }
    }

    fn skipped(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        self.encrypted(context, direction, usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        self.write(context);
    }
}
