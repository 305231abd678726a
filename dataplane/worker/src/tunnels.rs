//! Tunnels that are known: which have been reported, and the ids of those that IP alone carries.

use hashbrown::HashMap;
use packet::Packet;
use packet::tunnel::TunnelKind;
use record::{Addr, Endpoints, Enum, IdSource, RecordBuffer, Time, Uid};

/// What carries a packet: a UDP connection, or an IP tunnel between two addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tunnel {
    pub(crate) uid: Uid,
    pub(crate) id: Endpoints,
    pub(crate) kind: TunnelKind,
}

/// Tunnels seen.
#[derive(Debug, Default)]
pub(crate) struct Tunnels {
    /// IP tunnels by their two addresses in ascending order.
    ip: HashMap<(Addr, Addr), Tunnel>,
    /// Reported, by id.
    reported: HashMap<Uid, Tunnel>,
    capacity: usize,
}

impl Tunnels {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// The tunnel that `packet` of IP-in-IP or GRE belongs to; `None` when it is new and there is no room.
    pub(crate) fn of_packet(
        &mut self,
        packet: &Packet<'_>,
        kind: TunnelKind,
        ids: &IdSource,
        now: Time,
        frame: u64,
    ) -> Option<Tunnel> {
        let (source, destination) = (packet.ip.source, packet.ip.destination);
        let key = (source.min(destination), source.max(destination));
        if let Some(tunnel) = self.ip.get(&key) {
            return Some(*tunnel);
        }
        if self.ip.len() >= self.capacity {
            return None;
        }
        let id = Endpoints { orig_h: source, orig_p: 0, resp_h: destination, resp_p: 0 };
        let tunnel = Tunnel { uid: ids.uid(now, &id, packet.ip.protocol, frame), id, kind };
        self.ip.insert(key, tunnel);
        Some(tunnel)
    }

    /// Reports a tunnel once, when something was found in it.
    pub(crate) fn discovered(&mut self, tunnel: &Tunnel, now: Time, out: &mut RecordBuffer) {
        if self.reported.contains_key(&tunnel.uid) || self.reported.len() >= self.capacity {
            return;
        }
        self.reported.insert(tunnel.uid, *tunnel);
        report(tunnel, "Tunnel::DISCOVER", now, out);
    }

    /// Reports that the tunnel's connection is over; `silent_for_long` when that is since nothing came.
    pub(crate) fn closed(&mut self, uid: Uid, silent_for_long: bool, now: Time, out: &mut RecordBuffer) {
        if let Some(tunnel) = self.reported.remove(&uid) {
            let action = if silent_for_long { "Tunnel::EXPIRE" } else { "Tunnel::CLOSE" };
            report(&tunnel, action, now, out);
        }
    }
}

fn report(tunnel: &Tunnel, action: &'static str, now: Time, out: &mut RecordBuffer) {
    out.emit(&record::Tunnel {
        ts: now,
        uid: Some(tunnel.uid),
        id: tunnel.id,
        tunnel_type: Enum(tunnel.kind.name()),
        action: Enum(action),
    });
}
