//! The worker: one lcore's share of the traffic.

use std::sync::Arc;

use flow::{FlowTable, Lookup};
use packet::fragment::Reassembler;
use packet::tunnel::{self, Inner, TunnelContext, UdpTunnelState};
use packet::{Decoded, Ends, Frame, LinkType, Packet, WeirdList};
use record::{IdSource, RecordBuffer, Time};

use crate::Settings;
use crate::bucket;
use crate::connections::{Call, Path, Scratch, State};
use crate::counters::{Counters, Drop};
use crate::offload::Requests;
use crate::tunnels::{Tunnel, Tunnels};

/// Frame number of records that no frame caused: connections ended by time or at the end.
pub(crate) const NO_FRAME: u64 = u64::MAX;

/// Frames whose connections are fetched before the first of them is analyzed: as many as arrive side by side, and are
/// still there in their turn.
const AHEAD: usize = 16;

/// Connections ended between two bursts at most, so that a burst's delay stays bounded.
const EXPIRY_BUDGET: usize = 256;

/// Most connections that the index has room for before they come: a limit that is set far too high must not take the
/// memory of the machine.
const MAX_RESERVED: u32 = 1 << 24;

/// Connections ended at once at the end of input.
const FINISH_BUDGET: u32 = 4096;

/// A worker's whole state.
pub struct Worker {
    pub(crate) table: FlowTable<State>,
    pub(crate) shared: Shared,
    pub(crate) fragments: Reassembler,
    counters: Counters,
}

/// What the connection table's hooks need besides the table.
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    ids: IdSource,
    pub(crate) tunnels: Tunnels,
    weirds: WeirdList,
    scratch: Scratch,
    pub(crate) requests: Requests,
    /// What the analyzers of different connections share.
    pub(crate) analyzers: protocol::Shared,
    /// Time of the current frame.
    pub(crate) now: Time,
    /// Latest time of the source.
    pub(crate) clock: Time,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("counters", &self.counters).finish_non_exhaustive()
    }
}

/// What was done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// It was looked at as far as anybody wanted.
    Analyzed,
    /// It took the short path.
    Shunted,
}

/// The frame that causes what happens.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'p> {
    link: LinkType,
    frame: &'p Frame<'p>,
}

impl<'p> Origin<'p> {
    pub(crate) const fn new(link: LinkType, frame: &'p Frame<'p>) -> Self {
        Self { link, frame }
    }

    /// Its bucket of the indirection table. Worked out where something begins only, not for every packet.
    pub(crate) fn bucket(&self) -> u16 {
        bucket(self.link, self.frame)
    }

    /// Its length on the wire.
    pub(crate) const fn wire_len(&self) -> u32 {
        self.frame.wire_len
    }

    /// Its number, or that of what no frame causes.
    pub(crate) fn number(origin: Option<&Self>) -> u64 {
        origin.map_or(NO_FRAME, |origin| origin.frame.number)
    }
}

/// Where a layer of a frame stands.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    origin: Option<&'p Origin<'p>>,
    depth: u8,
    parent: Option<Tunnel>,
}

impl<'p> Place<'p> {
    const fn outermost(origin: &'p Origin<'p>) -> Self {
        Self { origin: Some(origin), depth: 0, parent: None }
    }

    /// Between frames.
    pub(crate) const fn nowhere() -> Self {
        Self { origin: None, depth: 0, parent: None }
    }
}

impl Shared {
    pub(crate) fn call<'w, 'f>(
        &'w mut self,
        place: Place<'w>,
        packet: Option<&'w Packet<'f>>,
        out: &'w mut RecordBuffer,
    ) -> Call<'w, 'f> {
        Call {
            settings: &self.settings,
            ids: &self.ids,
            tunnels: &mut self.tunnels,
            weirds: &mut self.weirds,
            scratch: &mut self.scratch,
            analyzers: &mut self.analyzers,
            out,
            now: self.now,
            clock: self.clock,
            origin: place.origin,
            requests: &mut self.requests,
            depth: place.depth,
            parent: place.parent,
            current: None,
            inner: None,
            path: Path::default(),
            packet,
        }
    }
}

impl Worker {
    /// A worker that has seen nothing.
    pub fn new(settings: Arc<Settings>) -> Self {
        Self {
            table: FlowTable::new(settings.flow.clone(), settings.table_seed),
            fragments: Reassembler::new(settings.fragments),
            shared: Shared {
                ids: IdSource::new(settings.id_key),
                tunnels: Tunnels::new(settings.max_tunnels),
                weirds: WeirdList::new(),
                scratch: Scratch::default(),
                requests: Requests::default(),
                analyzers: protocol::Shared::default(),
                now: Time(0),
                clock: Time(0),
                settings,
            },
            counters: Counters::default(),
        }
    }

    /// Makes room in the index for as many connections as there may be, up to `MAX_RESERVED`, so that it need not grow
    /// under load: eight octets each.
    pub fn reserve(&mut self) {
        self.table.reserve(self.table.config().limits.flows.min(MAX_RESERVED));
    }

    /// Analyzes a burst of frames of one link type, in order. Bounded work, no system calls.
    pub fn burst(&mut self, link: LinkType, frames: &[Frame<'_>], out: &mut RecordBuffer) {
        self.part(link, frames, out);
        self.advance(out);
    }

    /// Analyzes a part of a burst, after which packet time does not pass yet: [`idle`](Self::idle) ends the burst.
    pub fn part(&mut self, link: LinkType, frames: &[Frame<'_>], out: &mut RecordBuffer) {
        let mut lookups = [None; AHEAD];
        for frames in frames.chunks(AHEAD) {
            self.look_ahead(link, frames, &mut lookups);
            for (frame, lookup) in frames.iter().zip(&lookups) {
                self.frame(link, frame, lookup.as_ref(), out);
            }
        }
    }

    /// Where to look for the connections of frames that a glance tells it of, and has these connections fetched.
    #[inline]
    fn look_ahead(&self, link: LinkType, frames: &[Frame<'_>], lookups: &mut [Option<Lookup>; AHEAD]) {
        for (frame, lookup) in frames.iter().zip(&mut *lookups) {
            *lookup = Ends::glance(link, frame).map(|ends| self.table.look_ahead(&ends));
        }
        for lookup in lookups.iter().take(frames.len()).flatten() {
            self.table.prefetch(lookup);
        }
    }

    /// Lets packet time pass when no packet comes.
    pub fn idle(&mut self, now: Time, out: &mut RecordBuffer) {
        self.shared.clock = self.shared.clock.max(now);
        self.advance(out);
    }

    /// New settings, from the next burst on. Limits of the connection table stay as they were at the start.
    pub fn apply(&mut self, settings: &Arc<Settings>) {
        self.shared.settings = Arc::clone(settings);
    }

    /// What was counted so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Ends every connection: each gets its record.
    pub fn finish(&mut self, out: &mut RecordBuffer) {
        while self.finish_some(out) {}
    }

    /// As [`finish`](Self::finish), some of them, so that their records can be taken away before the others come;
    /// whether to call it again.
    pub fn finish_some(&mut self, out: &mut RecordBuffer) -> bool {
        let before = out.len();
        self.shared.now = self.shared.clock;
        out.at(NO_FRAME, self.shared.now);
        let more = self.table.finish_some(FINISH_BUDGET, &mut self.shared.call(Place::nowhere(), None, out));
        if !more {
            let Shared { analyzers, settings, .. } = &mut self.shared;
            analyzers.finish(&settings.analysis, out);
        }
        self.counted(before, out);
        more
    }

    /// Removes connections whose time is over.
    fn advance(&mut self, out: &mut RecordBuffer) {
        let before = out.len();
        let now = self.shared.clock;
        self.shared.now = now;
        out.at(NO_FRAME, now);
        self.table.expire(now, EXPIRY_BUDGET, &mut self.shared.call(Place::nowhere(), None, out));
        let Shared { analyzers, settings, .. } = &mut self.shared;
        analyzers.expire(now, &settings.analysis, out);
        self.counted(before, out);
    }

    pub(crate) fn counted(&mut self, before: usize, out: &RecordBuffer) {
        self.counters.records += (out.len() - before) as u64;
        self.update_flow_counters();
    }

    pub(crate) const fn update_flow_counters(&mut self) {
        self.counters.flows = *self.table.counters();
    }

    fn frame(&mut self, link: LinkType, frame: &Frame<'_>, lookup: Option<&Lookup>, out: &mut RecordBuffer) {
        self.shared.now = frame.time;
        self.shared.clock = self.shared.clock.max(frame.clock);
        self.table.set_clock(self.shared.clock);
        let before = out.len();
        out.at(frame.number, self.shared.now);
        self.counters.received += 1;
        self.counters.octets += u64::from(frame.wire_len);
        self.shared.weirds.clear();
        let decoded = packet::decode(link, frame, &self.shared.settings.decode, &mut self.shared.weirds);
        let origin = Origin::new(link, frame);
        let place = Place::outermost(&origin);
        let taken = match (&decoded, lookup) {
            (Decoded::Flow(packet), Some(_)) => Ok(self.packet(packet, lookup, place, out)),
            _ => self.decoded(decoded, place, out),
        };
        match taken {
            Ok(Taken::Analyzed) => self.counters.analyzed += 1,
            Ok(Taken::Shunted) => {
                self.counters.shunted += 1;
                self.counters.shunted_octets += u64::from(frame.wire_len);
            }
            Err(reason) => self.counters.drop(reason),
        }
        self.counters.records += (out.len() - before) as u64;
    }

    fn decoded(
        &mut self,
        decoded: Decoded<'_>,
        place: Place<'_>,
        out: &mut RecordBuffer,
    ) -> Result<Taken, Drop> {
        match decoded {
            Decoded::Flow(packet) => Ok(self.packet(&packet, None, place, out)),
            Decoded::Fragment(fragment) => {
                let Shared { now, weirds, .. } = &mut self.shared;
                let datagram =
                    self.fragments.add_of(place.origin.map_or(0, Origin::bucket), *now, &fragment, weirds);
                let Some(datagram) = datagram else {
                    self.unattributed_weirds(place, out);
                    return Ok(Taken::Analyzed);
                };
                let Shared { settings, weirds, .. } = &mut self.shared;
                let decoded = packet::decode_datagram(&datagram, &settings.decode, weirds);
                let result = self.decoded(decoded, place, out);
                self.fragments.recycle(datagram);
                result
            }
            Decoded::Aggregate(mut aggregate) => {
                let mut result = Err(Drop::NotIp);
                loop {
                    let Shared { settings, weirds, .. } = &mut self.shared;
                    let Some(decoded) = aggregate.next(&settings.decode, weirds) else { break };
                    result = self.decoded(decoded, place, out).or(result);
                }
                result
            }
            Decoded::Other(_) => {
                self.unattributed_weirds(place, out);
                Err(Drop::NotIp)
            }
            Decoded::Damaged(_) => {
                self.unattributed_weirds(place, out);
                Err(Drop::Damaged)
            }
        }
    }

    /// Writes oddities of what has no connection.
    fn unattributed_weirds(&mut self, place: Place<'_>, out: &mut RecordBuffer) {
        if !self.shared.weirds.is_empty() {
            self.shared.call(place, None, out).write_weirds();
        }
    }

    /// One IP packet: of the frame, or of a layer of tunnel in it.
    fn packet(
        &mut self,
        packet: &Packet<'_>,
        lookup: Option<&Lookup>,
        place: Place<'_>,
        out: &mut RecordBuffer,
    ) -> Taken {
        let (inner, path) = if packet.is_ip_tunnel() {
            (self.ip_tunnel(packet, place, out), Path::default())
        } else {
            let mut call = self.shared.call(place, Some(packet), out);
            match lookup {
                Some(lookup) => self.table.packet_at(lookup, call.now, packet, &mut call),
                None => self.table.packet(call.now, packet, &mut call),
            }
            call.write_weirds();
            (call.inner, call.path)
        };
        if let Some((inner, tunnel)) = inner {
            let Shared { settings, weirds, .. } = &mut self.shared;
            let decoded = inner.decode(&settings.decode, weirds);
            let place = Place { depth: place.depth + 1, parent: Some(tunnel), ..place };
            // What is inside counts with the frame that brought it.
            return self.decoded(decoded, place, out).unwrap_or(Taken::Analyzed);
        }
        if path.is_short() { Taken::Shunted } else { Taken::Analyzed }
    }

    /// A packet of IP-in-IP or GRE, which belongs to no connection.
    fn ip_tunnel<'f>(
        &mut self,
        packet: &Packet<'f>,
        place: Place<'_>,
        out: &mut RecordBuffer,
    ) -> Option<(Inner<'f>, Tunnel)> {
        let Shared { settings, ids, tunnels, weirds, now, .. } = &mut self.shared;
        let context = TunnelContext {
            depth: place.depth,
            max_depth: settings.tunnel_depth,
            inside: place.parent.map(|parent| parent.kind),
            responder_port: 0,
            from_originator: true,
        };
        let inner = tunnel::inner(packet, &context, &mut UdpTunnelState::default(), weirds);
        let found =
            inner.map(|inner| (inner, tunnels.of_packet(packet, inner.kind, place.origin, ids, *now, out)));
        self.counters.tunnels_lost = tunnels.forgotten();
        self.unattributed_weirds(place, out);
        found
    }
}
