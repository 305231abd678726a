//! The table of connections.

mod transfer;

use hashbrown::HashTable;
use packet::{Packet, Transport, ip_proto};
use record::{Addr, Proto, Time};

pub use transfer::{DetachedFlow, Extraction};

use crate::config::Config;
use crate::connection::{Connection, Removal};
use crate::info::Side;
use crate::key::Tuple;
use crate::tcp::TcpState;
use crate::timer_wheel::{Tick, TimerWheel};
use crate::{ConnState, Counters, Direction, EndpointState, FlowInfo, FlowKey, HashKey, Hooks, datagram};

/// When the table is full, the idlest of so many connections is evicted.
const EVICTION_SAMPLE: usize = 16;

/// All connections of one worker, with the user's state `S` beside each.
///
/// Packets are found by a keyed hash. An entry costs about 270 octets with its place in the index, and `S`; TCP adds 290
/// octets, and payload that came before its turn.
#[derive(Debug)]
pub struct FlowTable<S> {
    index: HashTable<IndexEntry>,
    slots: Vec<Slot<S>>,
    /// Of each slot, the bucket of its connection, to find those of one bucket without touching the others.
    buckets: Vec<u16>,
    /// Numbers of free slots.
    free: Vec<u32>,
    wheel: TimerWheel,
    hash_key: HashKey,
    config: Config,
    counters: Counters,
    clock: Time,
    /// Where to look next for a connection to evict.
    eviction_hand: usize,
}

#[derive(Debug, Clone, Copy)]
struct IndexEntry {
    /// Half of the hash, so that few entries have to be looked at and none when the index grows.
    hash: u32,
    slot: u32,
}

#[derive(Debug)]
struct Slot<S> {
    /// Changes when the slot is given to another connection.
    generation: u32,
    entry: Option<Entry<S>>,
}

#[derive(Debug)]
struct Entry<S> {
    hash: u32,
    tick: Tick,
    flow: FlowInfo,
    tcp: Option<Box<TcpState>>,
    state: S,
}

/// Spreads half a hash over the 64 bits that the index wants.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<S> FlowTable<S> {
    /// An empty table. `seed` should be random: whoever knows it can make connections that slow the table down.
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            buckets: Vec::new(),
            free: Vec::new(),
            wheel: TimerWheel::new(),
            hash_key: HashKey::new(seed),
            config,
            counters: Counters::default(),
            clock: Time(0),
            eviction_hand: 0,
        }
    }

    /// Makes room for so many connections at once, so that the table need not grow under load.
    pub fn reserve(&mut self, flows: u32) {
        let flows = flows.min(self.config.limits.flows) as usize;
        self.index.reserve(flows, |entry| spread(entry.hash));
        self.slots.reserve(flows.saturating_sub(self.slots.len()));
        self.buckets.reserve(flows.saturating_sub(self.buckets.len()));
    }

    /// Connections in the table.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The settings.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Changes the settings, between packets. Connections that exist keep their inactivity time-outs.
    pub fn set_config(&mut self, config: Config) {
        self.config = config;
    }

    /// What was counted.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What is known of the connection of a packet, if there is one.
    pub fn get(&self, packet: &Packet<'_>) -> Option<(&FlowInfo, &S)> {
        let key = FlowKey::of(packet);
        let slot = self.find(&key, (self.hash_key.hash(&key) >> 32) as u32)?;
        let entry = self.slots.get(slot as usize)?.entry.as_ref()?;
        Some((&entry.flow, &entry.state))
    }

    #[inline]
    fn find(&self, key: &FlowKey, hash: u32) -> Option<u32> {
        let found = self.index.find(spread(hash), |candidate| {
            candidate.hash == hash
                && self
                    .slots
                    .get(candidate.slot as usize)
                    .and_then(|slot| slot.entry.as_ref())
                    .is_some_and(|entry| entry.flow.has_key(key))
        })?;
        Some(found.slot)
    }

    /// Sets the clock of the source: the latest time of any packet in it so far. It matters only where times go back,
    /// as in captures that were put together: connections that were over by the clock are over for earlier packets
    /// too. It has to come from the source, not from the packets that this table was given, if records are not to
    /// depend on the number of tables.
    pub const fn set_clock(&mut self, clock: Time) {
        self.clock = clock;
    }

    /// Takes a packet: finds or makes its connection, updates it, and tells `hooks` what it means.
    ///
    /// `now` is the packet's time. Before anything else the connection's own time-outs are judged against it, or
    /// against the [clock](Self::set_clock) if that is later, so that a packet after them begins a new connection,
    /// whether or not [`expire`](Self::expire) has been called.
    pub fn packet<H: Hooks<State = S>>(&mut self, now: Time, packet: &Packet<'_>, hooks: &mut H) {
        let clock = self.clock.max(now);
        self.counters.packets = self.counters.packets.wrapping_add(1);
        if packet.ip.protocol == ip_proto::IGMP {
            // Multicast membership is between hosts and their routers: no connection, in Zeek's logs neither.
            return;
        }
        self.wheel.start(clock);
        let tuple = Tuple::of(packet);
        let (key, from_low) = tuple.key();
        let hash = (self.hash_key.hash(&key) >> 32) as u32;
        let existing =
            self.find(&key, hash).filter(|slot| !self.ends_before(*slot, now, clock, packet, hooks));
        let Some(slot) = existing.or_else(|| self.create(now, clock, packet, &tuple, from_low, hash, hooks))
        else {
            return;
        };
        let is_new = existing.is_none();
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(|slot| slot.entry.as_mut()) else {
            return;
        };
        let side = if key.is_loop() {
            entry.flow.side(Direction::Originator)
        } else if from_low {
            Side::Low
        } else {
            Side::High
        };
        let direction = entry.flow.direction(side);
        hooks.packet(&mut entry.flow, &mut entry.state, direction, packet);
        let (config, counters) = (&self.config, &mut self.counters);
        match (&mut entry.tcp, &packet.transport) {
            (Some(tcp), Transport::Tcp(header)) => {
                let Entry { flow, state, .. } = entry;
                tcp.process(flow, state, side, header, packet, now, config, counters, hooks);
                if is_new && config.timeouts.long_lived_ports.contains(&flow.id.resp_p) {
                    flow.set_inactivity_timeout(config.timeouts.long_lived_inactivity);
                }
            }
            _ => {
                datagram::process(&mut entry.flow, &mut entry.state, side, packet, now, counters, hooks);
            }
        }
        self.schedule(slot);
    }

    /// Whether the connection in `slot` is over before this packet, by its time-outs or since the packet begins a
    /// new one; if so, it is removed.
    fn ends_before<H: Hooks<State = S>>(
        &mut self,
        slot: u32,
        now: Time,
        clock: Time,
        packet: &Packet<'_>,
        hooks: &mut H,
    ) -> bool {
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(|slot| slot.entry.as_mut()) else {
            return true;
        };
        let mut removal = match deadline(entry, &self.config) {
            Some((at, why)) if at <= clock => Some(why),
            _ => None,
        };
        if removal.is_none() {
            entry.flow.rearm(clock);
        }
        if let (None, Some(tcp), Transport::Tcp(header)) = (removal, &mut entry.tcp, &packet.transport) {
            tcp.rearm(clock, &self.config.timeouts);
            if tcp.is_reuse(&mut entry.flow, hooks, header, now, &self.config) {
                removal = Some(Removal::Reused);
            }
        }
        if let Some(why) = removal {
            self.remove(slot, why, hooks);
        }
        removal.is_some()
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is known where the packet was looked up")]
    fn create<H: Hooks<State = S>>(
        &mut self,
        now: Time,
        clock: Time,
        packet: &Packet<'_>,
        tuple: &Tuple,
        from_low: bool,
        hash: u32,
        hooks: &mut H,
    ) -> Option<u32> {
        if self.index.len() >= self.config.limits.flows as usize {
            self.evict(hooks);
        }
        let timeouts = &self.config.timeouts;
        let mut flow = FlowInfo::of(tuple, from_low, now);
        flow.set_vlan(packet.layer2.vlan, packet.layer2.inner_vlan);
        if self.begins_with_responder(packet, tuple) {
            flow.flip();
        }
        let mut tcp = None;
        let inactivity = match tuple.proto {
            Proto::Tcp => {
                tcp = Some(Box::new(TcpState::new(clock, &self.config)));
                timeouts.tcp_handshake_inactivity
            }
            Proto::Udp => {
                if self.config.short_lived_ports.contains(flow.id.resp_p) {
                    flow.set_session_timeout(clock, timeouts.short_lived);
                }
                timeouts.udp_inactivity
            }
            Proto::Icmp => timeouts.icmp_inactivity,
            Proto::Unknown => timeouts.other_inactivity,
        };
        flow.set_inactivity_timeout(inactivity);
        let state = hooks.new_connection(&mut flow, packet);
        self.counters.created = self.counters.created.wrapping_add(1);

        self.place(Entry { hash, tick: 0, flow, tcp, state })
    }

    /// Gives a connection a slot, and its place in the index.
    fn place(&mut self, entry: Entry<S>) -> Option<u32> {
        let (hash, bucket) = (entry.hash, entry.flow.bucket);
        let entry = Some(entry);
        let slot = if let Some(slot) = self.free.pop() {
            if let Some(place) = self.slots.get_mut(slot as usize) {
                place.entry = entry;
            }
            slot
        } else {
            let slot = u32::try_from(self.slots.len()).ok()?;
            self.slots.push(Slot { generation: 0, entry });
            self.buckets.push(bucket);
            slot
        };
        if let Some(place) = self.buckets.get_mut(slot as usize) {
            *place = bucket;
        }
        self.index.insert_unique(spread(hash), IndexEntry { hash, slot }, |entry| spread(entry.hash));
        Some(slot)
    }

    /// Whether the sender of a connection's first packet rather is the responder, to judge by the ports.
    fn begins_with_responder(&self, packet: &Packet<'_>, tuple: &Tuple) -> bool {
        let (source, destination) = (tuple.ends.orig_p, tuple.ends.resp_p);
        let flip = match &packet.transport {
            Transport::Tcp(header) => {
                let syn = header.flags & packet::tcp_flags::SYN != 0;
                let ack = header.flags & packet::tcp_flags::ACK != 0;
                let servers = &self.config.tcp_server_ports;
                match (servers.contains(source), servers.contains(destination)) {
                    _ if syn && !ack => false,
                    (true, false) => true,
                    // Of two servers the one with the lower port; but a SYN-ACK may be a scan.
                    (true, true) => !syn && source < destination,
                    (false, _) => false,
                }
            }
            Transport::Udp { .. } => {
                let servers = &self.config.udp_server_ports;
                servers.contains(source) && !servers.contains(destination)
            }
            Transport::Icmp { .. } | Transport::Other => false,
        };
        flip && tuple.ends.resp_h != Addr::v4([255; 4])
    }

    /// Enters the connection into the timer wheel anew when its deadline has become earlier.
    #[inline]
    fn schedule(&mut self, slot: u32) {
        let Some(place) = self.slots.get_mut(slot as usize) else { return };
        let generation = place.generation;
        let Some(entry) = place.entry.as_mut() else { return };
        let Some((at, _)) = deadline(entry, &self.config) else { return };
        let tick = self.wheel.tick_of(at.after(self.config.timeouts.wheel_grace));
        if entry.tick == 0 || tick < entry.tick {
            entry.tick = tick;
            self.wheel.insert(slot, generation, tick);
        }
    }

    /// Removes connections whose time is over, at most as much work as `budget` (connections looked at, and slots of
    /// the timer wheel passed); what is left comes with the next call. Call it with every burst.
    ///
    /// It gives memory back and lets records out in time; what they say does not depend on it.
    pub fn expire<H: Hooks<State = S>>(&mut self, now: Time, budget: usize, hooks: &mut H) {
        let mut budget = budget;
        let grace = self.config.timeouts.wheel_grace;
        self.wheel.start(now);
        while let Some(due) = self.wheel.pop(now, &mut budget) {
            let Some(place) = self.slots.get_mut(due.index as usize) else { continue };
            if place.generation != due.generation {
                continue;
            }
            let Some(entry) = place.entry.as_mut().filter(|entry| entry.tick == due.tick) else { continue };
            match deadline(entry, &self.config) {
                Some((at, why)) if at.after(grace) <= now => self.remove(due.index, why, hooks),
                Some((at, _)) => {
                    entry.tick = self.wheel.tick_of(at.after(grace));
                    self.wheel.insert(due.index, due.generation, entry.tick);
                }
                None => entry.tick = 0,
            }
        }
    }

    /// Removes all connections: the end of input.
    pub fn finish<H: Hooks<State = S>>(&mut self, hooks: &mut H) {
        for slot in 0..self.slots.len() as u32 {
            self.remove(slot, Removal::Finished, hooks);
        }
    }

    fn evict<H: Hooks<State = S>>(&mut self, hooks: &mut H) {
        let mut idlest: Option<(Time, u32)> = None;
        let mut looked_at = 0;
        for _ in 0..self.slots.len() {
            let slot = self.eviction_hand;
            self.eviction_hand = if slot + 1 < self.slots.len() { slot + 1 } else { 0 };
            if let Some(entry) = self.slots.get(slot).and_then(|slot| slot.entry.as_ref()) {
                if idlest.is_none_or(|(last, _)| entry.flow.last() < last) {
                    idlest = Some((entry.flow.last(), slot as u32));
                }
                looked_at += 1;
                if looked_at == EVICTION_SAMPLE {
                    break;
                }
            }
        }
        if let Some((_, slot)) = idlest {
            self.counters.evicted = self.counters.evicted.wrapping_add(1);
            self.remove(slot, Removal::Evicted, hooks);
        }
    }

    /// Takes a connection out of its slot and the index.
    fn take(&mut self, slot: u32) -> Option<Entry<S>> {
        let place = self.slots.get_mut(slot as usize)?;
        let entry = place.entry.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot);
        if let Ok(found) = self.index.find_entry(spread(entry.hash), |candidate| candidate.slot == slot) {
            found.remove();
        }
        Some(entry)
    }

    fn remove<H: Hooks<State = S>>(&mut self, slot: u32, why: Removal, hooks: &mut H) {
        let Some(mut entry) = self.take(slot) else { return };
        if let Some(tcp) = &mut entry.tcp {
            tcp.release(&mut self.counters);
        }
        self.counters.removed = self.counters.removed.wrapping_add(1);
        if entry.flow.is_history_cut() {
            self.counters.history_limit_hits = self.counters.history_limit_hits.wrapping_add(1);
        }
        let summary = summary(&entry, why);
        hooks.removed(&mut entry.flow, &mut entry.state, &summary);
    }
}

/// When the connection is to be removed if nothing more comes, and why.
#[inline]
fn deadline<S>(entry: &Entry<S>, config: &Config) -> Option<(Time, Removal)> {
    let flow = &entry.flow;
    let timeout = flow.inactivity_timeout();
    let inactivity = (timeout.0 > 0).then(|| flow.last().after(timeout));
    let session = flow.session_deadline();
    let idle = inactivity.into_iter().chain(session).min().map(|at| (at, Removal::Inactivity));
    let other = entry.tcp.as_ref().and_then(|tcp| tcp.deadline(flow, &config.timeouts));
    match (idle, other) {
        (Some(a), Some(b)) => Some(if b.0 <= a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn summary<S>(entry: &Entry<S>, removal: Removal) -> Connection {
    use Direction::{Originator, Responder};
    let flow = &entry.flow;
    let (states, sizes) = match &entry.tcp {
        Some(tcp) => (tcp.states(flow), tcp.sizes(flow)),
        None => (
            [Originator, Responder].map(|role| {
                let sent = flow.has_sent(flow.side(role));
                if sent { EndpointState::Established } else { EndpointState::Inactive }
            }),
            [Originator, Responder].map(|role| flow.payload_bytes(role)),
        ),
    };
    let duration = flow.last().since(flow.start);
    Connection {
        removal,
        state: ConnState::of(flow.proto, states, sizes, flow.history().as_bytes()),
        duration: (duration.0 > 0).then_some(duration),
        orig_bytes: sizes[0],
        resp_bytes: sizes[1],
        missed_bytes: flow.missed_bytes(),
        orig_pkts: flow.packets(Originator),
        orig_ip_bytes: flow.ip_bytes(Originator),
        resp_pkts: flow.packets(Responder),
        resp_ip_bytes: flow.ip_bytes(Responder),
    }
}

#[cfg(test)]
mod tests;
