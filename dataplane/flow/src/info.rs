//! What is known of a connection while it lives: the part of it that analyzers see.

use std::num::NonZeroU16;

use record::{Endpoints, Interval, Proto, Time, Uid};

use crate::history::{History, is_logged};
use crate::key::{FlowKey, Tuple};

/// More tunnels than this that one connection came through are not remembered.
const MAX_TUNNEL_PARENTS: usize = 16;

const SECOND: u64 = 1_000_000_000;

/// Who sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The originator: usually the client.
    Originator,
    /// The responder: usually the server.
    Responder,
}

impl Direction {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Originator => Self::Responder,
            Self::Responder => Self::Originator,
        }
    }

    /// 0 for the originator, 1 for the responder: an index into pairs.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One end of the canonical key, whatever its role: roles may be swapped, sides never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Low,
    High,
}

impl Side {
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    pub(crate) const fn peer(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// Letters that are written once per role, as bits of a set: those of the responder are 16 bits further up.
pub(crate) mod seen {
    pub(crate) const SYN: u32 = 0x1;
    pub(crate) const FIN: u32 = 0x2;
    pub(crate) const RST: u32 = 0x4;
    pub(crate) const FIN_RST: u32 = 0x8;
    pub(crate) const DATA: u32 = 0x10;
    pub(crate) const ACK: u32 = 0x20;
    pub(crate) const MULTI_FLAG: u32 = 0x40;
    pub(crate) const LIMIT: u32 = 0x400;
}

/// A time-out, in half the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Millis(u32);

impl Millis {
    fn of(interval: Interval) -> Self {
        Self(u32::try_from(interval.0.div_ceil(1_000_000)).unwrap_or(u32::MAX))
    }

    const fn interval(self) -> Interval {
        Interval::from_millis(self.0 as u64)
    }
}

/// Apart, since few connections have any.
#[derive(Debug, Clone, Default)]
struct TunnelParents(Vec<Uid>);

/// A connection as analyzers see it.
#[derive(Debug, Clone)]
pub struct FlowInfo {
    /// Unique id; set by [`Hooks::new_connection`](crate::Hooks::new_connection).
    pub uid: Uid,
    /// The bucket of the indirection table whose frames carry it, for [`FlowTable::extract`](crate::FlowTable::extract);
    /// set by [`Hooks::new_connection`](crate::Hooks::new_connection).
    pub bucket: u16,
    /// The two ends. ICMP: the type, and the type of the answer or the code, for ports. For reading: roles are swapped
    /// by [`flip`](Self::flip).
    pub id: Endpoints,
    /// Transport.
    pub proto: Proto,
    /// IP protocol number.
    pub ip_proto: u8,
    /// A TCP connection whose beginning was not seen. It may change with every packet until both ends have sent.
    pub is_partial: bool,
    /// ICMP: the message type has no answer, so packets of the other direction are another connection.
    pub is_one_way: bool,
    /// Time of the first packet.
    pub start: Time,
    last: Time,
    inactivity: Millis,
    /// When to look next whether a flow of few packets is over, and how often.
    session: Option<(Time, Millis)>,
    history: History,
    seen: u32,
    vlan: Option<NonZeroU16>,
    inner_vlan: Option<NonZeroU16>,
    originator_is_low: bool,
    is_flipped: bool,
    did_weird: bool,
    history_cut: bool,
    skip: [bool; 2],
    tunnel_parents: Option<Box<TunnelParents>>,
    missed: u64,
    packets: [u64; 2],
    ip_bytes: [u64; 2],
    /// Octets of payload: of datagrams, or of a TCP stream as far as it was delivered. Below zero before the first.
    payload: [i64; 2],
    bad_checksums: [u16; 2],
}

impl FlowInfo {
    /// A connection that begins at `start`, for tests of analyzers: the table makes its own.
    pub fn new(id: Endpoints, proto: Proto, start: Time) -> Self {
        let ip_proto = match proto {
            Proto::Tcp => 6,
            Proto::Udp => 17,
            Proto::Icmp => 1,
            Proto::Unknown => 255,
        };
        Self::of(&Tuple { ends: id, proto, ip_proto, one_way: false }, true, start)
    }

    pub(crate) fn of(tuple: &Tuple, from_low: bool, start: Time) -> Self {
        Self {
            uid: Uid::default(),
            bucket: 0,
            id: tuple.ends,
            proto: tuple.proto,
            ip_proto: tuple.ip_proto,
            is_partial: false,
            is_one_way: tuple.one_way,
            start,
            last: start,
            inactivity: Millis(0),
            session: None,
            history: History::new(),
            seen: 0,
            vlan: None,
            inner_vlan: None,
            originator_is_low: from_low,
            is_flipped: false,
            did_weird: false,
            history_cut: false,
            skip: [false; 2],
            tunnel_parents: None,
            missed: 0,
            packets: [0; 2],
            ip_bytes: [0; 2],
            payload: [-1; 2],
            bad_checksums: [0; 2],
        }
    }

    /// Swaps originator and responder, as an analyzer may that knows better; the history gets a `^`.
    pub fn flip(&mut self) {
        let Endpoints { orig_h, orig_p, resp_h, resp_p } = self.id;
        self.id = Endpoints { orig_h: resp_h, orig_p: resp_p, resp_h: orig_h, resp_p: orig_p };
        self.originator_is_low = !self.originator_is_low;
        self.is_flipped = !self.is_flipped;
        // Who is partial has to be found out anew.
        self.is_partial = false;
        self.add_history(b'^');
    }

    /// Whether originator and responder are not those of the first packet.
    pub const fn is_flipped(&self) -> bool {
        self.is_flipped
    }

    /// Time of the last packet that counts for the duration.
    pub const fn last(&self) -> Time {
        self.last
    }

    /// The history so far.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Outer VLAN id of the first packet; none for a tag without one (priority only).
    pub fn vlan(&self) -> Option<u16> {
        self.vlan.map(NonZeroU16::get)
    }

    /// Inner VLAN id of the first packet.
    pub fn inner_vlan(&self) -> Option<u16> {
        self.inner_vlan.map(NonZeroU16::get)
    }

    /// Packets of a direction so far.
    pub fn packets(&self, direction: Direction) -> u64 {
        self.packets[self.side(direction).index()]
    }

    /// Octets of the IP packets of a direction so far, as their headers claim.
    pub fn ip_bytes(&self, direction: Direction) -> u64 {
        self.ip_bytes[self.side(direction).index()]
    }

    /// Octets of payload of a direction so far: of datagrams, or those of a TCP stream that were delivered.
    pub fn payload_bytes(&self, direction: Direction) -> u64 {
        self.payload[self.side(direction).index()].max(0).unsigned_abs()
    }

    /// Octets in content gaps so far.
    pub const fn missed_bytes(&self) -> u64 {
        self.missed
    }

    /// Unique ids of the tunnels that carried packets of the connection.
    pub fn tunnel_parents(&self) -> &[Uid] {
        self.tunnel_parents.as_ref().map_or(&[], |parents| parents.0.as_slice())
    }

    /// Notes a tunnel that carried a packet of the connection.
    pub fn add_tunnel_parent(&mut self, uid: Uid) {
        let TunnelParents(parents) = &mut **self.tunnel_parents.get_or_insert_default();
        if parents.len() < MAX_TUNNEL_PARENTS && !parents.contains(&uid) {
            parents.push(uid);
        }
    }

    /// The time without packets after which the connection is removed; zero for never.
    pub const fn inactivity_timeout(&self) -> Interval {
        self.inactivity.interval()
    }

    /// Sets the time without packets after which the connection is removed, in whole milliseconds; zero for never.
    pub fn set_inactivity_timeout(&mut self, timeout: Interval) {
        self.inactivity = Millis::of(timeout);
    }

    /// The connection lasts for a question and its answer: from `clock` on it is looked at every `period`, and removed
    /// when it has been silent for that time less a second.
    pub fn set_session_timeout(&mut self, clock: Time, period: Interval) {
        let period = Millis::of(period);
        self.session = (period.0 > 0).then(|| (clock.after(period.interval()), period));
    }

    /// It does not, after all: its payload is of another protocol.
    pub const fn clear_session_timeout(&mut self) {
        self.session = None;
    }

    /// When the session time-out removes it if nothing more comes.
    pub(crate) fn session_deadline(&self) -> Option<Time> {
        let (look, period) = self.session?;
        let period = period.interval();
        let silent = self.last.after(Interval(period.0.saturating_sub(SECOND)));
        Some(next_look(look, period, silent))
    }

    /// Moves a look that came to nothing.
    pub(crate) fn rearm(&mut self, clock: Time) {
        if let Some((look, period)) = &mut self.session {
            *look = next_look(*look, period.interval(), Time(clock.0.saturating_add(1)));
        }
    }

    /// No more payload of `direction` is wanted: none is delivered nor buffered any more. Counts and gaps stay exact.
    pub fn skip_payload(&mut self, direction: Direction) {
        self.skip[self.side(direction).index()] = true;
    }

    /// No more payload is wanted, see [`skip_payload`](Self::skip_payload).
    pub const fn skip_all_payload(&mut self) {
        self.skip = [true; 2];
    }

    /// Whether payload of `direction` is still wanted.
    pub fn wants_payload(&self, direction: Direction) -> bool {
        self.wants(self.side(direction))
    }

    /// An analyzer hit a limit, so that the analysis is not complete: the history gets an `X`, once.
    pub fn limit_reached(&mut self) {
        if self.seen & seen::LIMIT == 0 {
            self.seen |= seen::LIMIT;
            self.add_history(b'X');
        }
    }

    /// Notes that something odd was reported of this connection elsewhere: some oddities are reported only of
    /// connections without any other.
    pub const fn note_weird(&mut self) {
        self.did_weird = true;
    }

    /// Whether something odd was reported of this connection.
    pub const fn did_weird(&self) -> bool {
        self.did_weird
    }

    #[inline]
    pub(crate) fn side(&self, direction: Direction) -> Side {
        if (direction == Direction::Originator) == self.originator_is_low { Side::Low } else { Side::High }
    }

    #[inline]
    pub(crate) fn direction(&self, side: Side) -> Direction {
        if (side == Side::Low) == self.originator_is_low {
            Direction::Originator
        } else {
            Direction::Responder
        }
    }

    #[inline]
    pub(crate) fn wants(&self, side: Side) -> bool {
        !self.skip[side.index()]
    }

    pub(crate) const fn set_last(&mut self, now: Time) {
        self.last = now;
    }

    pub(crate) fn set_vlan(&mut self, vlan: Option<u16>, inner: Option<u16>) {
        self.vlan = vlan.and_then(NonZeroU16::new);
        self.inner_vlan = inner.and_then(NonZeroU16::new);
    }

    /// The key of its packets.
    pub(crate) fn key(&self) -> FlowKey {
        let (orig, resp) = ((self.id.orig_h, self.id.orig_p), (self.id.resp_h, self.id.resp_p));
        let (low, high) = if self.originator_is_low { (orig, resp) } else { (resp, orig) };
        FlowKey::from_ends(low, high, self.ip_proto)
    }

    /// Whether packets with this key belong to the connection.
    #[inline]
    pub(crate) fn has_key(&self, key: &FlowKey) -> bool {
        let (orig, resp) = ((self.id.orig_h, self.id.orig_p), (self.id.resp_h, self.id.resp_p));
        let ends = if self.originator_is_low { (orig, resp) } else { (resp, orig) };
        key.is_of(ends, self.ip_proto)
    }

    pub(crate) const fn count_packet(&mut self, side: Side, ip_len: u32) {
        let index = side.index();
        self.packets[index] = self.packets[index].saturating_add(1);
        self.ip_bytes[index] = self.ip_bytes[index].saturating_add(ip_len as u64);
    }

    /// Adds a datagram's payload. Lengths below zero are those of headers that claim less than their own length.
    pub(crate) const fn count_payload(&mut self, side: Side, len: i64) {
        let total = &mut self.payload[side.index()];
        *total = if *total < 0 { len } else { total.saturating_add(len) };
    }

    /// Whether the side's payload count says that it has sent something.
    pub(crate) const fn has_sent(&self, side: Side) -> bool {
        self.payload[side.index()] >= 0
    }

    pub(crate) const fn count_missed(&mut self, len: u64) {
        self.missed = self.missed.saturating_add(len);
    }

    pub(crate) const fn is_history_cut(&self) -> bool {
        self.history_cut
    }

    pub(crate) fn add_history(&mut self, letter: u8) {
        if !self.history.push(letter) {
            self.history_cut = true;
        }
    }

    /// Adds the letter of `side` in the case of its role.
    pub(crate) fn add_history_of(&mut self, side: Side, letter: u8) {
        let letter = match self.direction(side) {
            Direction::Originator => letter,
            Direction::Responder => letter.to_ascii_lowercase(),
        };
        self.add_history(letter);
    }

    /// Adds the letter of `side` unless its role has it already; returns whether it had.
    pub(crate) fn check_history(&mut self, side: Side, bit: u32, letter: u8) -> bool {
        let bit = match self.direction(side) {
            Direction::Originator => bit,
            Direction::Responder => bit << 16,
        };
        if self.seen & bit != 0 {
            return true;
        }
        self.seen |= bit;
        self.add_history_of(side, letter);
        false
    }

    pub(crate) fn replace_history(&mut self, letters: &[u8]) {
        self.history.replace(letters);
    }

    pub(crate) fn bad_checksum(&mut self, side: Side) {
        let count = &mut self.bad_checksums[side.index()];
        *count = count.saturating_add(1);
        if is_logged(u32::from(*count)) {
            self.add_history_of(side, b'C');
        }
    }
}

/// The first of the moments `look`, `look + period`, `look + 2 * period` ... that is not before `earliest`.
fn next_look(look: Time, period: Interval, earliest: Time) -> Time {
    let periods = earliest.since(look).0.div_ceil(period.0.max(1));
    look.after(Interval(period.0.saturating_mul(periods)))
}
