//! IP fragments, and how they become datagrams again (RFC 791, section 3.2; RFC 8200, section 4.5).
//!
//! Memory and time are bounded by [`FragmentLimits`]: what is over them goes, oldest datagram first, and is counted.
//! Data that came first wins where fragments overlap, as in Zeek; that they did is reported.

mod datagram;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use record::{Addr, Interval, Time};

pub use datagram::Datagram;
use datagram::Partial;
pub use transfer::DetachedDatagram;

use crate::tunnel::TunnelKind;
use crate::weird::{Detail, Scope, Source, Weird, WeirdList, WeirdReport};
use crate::{IpHeader, Layer2};

/// Largest IP datagram without jumbograms.
pub(crate) const MAX_DATAGRAM: usize = 65_535;
/// Fragments but the last of fewer octets, IP header included, are reported.
const MIN_ACCEPTABLE: u32 = 64;
/// Fragments that end beyond this are reported.
const MAX_ACCEPTABLE: u32 = 64_000;
/// Buffers kept for reuse.
const MAX_SPARE: usize = 8;

/// Bounds of the [`Reassembler`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentLimits {
    /// How long a datagram may stay incomplete, from its first fragment on. Default: 5 minutes (Zeek's
    /// `frag_timeout`).
    pub timeout: Interval,
    /// Octets held in all incomplete datagrams. Default: 16 MiB.
    pub max_bytes: usize,
    /// Incomplete datagrams. Default: 8,192.
    pub max_datagrams: usize,
    /// Separate pieces of one datagram; a fragment that would make one more is dropped. Default: 1,024.
    pub max_pieces: usize,
}

impl Default for FragmentLimits {
    fn default() -> Self {
        Self {
            timeout: Interval::from_secs(300),
            max_bytes: 16 << 20,
            max_datagrams: 8_192,
            max_pieces: 1_024,
        }
    }
}

/// The fields of an IP header, or of an IPv6 fragment header, that are about fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentHeader {
    /// Which datagram, between two addresses: 16 bits in IPv4, 32 in IPv6.
    pub identification: u32,
    /// Where the data belongs in the datagram's payload, in octets; a multiple of 8.
    pub offset: u32,
    /// More fragments follow.
    pub more: bool,
    /// IPv4 "don't fragment".
    pub dont_fragment: bool,
}

/// A fragment that was captured whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'f> {
    /// Link-layer facts of the frame that carried it.
    pub layer2: Layer2,
    /// The fragment's own IP header; `total_len` and `header_len` are those of the fragment.
    pub ip: IpHeader,
    /// Its place in the datagram.
    pub fragment: FragmentHeader,
    /// Octets of the IP header as the datagram will have it: without the IPv6 fragment header.
    pub header: &'f [u8],
    /// The datagram's octets from `fragment.offset` on.
    pub payload: &'f [u8],
    /// The tunnel that the fragment came out of.
    pub in_tunnel: Option<TunnelKind>,
}

/// What became of all fragments; each is in `received` and the datagrams they made in one of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FragmentCounters {
    /// Fragments taken in.
    pub received: u64,
    /// Fragments dropped because their datagram was in too many pieces.
    pub dropped: u64,
    /// Datagrams completed.
    pub completed: u64,
    /// Datagrams given up for age.
    pub expired: u64,
    /// Datagrams given up for the bounds on number and memory.
    pub evicted: u64,
    /// Datagrams completed that are longer than IP allows.
    pub oversized: u64,
}

/// Zeek's key: not the protocol, so that a change of it within a datagram is noticed.
type Key = (Addr, Addr, u32);

/// Joins fragments to datagrams.
#[derive(Debug)]
pub struct Reassembler {
    limits: FragmentLimits,
    index: HashMap<Key, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    oldest: Option<u32>,
    newest: Option<u32>,
    bytes: usize,
    spare: Vec<Vec<u8>>,
    counters: FragmentCounters,
}

/// A datagram in the list from the oldest to the newest.
#[derive(Debug)]
struct Slot {
    key: Key,
    /// The bucket of the indirection table whose frames carry it.
    bucket: u16,
    since: Time,
    older: Option<u32>,
    newer: Option<u32>,
    partial: Partial,
}

impl Reassembler {
    /// With nothing in it.
    pub fn new(limits: FragmentLimits) -> Self {
        Self {
            limits,
            index: HashMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            oldest: None,
            newest: None,
            bytes: 0,
            spare: Vec::new(),
            counters: FragmentCounters::default(),
        }
    }

    /// Takes in a fragment; gives the datagram that it completes.
    ///
    /// Oddities are added to `weirds`, with the fragment's addresses. Give the datagram back by
    /// [`recycle`](Self::recycle) when done with it, to save an allocation.
    pub fn add(&mut self, now: Time, fragment: &Fragment<'_>, weirds: &mut WeirdList) -> Option<Datagram> {
        self.add_of(0, now, fragment, weirds)
    }

    /// As [`add`](Self::add), of a frame of this bucket of the indirection table: what is incomplete is found by it when
    /// another worker [takes the bucket over](Self::extract).
    pub fn add_of(
        &mut self,
        bucket: u16,
        now: Time,
        fragment: &Fragment<'_>,
        weirds: &mut WeirdList,
    ) -> Option<Datagram> {
        self.counters.received += 1;
        self.expire(now);
        let key = (fragment.ip.source, fragment.ip.destination, fragment.fragment.identification);
        let id = match self.index.get(&key) {
            Some(id) => *id,
            None => self.begin(bucket, now, key, fragment)?,
        };
        let partial = &mut self.slots.get_mut(id as usize)?.partial;
        let before = partial.size();
        if !partial.add(fragment, self.limits.max_pieces, weirds) {
            self.counters.dropped += 1;
        }
        let complete = partial.is_complete(fragment, weirds);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(partial.size());
        if complete {
            let partial = self.remove(id)?;
            let datagram = partial.join(self.spare.pop().unwrap_or_default());
            self.keep(partial.into_buffer());
            if datagram.is_none() {
                self.counters.oversized += 1;
                report(weirds, Weird::InvalidIpHeaderSize, Source::Ip, &fragment.ip);
            } else {
                self.counters.completed += 1;
            }
            return datagram;
        }
        while self.bytes > self.limits.max_bytes {
            let oldest = self.oldest?;
            self.evict(oldest);
        }
        None
    }

    /// Gives up datagrams that have been incomplete for too long.
    pub fn expire(&mut self, now: Time) {
        while let Some(oldest) = self.oldest
            && let Some(slot) = self.slots.get(oldest as usize)
            && now.since(slot.since) > self.limits.timeout
        {
            if let Some(partial) = self.remove(oldest) {
                self.keep(partial.into_buffer());
            }
            self.counters.expired += 1;
        }
    }

    /// Takes back the memory of a datagram.
    pub fn recycle(&mut self, datagram: Datagram) {
        self.keep(datagram.into_buffer());
    }

    /// Incomplete datagrams held.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no incomplete datagram is held.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Octets held for incomplete datagrams.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// What became of all fragments so far.
    pub const fn counters(&self) -> &FragmentCounters {
        &self.counters
    }

    fn begin(&mut self, bucket: u16, now: Time, key: Key, fragment: &Fragment<'_>) -> Option<u32> {
        while self.index.len() >= self.limits.max_datagrams {
            let oldest = self.oldest?;
            self.evict(oldest);
        }
        let partial = Partial::new(fragment, self.spare.pop().unwrap_or_default());
        let newest = self.newest;
        self.place(Slot { key, bucket, since: now, older: newest, newer: None, partial })
    }

    /// Enters a datagram into the list, behind the older one that it names.
    fn place(&mut self, slot: Slot) -> Option<u32> {
        let (key, older, newer) = (slot.key, slot.older, slot.newer);
        self.bytes = self.bytes.saturating_add(slot.partial.size());
        let id = match self.free.pop() {
            Some(id) => {
                *self.slots.get_mut(id as usize)? = slot;
                id
            }
            None => {
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).ok()?
            }
        };
        match older.and_then(|older| self.slots.get_mut(older as usize)) {
            Some(slot) => slot.newer = Some(id),
            None => self.oldest = Some(id),
        }
        match newer.and_then(|newer| self.slots.get_mut(newer as usize)) {
            Some(slot) => slot.older = Some(id),
            None => self.newest = Some(id),
        }
        self.index.insert(key, id);
        Some(id)
    }

    fn evict(&mut self, id: u32) {
        if let Some(partial) = self.remove(id) {
            self.keep(partial.into_buffer());
        }
        self.counters.evicted += 1;
    }

    fn remove(&mut self, id: u32) -> Option<Partial> {
        let slot = self.slots.get_mut(id as usize)?;
        let (key, older, newer) = (slot.key, slot.older, slot.newer);
        let partial = std::mem::take(&mut slot.partial);
        match self.index.entry(key) {
            Entry::Occupied(entry) if *entry.get() == id => {
                entry.remove();
            }
            _ => return None,
        }
        match older.and_then(|older| self.slots.get_mut(older as usize)) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match newer.and_then(|newer| self.slots.get_mut(newer as usize)) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        self.free.push(id);
        self.bytes = self.bytes.saturating_sub(partial.size());
        Some(partial)
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < MAX_SPARE && buffer.capacity() != 0 {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

impl Default for Reassembler {
    fn default() -> Self {
        Self::new(FragmentLimits::default())
    }
}

/// Zeek tells of fragments without saying that they were in a tunnel.
fn report(weirds: &mut WeirdList, weird: Weird, source: Source, ip: &IpHeader) {
    let scope = Scope::Addresses(ip.source, ip.destination);
    weirds.push(WeirdReport { weird, source, scope, detail: Detail::None, in_tunnel: false });
}
