//! What is known of a connection while it lives: the part of it that analyzers see.

use std::num::NonZeroU16;

use record::{Endpoints, Interval, Proto, Time, Uid};

use crate::history::{History, is_logged};
use crate::key::{FlowKey, Tuple};
use crate::table::Offloaded;

/// More tunnels than this that one connection came through are not remembered.
const MAX_TUNNEL_PARENTS: usize = 16;

/// All payload of a side is skipped.
const SKIP_ALL: u16 = u16::MAX;
/// As well, and what is not seen of it is not missing.
const OFFLOADED: u16 = SKIP_ALL - 1;
/// Most octets that are skipped at once: more than a packet has.
const MAX_SKIP: u16 = OFFLOADED - 1;

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

/// How much payload of a direction is not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipping {
    /// All of it is wanted.
    Nothing,
    /// The next octets are not wanted, see [`FlowInfo::skip_octets`].
    Octets,
    /// None is wanted any more.
    All,
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

/// What else is known of a connection as yes or no: bits of the same word that [`seen`] leaves free.
mod flag {
    pub(super) const ORIGINATOR_IS_LOW: u32 = 0x800;
    pub(super) const FLIPPED: u32 = 0x1000;
    pub(super) const DID_WEIRD: u32 = 0x2000;
    pub(super) const OUTLASTS_SESSION: u32 = 0x0800_0000;
}

/// A time-out, in half the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Millis(u32);

impl Millis {
    pub(crate) const ZERO: Self = Self(0);

    pub(crate) fn of(interval: Interval) -> Self {
        Self(u32::try_from(interval.0.div_ceil(1_000_000)).unwrap_or(u32::MAX))
    }

    pub(crate) const fn interval(self) -> Interval {
        Interval::from_millis(self.0 as u64)
    }
}

/// What few connections have.
#[derive(Debug, Clone, Default)]
struct Rare {
    tunnel_parents: Vec<Uid>,
    missed: u64,
    bad_checksums: [u16; 2],
}

/// A connection as analyzers see it.
#[derive(Debug, Clone)]
pub struct FlowInfo {
    /// Unique id; set by [`Hooks::new_connection`](crate::Hooks::new_connection).
    pub uid: Uid,
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
    /// Bits of [`seen`] and [`flag`].
    flags: u32,
    history: History,
    vlan: Option<NonZeroU16>,
    inner_vlan: Option<NonZeroU16>,
    /// Octets of payload to come that are not wanted, of each side.
    skip: [u16; 2],
    packets: [u64; 2],
    ip_bytes: [u64; 2],
    rare: Option<Box<Rare>>,
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
            id: tuple.ends,
            proto: tuple.proto,
            ip_proto: tuple.ip_proto,
            is_partial: false,
            is_one_way: tuple.one_way,
            start,
            last: start,
            inactivity: Millis(0),
            flags: if from_low { flag::ORIGINATOR_IS_LOW } else { 0 },
            history: History::new(),
            vlan: None,
            inner_vlan: None,
            skip: [0; 2],
            packets: [0; 2],
            ip_bytes: [0; 2],
            rare: None,
        }
    }

    const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Swaps originator and responder, as an analyzer may that knows better; the history gets a `^`.
    pub fn flip(&mut self) {
        let Endpoints { orig_h, orig_p, resp_h, resp_p } = self.id;
        self.id = Endpoints { orig_h: resp_h, orig_p: resp_p, resp_h: orig_h, resp_p: orig_p };
        self.flags ^= flag::ORIGINATOR_IS_LOW | flag::FLIPPED;
        // Who is partial has to be found out anew.
        self.is_partial = false;
        self.add_history(b'^');
    }

    /// Whether originator and responder are not those of the first packet.
    pub const fn is_flipped(&self) -> bool {
        self.has(flag::FLIPPED)
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

    /// Octets in content gaps so far.
    pub fn missed_bytes(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.missed)
    }

    /// Unique ids of the tunnels that carried packets of the connection.
    pub fn tunnel_parents(&self) -> &[Uid] {
        self.rare.as_ref().map_or(&[], |rare| rare.tunnel_parents.as_slice())
    }

    /// Notes a tunnel that carried a packet of the connection.
    pub fn add_tunnel_parent(&mut self, uid: Uid) {
        let parents = &mut self.rare.get_or_insert_default().tunnel_parents;
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

    /// A connection that was taken for a question and its answer is none: its payload is of another protocol, and it
    /// lasts as long as any.
    pub const fn outlast_session(&mut self) {
        self.flags |= flag::OUTLASTS_SESSION;
    }

    pub(crate) const fn outlasts_session(&self) -> bool {
        self.has(flag::OUTLASTS_SESSION)
    }

    /// No more payload of `direction` is wanted: none is delivered nor buffered any more. Counts and gaps stay exact.
    pub fn skip_payload(&mut self, direction: Direction) {
        self.skip[self.side(direction).index()] = SKIP_ALL;
    }

    /// A port drops and counts packets of `direction` from now on, see
    /// [`FlowTable::count_offloaded`](crate::FlowTable::count_offloaded): no payload of it is wanted, and what its peer
    /// acknowledges has been seen.
    pub fn offload(&mut self, direction: Direction) {
        self.skip[self.side(direction).index()] = OFFLOADED;
    }

    /// Of the next `octets` of a TCP stream only the number is wanted: they come as
    /// [`Hooks::skipped`](crate::Hooks::skipped) instead of data. It takes the place of what was said before; gaps
    /// count as octets. More than a packet has are to be asked for anew with each packet.
    pub fn skip_octets(&mut self, direction: Direction, octets: u64) {
        self.skip[self.side(direction).index()] = u16::try_from(octets).unwrap_or(MAX_SKIP).min(MAX_SKIP);
    }

    /// How much payload of `direction` is not wanted.
    #[inline]
    pub fn skipping(&self, direction: Direction) -> Skipping {
        match self.skip[self.side(direction).index()] {
            0 => Skipping::Nothing,
            1..=MAX_SKIP => Skipping::Octets,
            OFFLOADED.. => Skipping::All,
        }
    }

    /// No more payload is wanted, see [`skip_payload`](Self::skip_payload).
    pub fn skip_all_payload(&mut self) {
        self.skip = self.skip.map(|skip| if skip == OFFLOADED { skip } else { SKIP_ALL });
    }

    /// Whether payload of `direction` is still wanted.
    #[inline]
    pub fn wants_payload(&self, direction: Direction) -> bool {
        self.wants(self.side(direction))
    }

    /// An analyzer hit a limit, so that the analysis is not complete: the history gets an `X`, once.
    pub fn limit_reached(&mut self) {
        if self.flags & seen::LIMIT == 0 {
            self.flags |= seen::LIMIT;
            self.add_history(b'X');
        }
    }

    /// Notes that something odd was reported of this connection elsewhere: some oddities are reported only of
    /// connections without any other.
    pub const fn note_weird(&mut self) {
        self.flags |= flag::DID_WEIRD;
    }

    /// Whether something odd was reported of this connection.
    pub const fn did_weird(&self) -> bool {
        self.has(flag::DID_WEIRD)
    }

    #[inline]
    pub(crate) fn side(&self, direction: Direction) -> Side {
        if (direction == Direction::Originator) == self.has(flag::ORIGINATOR_IS_LOW) {
            Side::Low
        } else {
            Side::High
        }
    }

    #[inline]
    pub(crate) fn direction(&self, side: Side) -> Direction {
        if (side == Side::Low) == self.has(flag::ORIGINATOR_IS_LOW) {
            Direction::Originator
        } else {
            Direction::Responder
        }
    }

    #[inline]
    pub(crate) fn wants(&self, side: Side) -> bool {
        self.skip[side.index()] < OFFLOADED
    }

    /// Whether a port drops packets of the side, or did so.
    #[inline]
    pub(crate) fn is_offloaded(&self, side: Side) -> bool {
        self.skip[side.index()] == OFFLOADED
    }

    /// Octets of the side's payload to come that are not wanted.
    #[inline]
    pub(crate) fn skip(&self, side: Side) -> u64 {
        match self.skip[side.index()] {
            OFFLOADED.. => u64::MAX,
            octets => u64::from(octets),
        }
    }

    /// So many octets to come have come.
    #[inline]
    pub(crate) fn pass(&mut self, side: Side, octets: u64) {
        let skip = &mut self.skip[side.index()];
        if *skip < OFFLOADED {
            *skip = skip.saturating_sub(u16::try_from(octets).unwrap_or(u16::MAX));
        }
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
        let (low, high) = if self.has(flag::ORIGINATOR_IS_LOW) { (orig, resp) } else { (resp, orig) };
        FlowKey::from_ends(low, high, self.ip_proto)
    }

    /// Whether packets with this key belong to the connection.
    #[inline]
    pub(crate) fn has_key(&self, key: &FlowKey) -> bool {
        let (orig, resp) = ((self.id.orig_h, self.id.orig_p), (self.id.resp_h, self.id.resp_p));
        let ends = if self.has(flag::ORIGINATOR_IS_LOW) { (orig, resp) } else { (resp, orig) };
        key.is_of(ends, self.ip_proto)
    }

    pub(crate) const fn count_packet(&mut self, side: Side, ip_len: u32) {
        let index = side.index();
        self.packets[index] = self.packets[index].saturating_add(1);
        self.ip_bytes[index] = self.ip_bytes[index].saturating_add(ip_len as u64);
    }

    /// Adds what a port counted.
    pub(crate) fn count_offloaded(&mut self, side: Side, counted: &Offloaded) {
        let index = side.index();
        self.packets[index] = self.packets[index].saturating_add(counted.packets);
        self.ip_bytes[index] = self.ip_bytes[index].saturating_add(counted.ip_octets);
        self.last = self.last.max(counted.time);
    }

    pub(crate) fn count_missed(&mut self, len: u64) {
        let missed = &mut self.rare.get_or_insert_default().missed;
        *missed = missed.saturating_add(len);
    }

    pub(crate) fn add_history(&mut self, letter: u8) {
        self.history.push(letter);
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
        if self.flags & bit != 0 {
            return true;
        }
        self.flags |= bit;
        self.add_history_of(side, letter);
        false
    }

    pub(crate) fn replace_history(&mut self, letters: &[u8]) {
        self.history.replace(letters);
    }

    pub(crate) fn bad_checksum(&mut self, side: Side) {
        let count = &mut self.rare.get_or_insert_default().bad_checksums[side.index()];
        *count = count.saturating_add(1);
        if is_logged(u32::from(*count)) {
            self.add_history_of(side, b'C');
        }
    }
}
