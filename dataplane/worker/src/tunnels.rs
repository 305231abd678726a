//! Tunnels that are known: which have been reported, and the ids of those that IP alone carries.

use hashbrown::HashMap;
use packet::Packet;
use packet::tunnel::TunnelKind;
use record::{Addr, Endpoints, Enum, IdSource, RecordBuffer, Time, Uid};

use crate::worker::Origin;

/// What carries a packet: a UDP connection, or an IP tunnel between two addresses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tunnel {
    pub(crate) uid: Uid,
    pub(crate) id: Endpoints,
    pub(crate) kind: TunnelKind,
    /// The bucket of the indirection table whose frames carry it.
    pub(crate) bucket: u16,
}

/// A tunnel on its way to another worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DetachedTunnel {
    /// Its two addresses, if it is one of IP alone.
    ends: Option<(Addr, Addr)>,
    tunnel: Tunnel,
    reported: bool,
}

/// Tunnels seen.
///
/// IP tunnels have no end. When half of the room is taken by those seen since it was last so, the ones that were not
/// seen since are forgotten: packets with made-up addresses can crowd out idle tunnels, not those in use.
#[derive(Debug, Default)]
pub(crate) struct Tunnels {
    /// IP tunnels seen of late, by their two addresses in ascending order.
    young: HashMap<(Addr, Addr), Tunnel>,
    /// Those seen before.
    old: HashMap<(Addr, Addr), Tunnel>,
    /// Reported, by id.
    reported: HashMap<Uid, Tunnel>,
    capacity: usize,
    forgotten: u64,
}

impl Tunnels {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// IP tunnels forgotten for want of room.
    pub(crate) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The tunnel that `packet` of IP-in-IP or GRE belongs to, which came in the frame `origin`.
    pub(crate) fn of_packet(
        &mut self,
        packet: &Packet<'_>,
        kind: TunnelKind,
        origin: Option<&Origin<'_>>,
        ids: &IdSource,
        now: Time,
        out: &mut RecordBuffer,
    ) -> Tunnel {
        let (source, destination) = (packet.ip.source, packet.ip.destination);
        let key = (source.min(destination), source.max(destination));
        if let Some(tunnel) = self.young.get(&key) {
            return *tunnel;
        }
        let tunnel = self.old.remove(&key).unwrap_or_else(|| {
            let id = Endpoints { orig_h: source, orig_p: 0, resp_h: destination, resp_p: 0 };
            Tunnel {
                uid: ids.uid(now, &id, packet.ip.protocol, Origin::number(origin)),
                id,
                kind,
                bucket: origin.map_or(0, Origin::bucket),
            }
        });
        self.make_room(now, out);
        self.young.insert(key, tunnel);
        tunnel
    }

    fn make_room(&mut self, now: Time, out: &mut RecordBuffer) {
        if self.young.len() >= (self.capacity / 2).max(1) {
            let young = std::mem::take(&mut self.young);
            let unused = std::mem::replace(&mut self.old, young);
            self.forgotten = self.forgotten.saturating_add(unused.len() as u64);
            for tunnel in unused.values() {
                self.closed(tunnel.uid, true, now, out);
            }
        }
    }

    /// Takes out the IP tunnels of a bucket.
    pub(crate) fn extract(&mut self, bucket: u16) -> Vec<DetachedTunnel> {
        let Self { young, old, reported, .. } = self;
        let all = young.extract_if(|_, tunnel| tunnel.bucket == bucket);
        let all = all.chain(old.extract_if(|_, tunnel| tunnel.bucket == bucket));
        let detached = |(ends, tunnel): (_, Tunnel)| {
            let reported = reported.remove(&tunnel.uid).is_some();
            DetachedTunnel { ends: Some(ends), tunnel, reported }
        };
        all.map(detached).collect()
    }

    /// Takes out what is known of the tunnel in a connection, if it was reported.
    pub(crate) fn extract_connection(&mut self, uid: Uid) -> Option<DetachedTunnel> {
        let tunnel = self.reported.remove(&uid)?;
        Some(DetachedTunnel { ends: None, tunnel, reported: true })
    }

    /// Takes in a tunnel that was known to another worker.
    pub(crate) fn insert(&mut self, detached: DetachedTunnel, now: Time, out: &mut RecordBuffer) {
        let DetachedTunnel { ends, tunnel, reported } = detached;
        if let Some(ends) = ends
            && !self.young.contains_key(&ends)
        {
            self.make_room(now, out);
            self.young.insert(ends, tunnel);
        }
        if reported && self.reported.len() < self.capacity {
            self.reported.insert(tunnel.uid, tunnel);
        }
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

#[cfg(test)]
mod tests {
    use packet::{Frame, IpHeader, Layer2, LinkType, Transport, ip_proto};
    use record::{Format, LogSet};

    use super::*;

    fn gre(source: u32) -> Packet<'static> {
        Packet {
            layer2: Layer2::default(),
            ip: IpHeader {
                source: Addr::v4(source.to_be_bytes()),
                destination: Addr::v4([192, 0, 2, 1]),
                protocol: ip_proto::GRE,
                ttl: 64,
                total_len: 24,
                header_len: 20,
            },
            transport: Transport::Other,
            payload: &[],
            payload_len: 4,
            bad_checksum: false,
            bad_header: false,
            unverified: None,
        }
    }

    #[test]
    fn made_up_tunnels_crowd_out_idle_ones_not_those_in_use() {
        let ids = IdSource::seeded(1);
        let mut out = RecordBuffer::new(Format::Json, LogSet::ALL);
        let mut tunnels = Tunnels::new(100);
        let mut see = |source, frame, out: &mut RecordBuffer| {
            let frame = Frame { time: Time(0), clock: Time(0), number: frame, data: &[], wire_len: 0 };
            let origin = Origin::new(LinkType::Ethernet, &frame);
            let tunnel = tunnels.of_packet(&gre(source), TunnelKind::Gre, Some(&origin), &ids, Time(0), out);
            tunnels.discovered(&tunnel, Time(0), out);
            assert!(tunnels.young.len() + tunnels.old.len() <= 100 && tunnels.reported.len() <= 100);
            (tunnel.uid, tunnels.forgotten())
        };
        let (busy, _) = see(1, 1, &mut out);
        let (idle, _) = see(2, 2, &mut out);
        for number in 0..1000 {
            see(10 + number, 3, &mut out);
            assert_eq!(see(1, 4, &mut out).0, busy);
        }
        let (again, forgotten) = see(2, 5, &mut out);
        assert_ne!(again, idle);
        assert!(forgotten > 800, "{forgotten}");
        let expired = out.iter().filter(|(_, line)| line.windows(14).any(|text| text == b"Tunnel::EXPIRE"));
        assert_eq!(expired.count() as u64, forgotten);
    }
}
