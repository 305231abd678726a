//! Packets that the table never sees: those of one direction of a connection that a port counts and drops by itself.

use record::{Endpoints, Proto, Time, Uid};

use super::{FlowTable, TransportState};
use crate::info::{FlowInfo, Side};
use crate::key::Tuple;

/// What a port counted of one direction of a connection since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offloaded {
    /// The connection.
    pub uid: Uid,
    /// Its ends, the sender first.
    pub ends: Endpoints,
    /// TCP or UDP.
    pub proto: Proto,
    /// When it was asked: the connection lived until then, if anything was counted.
    pub time: Time,
    /// Packets.
    pub packets: u64,
    /// Octets of these IP packets.
    pub ip_octets: u64,
    /// Octets of their payload. Only of datagrams does it count: TCP tells by its sequence numbers.
    pub payload: u64,
}

impl<S> FlowTable<S> {
    /// Adds what a port counted to its connection, if that is still there.
    pub fn count_offloaded(&mut self, counted: &Offloaded) -> Option<(&mut FlowInfo, &mut S)> {
        let ip_proto = match counted.proto {
            Proto::Tcp => packet::ip_proto::TCP,
            Proto::Udp => packet::ip_proto::UDP,
            Proto::Icmp | Proto::Unknown => return None,
        };
        let tuple = Tuple { ends: counted.ends, proto: counted.proto, ip_proto, one_way: false };
        let lookup = self.look_up(&tuple);
        let slot = self.find(&lookup)?;
        let entry = self.entries.get_mut(slot).filter(|entry| entry.flow.uid == counted.uid)?;
        if counted.packets > 0 {
            let side = if lookup.from_low { Side::Low } else { Side::High };
            entry.flow.count_offloaded(side, counted);
            if let TransportState::Datagram(own) = &mut entry.transport {
                own.count_payload(side, i64::try_from(counted.payload).unwrap_or(i64::MAX));
            }
        }
        Some((&mut entry.flow, &mut entry.state))
    }
}
