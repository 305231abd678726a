//! Elephants that a port could drop by itself: which they are, and what became of them.
//!
//! The worker only asks, and is told: rules in ports are made elsewhere, since that may take long. What was asked for and
//! what is told carry the connection's id, so that a connection that has gone meanwhile is not taken for another.
//!
//! A direction is asked for when nobody wants payload of the connection any more and it has sent enough. Counts have to
//! stay exact, though a port counts octets on the wire, where short frames are padded to [`SHORTEST`]: TCP is asked for
//! only where even an empty segment is no shorter (IPv6, or with time stamps), UDP only where datagrams are large. Of TCP
//! only one direction is dropped: the other's acknowledgments tell how far it is.

use flow::{Direction, FlowInfo, Offloaded};
use packet::{Packet, Transport, tcp_flags};
use record::{Endpoints, Proto, Uid};

use crate::connections::{Call, State};
use crate::worker::Worker;

/// Octets of the shortest Ethernet frame, without its check sequence.
const SHORTEST: u32 = 60;
/// Octets of an Ethernet header, and of a VLAN tag.
const ETHERNET: u32 = 14;
const VLAN_TAG: u32 = 4;
/// Mean length of the IP packets of a direction that carries data, rather than acknowledgments or short messages.
const LARGE_PACKET: u64 = 256;
/// Requests that wait to be taken. An elephant asks again with its next packet.
const MAX_REQUESTS: usize = 256;

/// What is done with a direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Offload {
    /// Its packets come.
    #[default]
    Software,
    /// A port was asked to drop it.
    Asked,
    /// That is over, and not to be asked for again.
    Over,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffloadAction {
    /// Drop and count packets of that direction.
    Begin,
    /// Do so no longer.
    End,
}

/// A wish of a worker: see [`Worker::take_offload_requests`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffloadRequest {
    /// What is to be done.
    pub action: OffloadAction,
    /// The connection.
    pub uid: Uid,
    /// Its ends, the sender of what is to be dropped first.
    pub ends: Endpoints,
    /// TCP or UDP.
    pub proto: Proto,
    /// VLAN tags of its packets.
    pub vlan_tags: u8,
    /// Octets of each frame that are not of the IP packet.
    pub overhead: u32,
    /// Octets of each IP packet that are not payload.
    pub headers: u32,
}

/// What became of a wish: see [`Worker::offloaded`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffloadReport {
    /// More was counted.
    Counted(Offloaded),
    /// The last that was counted: packets of that direction come again.
    Ended(Offloaded),
    /// No port drops it. Nothing was counted.
    Refused(Offloaded),
}

/// Wishes that wait.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    waiting: Vec<OffloadRequest>,
}

impl Requests {
    fn push(&mut self, request: OffloadRequest) -> bool {
        let has_room = self.waiting.len() < MAX_REQUESTS;
        if has_room {
            self.waiting.push(request);
        }
        has_room
    }
}

impl Worker {
    /// Calls `take` with each wish; those that it refuses stay.
    pub fn take_offload_requests(&mut self, mut take: impl FnMut(OffloadRequest) -> bool) {
        self.shared.requests.waiting.retain(|request| !take(*request));
    }

    /// Takes note of what became of a wish. Returns false when the connection is gone.
    pub fn offloaded(&mut self, report: &OffloadReport) -> bool {
        let (OffloadReport::Counted(counted)
        | OffloadReport::Ended(counted)
        | OffloadReport::Refused(counted)) = report;
        let Some((flow, state)) = self.table.count_offloaded(counted) else { return false };
        let is_originator = (flow.id.orig_h, flow.id.orig_p) == (counted.ends.orig_h, counted.ends.orig_p);
        let direction = if is_originator { Direction::Originator } else { Direction::Responder };
        let Some(offload) = state.offload.get_mut(direction.index()) else { return true };
        match report {
            OffloadReport::Counted(_) => {}
            OffloadReport::Ended(_) if *offload == Offload::Asked => *offload = Offload::Software,
            OffloadReport::Ended(_) => {}
            OffloadReport::Refused(_) => {
                *offload = Offload::Over;
                flow.skip_payload(direction);
            }
        }
        true
    }
}

impl Call<'_, '_> {
    /// Asks for an elephant to be dropped by the port, or no longer to be.
    pub(crate) fn look_for_elephant(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut State,
        direction: Direction,
        packet: &Packet<'_>,
    ) {
        if let Transport::Tcp(header) = packet.transport
            && header.flags & (tcp_flags::FIN | tcp_flags::RST) != 0
        {
            self.end_offload(flow, state, direction);
            if header.flags & tcp_flags::RST != 0 {
                self.end_offload(flow, state, direction.opposite());
            }
            return;
        }
        let is_large = flow.ip_bytes(direction) >= self.settings.shunting.offload;
        let is_new = state.offload.get(direction.index()) == Some(&Offload::Software);
        if !is_large
            || !is_new
            || flow.wants_payload(direction.opposite())
            || state.carries_tunnel
            || (flow.proto == Proto::Tcp && state.offload.contains(&Offload::Asked))
            || self.parent.is_some()
        {
            return;
        }
        let Some(request) = self.request(flow, direction, packet) else { return };
        if self.requests.push(request) {
            // From now on packets may be missing.
            flow.offload(direction);
            set(state, direction, Offload::Asked);
        }
    }

    /// Asks for a direction to come again, if a port drops it.
    pub(crate) fn end_offload(&mut self, flow: &FlowInfo, state: &mut State, direction: Direction) {
        if state.offload.get(direction.index()) != Some(&Offload::Asked) {
            return;
        }
        let request = OffloadRequest {
            action: OffloadAction::End,
            uid: flow.uid,
            ends: ends(flow, direction),
            proto: flow.proto,
            vlan_tags: 0,
            overhead: 0,
            headers: 0,
        };
        if self.requests.push(request) {
            set(state, direction, Offload::Over);
        }
    }

    /// The wish to have a direction dropped, unless its counts would not be exact.
    fn request(&self, flow: &FlowInfo, direction: Direction, packet: &Packet<'_>) -> Option<OffloadRequest> {
        let overhead = self.origin?.wire_len().checked_sub(packet.ip.total_len)?;
        let vlan_tags = match overhead.checked_sub(ETHERNET)? {
            0 => 0,
            VLAN_TAG => 1,
            rest if rest == 2 * VLAN_TAG => 2,
            _ => return None,
        };
        let headers = packet.ip.total_len.checked_sub(packet.payload_len)?;
        let mean = flow.ip_bytes(direction) / flow.packets(direction).max(1);
        if mean < LARGE_PACKET {
            return None;
        }
        let is_exact = match packet.transport {
            // Without acknowledgments nobody could tell how often the sequence numbers wrap.
            Transport::Tcp(_) => {
                overhead.saturating_add(headers) >= SHORTEST && flow.packets(direction.opposite()) > 0
            }
            Transport::Udp { .. } => true,
            Transport::Icmp { .. } | Transport::Other => false,
        };
        is_exact.then(|| OffloadRequest {
            action: OffloadAction::Begin,
            uid: flow.uid,
            ends: ends(flow, direction),
            proto: flow.proto,
            vlan_tags,
            overhead,
            headers,
        })
    }
}

fn set(state: &mut State, direction: Direction, offload: Offload) {
    if let Some(place) = state.offload.get_mut(direction.index()) {
        *place = offload;
    }
}

/// The ends of the connection, the sender first.
fn ends(flow: &FlowInfo, direction: Direction) -> Endpoints {
    let Endpoints { orig_h, orig_p, resp_h, resp_p } = flow.id;
    match direction {
        Direction::Originator => flow.id,
        Direction::Responder => Endpoints { orig_h: resp_h, orig_p: resp_p, resp_h: orig_h, resp_p: orig_p },
    }
}
