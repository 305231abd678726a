//! What happens with connections: their analyzers are fed, their records written.

use std::fmt::Write;

use flow::{Connection, Direction, FlowInfo, Hooks, Skipping};
use packet::tunnel::{self, Inner, TunnelContext, UdpTunnelState};
use packet::{Packet, Transport, WeirdList};
use protocol::{Session, Surroundings};
use record::{Conn, IdSource, Interval, Limit, Proto, RecordBuffer, Set, Time, Uid, Weird, community_id};

use crate::Settings;
use crate::offload::{Offload, Requests};
use crate::tunnels::{Tunnel, Tunnels};
use crate::worker::Origin;

/// A tunnel whose connection was silent for longer has expired rather than closed (Zeek: `Tunnel::expiration_interval`).
const TUNNEL_EXPIRY: Interval = Interval::from_secs(3600);

/// What a worker keeps of each connection beside the table's own.
#[derive(Debug, Default)]
pub(crate) struct State {
    session: Session,
    tunnel: UdpTunnelState,
    pub(crate) carries_tunnel: bool,
    /// Of originator and responder.
    pub(crate) offload: [Offload; 2],
    /// The bucket of the indirection table whose frames carry it.
    bucket: u16,
}

/// Memory for the texts of one record, used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    service: Vec<u8>,
    text: String,
}

/// What became of the payload of a packet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Path {
    /// There was some that nobody wanted.
    unwanted: bool,
    /// Some was looked at.
    looked: bool,
}

impl Path {
    /// Whether the packet has cost no more than its headers.
    pub(crate) const fn is_short(self) -> bool {
        self.unwanted && !self.looked
    }
}

/// A call of the table, with everything that its hooks need.
pub(crate) struct Call<'w, 'f> {
    pub(crate) settings: &'w Settings,
    pub(crate) ids: &'w IdSource,
    pub(crate) tunnels: &'w mut Tunnels,
    pub(crate) weirds: &'w mut WeirdList,
    pub(crate) scratch: &'w mut Scratch,
    pub(crate) analyzers: &'w mut protocol::Shared,
    pub(crate) out: &'w mut RecordBuffer,
    /// Time of the frame.
    pub(crate) now: Time,
    /// Time of the source, which never goes back: the time of what analyzers tell, as in Zeek.
    pub(crate) clock: Time,
    /// The frame that brought the packet, if one did.
    pub(crate) origin: Option<&'w Origin<'w>>,
    /// What is asked of ports.
    pub(crate) requests: &'w mut Requests,
    /// Layers of tunnel around the packet.
    pub(crate) depth: u8,
    /// The innermost tunnel around the packet.
    pub(crate) parent: Option<Tunnel>,
    /// The connection of the packet, once it is known.
    pub(crate) current: Option<(Uid, record::Endpoints)>,
    /// What the packet turned out to carry.
    pub(crate) inner: Option<(Inner<'f>, Tunnel)>,
    /// What became of the packet's payload.
    pub(crate) path: Path,
    /// The packet, for what borrows from the frame.
    pub(crate) packet: Option<&'w Packet<'f>>,
}

impl Call<'_, '_> {
    /// The bucket of the frame. Worked out where something begins only, not for every packet.
    fn bucket(&self) -> u16 {
        self.origin.map_or(0, Origin::bucket)
    }

    fn surroundings(&mut self, bucket: u16) -> Surroundings<'_> {
        Surroundings {
            bucket,
            now: self.clock,
            settings: &self.settings.analysis,
            ids: self.ids,
            out: self.out,
            shared: self.analyzers,
        }
    }

    /// Looks whether a UDP packet carries a tunnel.
    fn look_inside(&mut self, flow: &FlowInfo, state: &mut State, direction: Direction) {
        let Some(packet) = self.packet else { return };
        let context = TunnelContext {
            depth: self.depth,
            max_depth: self.settings.tunnel_depth,
            inside: self.parent.map(|parent| parent.kind),
            responder_port: flow.id.resp_p,
            from_originator: direction == Direction::Originator,
        };
        let Some(inner) = tunnel::inner(packet, &context, &mut state.tunnel, self.weirds) else { return };
        if inner.confirmed
            && let Some(service) = inner.kind.service()
        {
            state.session.confirm(flow, service);
        }
        state.carries_tunnel = true;
        self.inner =
            Some((inner, Tunnel { uid: flow.uid, id: flow.id, kind: inner.kind, bucket: state.bucket }));
    }
}

impl Call<'_, '_> {
    /// Takes the short path from here on, as far as nobody wants what comes.
    fn shunt(&self, flow: &mut FlowInfo, state: &mut State, direction: Direction) {
        let shunting = &self.settings.shunting;
        if !shunting.enabled {
            return;
        }
        let limit = if flow.proto == Proto::Tcp { shunting.tcp } else { shunting.udp };
        if !state.session.wants_payload() {
            flow.skip_all_payload();
            state.session.forget_if_over();
        } else if is_beyond(flow, limit) {
            flow.skip_all_payload();
        } else if flow.proto == Proto::Tcp {
            let octets = state.session.skippable(self.clock, direction);
            if octets > 0 || flow.skipping(direction) == Skipping::Octets {
                flow.skip_octets(direction, octets);
            }
        }
    }
}

/// Whether the IP packets of both directions together, before this one, have more octets than `limit`.
fn is_beyond(flow: &FlowInfo, limit: u64) -> bool {
    let octets = |direction| flow.ip_bytes(direction);
    limit < u64::MAX && octets(Direction::Originator).saturating_add(octets(Direction::Responder)) > limit
}

/// Whether the packet has payload that may be shunted.
const fn has_payload(packet: &Packet<'_>) -> bool {
    let has_analyzers = matches!(packet.transport, Transport::Tcp(_) | Transport::Udp { .. });
    has_analyzers && packet.payload_len > 0 && !packet.bad_checksum && !packet.bad_header
}

impl Hooks for Call<'_, '_> {
    type State = State;

    fn new_connection(&mut self, flow: &mut FlowInfo, packet: &Packet<'_>) -> State {
        let bucket = self.bucket();
        flow.uid = self.ids.uid(self.now, &flow.id, packet.ip.protocol, Origin::number(self.origin));
        State { session: Session::new(flow, &self.surroundings(bucket)), bucket, ..State::default() }
    }

    fn bucket(state: &State) -> u16 {
        state.bucket
    }

    fn packet(&mut self, flow: &mut FlowInfo, state: &mut State, direction: Direction, packet: &Packet<'_>) {
        self.current = Some((flow.uid, flow.id));
        match flow.skipping(direction) {
            Skipping::Nothing => {}
            Skipping::Octets => self.shunt(flow, state, direction),
            Skipping::All => {
                self.path.unwanted = has_payload(packet);
                if self.settings.shunting.offload < u64::MAX {
                    self.look_for_elephant(flow, state, direction, packet);
                }
            }
        }
        if let Some(parent) = &self.parent {
            self.tunnels.discovered(parent, self.clock, self.out);
            flow.add_tunnel_parent(parent.uid);
        }
    }

    fn bad_payload(&mut self, packet: &Packet<'_>) {
        self.path.unwanted = false;
        packet.report_bad_payload(self.weirds, self.depth > 0);
    }

    fn data(&mut self, flow: &mut FlowInfo, state: &mut State, direction: Direction, payload: &[u8]) {
        self.path.looked |=
            state.session.data(flow, &mut self.surroundings(state.bucket), direction, payload);
        self.shunt(flow, state, direction);
    }

    fn skipped(&mut self, flow: &mut FlowInfo, state: &mut State, direction: Direction, length: u64) {
        self.path.unwanted = true;
        if flow.wants_payload(direction) {
            state.session.skipped(flow, &mut self.surroundings(state.bucket), direction, length);
            self.shunt(flow, state, direction);
        }
    }

    fn gap(&mut self, flow: &mut FlowInfo, state: &mut State, direction: Direction, length: u64) {
        state.session.gap(flow, &mut self.surroundings(state.bucket), direction, length);
    }

    fn end_of_stream(&mut self, flow: &mut FlowInfo, state: &mut State, direction: Direction) {
        state.session.end_of_stream(flow, &mut self.surroundings(state.bucket), direction);
    }

    fn datagram(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut State,
        direction: Direction,
        packet: &Packet<'_>,
    ) {
        if !matches!(packet.transport, Transport::Udp { .. }) {
            return;
        }
        self.look_inside(flow, state, direction);
        if self.inner.is_none() && flow.wants_payload(direction) {
            let looked =
                state.session.data(flow, &mut self.surroundings(state.bucket), direction, packet.payload);
            self.path.looked = looked;
            self.path.unwanted = !looked && has_payload(packet) && self.settings.shunting.enabled;
            self.shunt(flow, state, direction);
        }
    }

    fn weird(&mut self, flow: &FlowInfo, name: &'static str, detail: &str, source: &'static str) {
        self.out.emit(&Weird {
            ts: self.clock,
            uid: Some(flow.uid),
            id: Some(flow.id),
            name,
            addl: (!detail.is_empty()).then_some(detail.as_bytes()),
            notice: false,
            peer: &self.settings.analysis.peer,
            source: (!source.is_empty()).then_some(source),
            limit: Limit::of_weird(name, Some(&flow.id)),
        });
    }

    fn removed(&mut self, flow: &mut FlowInfo, state: &mut State, connection: &Connection) {
        for direction in [Direction::Originator, Direction::Responder] {
            self.end_offload(flow, state, direction);
        }
        state.session.end(flow, &mut self.surroundings(state.bucket));
        if state.carries_tunnel {
            let expired = self.now.since(flow.last()) > TUNNEL_EXPIRY;
            self.tunnels.closed(flow.uid, expired, self.now, self.out);
        }
        self.write_conn(flow, state, connection);
    }
}

impl Call<'_, '_> {
    fn write_conn(&mut self, flow: &FlowInfo, state: &State, connection: &Connection) {
        let scratch = &mut *self.scratch;
        scratch.service.clear();
        state.session.services().write(&mut scratch.service);
        let community_id = community_id(0, &flow.id, flow.ip_proto, flow.is_one_way);
        let history = flow.history().as_str();
        let analysis = &self.settings.analysis;
        self.out.emit(&Conn {
            ts: flow.start,
            uid: flow.uid,
            id: flow.id,
            proto: flow.proto,
            service: (!scratch.service.is_empty()).then_some(scratch.service.as_slice()),
            duration: connection.duration,
            orig_bytes: connection.duration.map(|_| connection.orig_bytes),
            resp_bytes: connection.duration.map(|_| connection.resp_bytes),
            conn_state: Some(connection.state.name()),
            local_orig: Some(analysis.is_local(flow.id.orig_h)),
            local_resp: Some(analysis.is_local(flow.id.resp_h)),
            missed_bytes: connection.missed_bytes,
            history: (!history.is_empty()).then_some(history),
            orig_pkts: Some(connection.orig_pkts),
            orig_ip_bytes: Some(connection.orig_ip_bytes),
            resp_pkts: Some(connection.resp_pkts),
            resp_ip_bytes: Some(connection.resp_ip_bytes),
            tunnel_parents: Some(flow.tunnel_parents()).filter(|uids| !uids.is_empty()).map(Set),
            ip_proto: Some(flow.ip_proto),
            community_id: Some(&community_id),
            vlan: flow.vlan(),
            inner_vlan: flow.inner_vlan(),
        });
    }

    /// Writes what decoding a layer reported, now that its connection is known, if it has one.
    pub(crate) fn write_weirds(&mut self) {
        if self.weirds.is_empty() {
            return;
        }
        let weirds = std::mem::take(self.weirds);
        for report in weirds.iter() {
            let scratch = &mut *self.scratch;
            scratch.text.clear();
            // Writing to a string cannot fail.
            let _ = write!(scratch.text, "{}", report.weird.name());
            if report.in_tunnel {
                scratch.text.push_str("_in_tunnel");
            }
            let name_len = scratch.text.len();
            let _ = write!(scratch.text, "{}", report.detail);
            let (name, detail) = scratch.text.split_at(name_len);
            let (uid, id) = match report.scope {
                packet::Scope::Frame => (None, None),
                packet::Scope::Addresses(orig_h, resp_h) => {
                    (None, Some(record::Endpoints { orig_h, orig_p: 0, resp_h, resp_p: 0 }))
                }
                packet::Scope::Connection => match self.current {
                    Some((uid, id)) => (Some(uid), Some(id)),
                    None => (None, None),
                },
            };
            self.out.emit(&Weird {
                ts: self.clock,
                uid,
                id,
                name,
                addl: (!detail.is_empty()).then_some(detail.as_bytes()),
                notice: false,
                peer: &self.settings.analysis.peer,
                source: report.source.name(),
                limit: Limit::of_weird(name, id.as_ref()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_beside_a_connection_is_small() {
        assert!(size_of::<State>() <= 16, "{}", size_of::<State>());
    }
}
