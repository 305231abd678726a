//! The table of connections.

mod transfer;

use packet::{Ends, Packet, Transport, ip_proto};
use record::{Addr, Proto, Time};

use crate::config::Config;
use crate::connection::{Connection, Removal};
use crate::datagram::{self, DatagramState};
use crate::index::Index;
use crate::info::Side;
use crate::key::Tuple;
use crate::prefetch::prefetch;
use crate::slab::Slab;
use crate::tcp::TcpState;
use crate::timer_wheel::{ShortTick, TimerWheel};
use crate::{ConnState, Counters, Direction, EndpointState, FlowInfo, FlowKey, HashKey, Hooks};

pub use transfer::{DetachedFlow, Extraction};

/// When the table is full, the idlest of so many connections is evicted.
const EVICTION_SAMPLE: usize = 16;

/// When a connection is due that never is.
const NEVER: Time = Time(u64::MAX);

/// All connections of one worker, with the user's state `S` beside each.
///
/// Packets are found by a keyed hash. A connection costs about 285 octets and `S`, with its places in the index and in
/// the timer wheel; TCP connections that have sent payload 144 octets more, besides payload that came before its turn.
#[derive(Debug)]
pub struct FlowTable<S> {
    index: Index,
    entries: Slab<Entry<S>>,
    /// Of each entry, the bucket of its connection, to find those of one bucket without touching the others.
    buckets: Vec<u16>,
    wheel: TimerWheel,
    hash_key: HashKey,
    config: Config,
    counters: Counters,
    clock: Time,
    /// Where to look next for a connection to evict.
    eviction_hand: u32,
    /// The first connection that [`finish_some`](Self::finish_some) has not ended.
    finish_hand: u32,
}

#[derive(Debug)]
struct Entry<S> {
    flow: FlowInfo,
    /// When the connection is over if nothing more comes; or [`NEVER`].
    due: Time,
    /// What the index has it under.
    hash: u32,
    /// What the timer wheel has it under.
    tick: ShortTick,
    transport: TransportState,
    state: S,
}

/// What depends on the transport protocol.
#[derive(Debug)]
enum TransportState {
    Tcp(TcpState),
    Datagram(DatagramState),
}

/// Where the connection of a packet is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Lookup {
    key: FlowKey,
    from_low: bool,
    hash: u32,
}

impl<S> FlowTable<S> {
    /// An empty table. `seed` should be random: whoever knows it can make connections that slow the table down.
    pub fn new(config: Config, seed: u64) -> Self {
        Self {
            index: Index::new(),
            entries: Slab::new(),
            buckets: Vec::new(),
            wheel: TimerWheel::new(),
            hash_key: HashKey::new(seed),
            config,
            counters: Counters::default(),
            clock: Time(0),
            eviction_hand: 0,
            finish_hand: 0,
        }
    }

    /// Makes the index large enough for so many connections, so that it need not grow under load: a few octets each.
    pub fn reserve(&mut self, flows: u32) {
        let Self { index, entries, config, .. } = self;
        index.reserve(flows.min(config.limits.flows) as usize, |slot| hash_of(entries, slot));
    }

    /// Connections in the table.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
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
        let lookup = self.look_up(&Tuple::of(packet));
        let entry = self.entries.get(self.find(&lookup)?)?;
        Some((&entry.flow, &entry.state))
    }

    /// Where to look for the connection of a TCP segment or UDP datagram between these ends. Has that memory fetched.
    ///
    /// With this and then [`prefetch`](Self::prefetch) called for all packets of a burst before the first of them is
    /// taken, their connections arrive side by side.
    #[inline]
    pub fn look_ahead(&self, ends: &Ends) -> Lookup {
        let lookup = self.look_for(FlowKey::between(ends));
        self.index.prefetch(lookup.hash);
        lookup
    }

    /// Has the connection fetched, as far as the index tells which that is.
    #[inline]
    pub fn prefetch(&self, lookup: &Lookup) {
        if let Some(entry) = self.index.find(lookup.hash, |_| true).and_then(|slot| self.entries.place(slot))
        {
            prefetch(entry);
        }
    }

    #[inline]
    fn look_for(&self, (key, from_low): (FlowKey, bool)) -> Lookup {
        Lookup { key, from_low, hash: (self.hash_key.hash(&key) >> 32) as u32 }
    }

    #[inline]
    fn look_up(&self, tuple: &Tuple) -> Lookup {
        self.look_for(tuple.key())
    }

    #[inline]
    fn find(&self, lookup: &Lookup) -> Option<u32> {
        let is_it = |slot| self.entries.get(slot).is_some_and(|entry| entry.flow.has_key(&lookup.key));
        self.index.find(lookup.hash, is_it)
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
        let lookup = self.look_up(&Tuple::of(packet));
        self.packet_at(&lookup, now, packet, hooks);
    }

    /// As [`packet`](Self::packet), where it is known already where to [look](Self::look_ahead).
    pub fn packet_at<H: Hooks<State = S>>(
        &mut self,
        lookup: &Lookup,
        now: Time,
        packet: &Packet<'_>,
        hooks: &mut H,
    ) {
        debug_assert_eq!(lookup.key, FlowKey::of(packet));
        let clock = self.clock.max(now);
        self.counters.packets = self.counters.packets.wrapping_add(1);
        if packet.ip.protocol == ip_proto::IGMP {
            // Multicast membership is between hosts and their routers: no connection, in Zeek's logs neither.
            return;
        }
        self.wheel.start(clock);
        let existing = self.find(lookup).filter(|slot| !self.ends_before(*slot, now, clock, packet, hooks));
        let Some(slot) = existing.or_else(|| self.create(lookup, now, clock, packet, hooks)) else {
            return;
        };
        let is_new = existing.is_none();
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Entry { flow, transport, state, .. } = entry;
        let side = if lookup.key.is_loop() {
            flow.side(Direction::Originator)
        } else if lookup.from_low {
            Side::Low
        } else {
            Side::High
        };
        let direction = flow.direction(side);
        hooks.packet(flow, state, direction, packet);
        let (config, counters) = (&self.config, &mut self.counters);
        match (transport, &packet.transport) {
            (TransportState::Tcp(tcp), Transport::Tcp(header)) => {
                tcp.process(flow, state, side, header, packet, now, config, counters, hooks);
                if is_new && config.timeouts.long_lived_ports.contains(&flow.id.resp_p) {
                    flow.set_inactivity_timeout(config.timeouts.long_lived_inactivity);
                }
            }
            (TransportState::Datagram(own), _) => {
                datagram::process(flow, own, state, side, packet, now, counters, hooks);
            }
            // A segment without ports is no segment of the connection between the ports 0.
            (TransportState::Tcp(_), _) => {
                flow.set_last(now);
                flow.count_packet(side, packet.ip.total_len);
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
        let Some(entry) = self.entries.get_mut(slot) else { return true };
        let Entry { flow, transport, .. } = entry;
        let mut removal = None;
        if entry.due <= clock {
            removal =
                deadline(flow, transport, &self.config).filter(|(at, _)| *at <= clock).map(|(_, why)| why);
        }
        if removal.is_none() {
            match (transport, &packet.transport) {
                (TransportState::Tcp(tcp), Transport::Tcp(header)) => {
                    tcp.rearm(clock, &self.config.timeouts);
                    if tcp.is_reuse(flow, hooks, header, now, &self.config) {
                        removal = Some(Removal::Reused);
                    }
                }
                (TransportState::Datagram(own), _) => own.rearm(flow, clock),
                (TransportState::Tcp(_), _) => {}
            }
        }
        if let Some(why) = removal {
            self.remove(slot, why, hooks);
        }
        removal.is_some()
    }

    fn create<H: Hooks<State = S>>(
        &mut self,
        lookup: &Lookup,
        now: Time,
        clock: Time,
        packet: &Packet<'_>,
        hooks: &mut H,
    ) -> Option<u32> {
        if self.index.len() >= self.config.limits.flows as usize {
            self.evict(hooks);
        }
        let timeouts = &self.config.timeouts;
        let tuple = Tuple::of(packet);
        let mut flow = FlowInfo::of(&tuple, lookup.from_low, now);
        flow.set_vlan(packet.layer2.vlan, packet.layer2.inner_vlan);
        if self.begins_with_responder(packet, &tuple) {
            flow.flip();
        }
        let mut own = DatagramState::new();
        let inactivity = match tuple.proto {
            Proto::Tcp => timeouts.tcp_handshake_inactivity,
            Proto::Udp => {
                if self.config.short_lived_ports.contains(flow.id.resp_p) {
                    own.set_session_timeout(clock, timeouts.short_lived);
                }
                timeouts.udp_inactivity
            }
            Proto::Icmp => timeouts.icmp_inactivity,
            Proto::Unknown => timeouts.other_inactivity,
        };
        flow.set_inactivity_timeout(inactivity);
        let transport = match tuple.proto {
            Proto::Tcp => TransportState::Tcp(TcpState::new(clock, &self.config)),
            _ => TransportState::Datagram(own),
        };
        let state = hooks.new_connection(&mut flow, packet);
        let bucket = H::bucket(&state);
        self.counters.created = self.counters.created.wrapping_add(1);

        let entry = Entry { flow, due: NEVER, hash: lookup.hash, tick: ShortTick::NONE, transport, state };
        self.place(entry, bucket)
    }

    /// Gives a connection a place, also in the index.
    fn place(&mut self, entry: Entry<S>, bucket: u16) -> Option<u32> {
        let hash = entry.hash;
        let slot = self.entries.insert(entry)?;
        match self.buckets.get_mut(slot as usize) {
            Some(place) => *place = bucket,
            None => self.buckets.push(bucket),
        }
        let entries = &self.entries;
        self.index.insert(hash, slot, |slot| hash_of(entries, slot));
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
        let Some(entry) = self.entries.get_mut(slot) else { return };
        let Some((at, _)) = deadline(&entry.flow, &entry.transport, &self.config) else {
            entry.due = NEVER;
            return;
        };
        entry.due = at;
        let tick = self.wheel.tick_of(at.after(self.config.timeouts.wheel_grace));
        if !entry.tick.is_until(tick) {
            entry.tick = ShortTick::of(tick);
            self.wheel.insert(slot, tick);
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
            let entry = self.entries.get_mut(due.index).filter(|entry| entry.tick == due.tick);
            let Some(entry) = entry else { continue };
            match deadline(&entry.flow, &entry.transport, &self.config) {
                Some((at, why)) if at.after(grace) <= now => self.remove(due.index, why, hooks),
                Some((at, _)) => {
                    entry.due = at;
                    let tick = self.wheel.tick_of(at.after(grace));
                    entry.tick = ShortTick::of(tick);
                    self.wheel.insert(due.index, tick);
                }
                None => entry.tick = ShortTick::NONE,
            }
        }
    }

    /// Removes all connections: the end of input.
    pub fn finish<H: Hooks<State = S>>(&mut self, hooks: &mut H) {
        while self.finish_some(u32::MAX, hooks) {}
    }

    /// As [`finish`](Self::finish), at most so many connections; whether there are others. No packet may come in between.
    pub fn finish_some<H: Hooks<State = S>>(&mut self, most: u32, hooks: &mut H) -> bool {
        let until = self.entries.len().min(self.finish_hand.saturating_add(most));
        for slot in self.finish_hand..until {
            // The index is forgotten as a whole.
            if let Some(entry) = self.entries.remove(slot) {
                self.removed(entry, Removal::Finished, hooks);
            }
        }
        if until < self.entries.len() {
            self.finish_hand = until;
        } else {
            self.finish_hand = 0;
            self.index.clear();
        }
        self.finish_hand > 0
    }

    fn evict<H: Hooks<State = S>>(&mut self, hooks: &mut H) {
        let mut idlest: Option<(Time, u32)> = None;
        let mut looked_at = 0;
        for _ in 0..self.entries.len() {
            let slot = self.eviction_hand;
            self.eviction_hand = if slot + 1 < self.entries.len() { slot + 1 } else { 0 };
            if let Some(entry) = self.entries.get(slot) {
                if idlest.is_none_or(|(last, _)| entry.flow.last() < last) {
                    idlest = Some((entry.flow.last(), slot));
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

    /// Takes a connection out of its place and the index.
    fn take(&mut self, slot: u32) -> Option<Entry<S>> {
        let entry = self.entries.remove(slot)?;
        self.index.remove(entry.hash, slot);
        Some(entry)
    }

    fn remove<H: Hooks<State = S>>(&mut self, slot: u32, why: Removal, hooks: &mut H) {
        if let Some(entry) = self.take(slot) {
            self.removed(entry, why, hooks);
        }
    }

    /// Tells of a connection that is in no place any more.
    fn removed<H: Hooks<State = S>>(&mut self, mut entry: Entry<S>, why: Removal, hooks: &mut H) {
        if let TransportState::Tcp(tcp) = &mut entry.transport {
            tcp.release(&mut self.counters);
        }
        self.counters.removed = self.counters.removed.wrapping_add(1);
        if entry.flow.history().is_cut() {
            self.counters.history_limit_hits = self.counters.history_limit_hits.wrapping_add(1);
        }
        let summary = summary(&entry, why);
        hooks.removed(&mut entry.flow, &mut entry.state, &summary);
    }
}

fn hash_of<S>(entries: &Slab<Entry<S>>, slot: u32) -> u32 {
    entries.get(slot).map_or(0, |entry| entry.hash)
}

/// When the connection is to be removed if nothing more comes, and why.
#[inline]
fn deadline(flow: &FlowInfo, transport: &TransportState, config: &Config) -> Option<(Time, Removal)> {
    let timeout = flow.inactivity_timeout();
    let inactivity = (timeout.0 > 0).then(|| flow.last().after(timeout));
    let (session, other) = match transport {
        TransportState::Tcp(tcp) => (None, tcp.deadline(flow, &config.timeouts)),
        TransportState::Datagram(own) => (own.session_deadline(flow), None),
    };
    let idle = inactivity.into_iter().chain(session).min().map(|at| (at, Removal::Inactivity));
    match (idle, other) {
        (Some(a), Some(b)) => Some(if b.0 <= a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn summary<S>(entry: &Entry<S>, removal: Removal) -> Connection {
    use Direction::{Originator, Responder};
    let flow = &entry.flow;
    let (states, sizes) = match &entry.transport {
        TransportState::Tcp(tcp) => (tcp.states(flow), tcp.sizes(flow)),
        TransportState::Datagram(own) => (
            [Originator, Responder].map(|role| {
                let sent = own.has_sent(flow.side(role));
                if sent { EndpointState::Established } else { EndpointState::Inactive }
            }),
            [Originator, Responder].map(|role| own.payload(flow.side(role))),
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

mod offload;
#[cfg(test)]
mod tests;

pub use offload::Offloaded;
