//! What the table tells its user.

use packet::Packet;

use crate::{Connection, Direction, FlowInfo};

/// The user of a table. Every call is about one connection: what is known of it, and the state that the user keeps
/// beside it.
///
/// Calls of one connection come in this order: `new_connection`, then for each packet `packet`, then what the packet
/// means (`weird`, `gap`, `data`, `skipped`, `datagram`, `end_of_stream`, `reset`), at last `removed`. A packet whose checksum
/// is wrong causes nothing but `weird`. [`FlowInfo::flip`] may be called in any of them.
pub trait Hooks {
    /// What the user keeps of each connection. Keep it small, or box it: it is part of the table's entry.
    type State;

    /// A connection begins with `packet`; `flow` has the roles of its ends. Set [`FlowInfo::uid`] here.
    fn new_connection(&mut self, flow: &mut FlowInfo, packet: &Packet<'_>) -> Self::State;

    /// The bucket of the indirection table whose frames carry the connection, for
    /// [`FlowTable::extract`](crate::FlowTable::extract). Asked when it enters a table.
    fn bucket(state: &Self::State) -> u16 {
        let _ = state;
        0
    }

    /// A packet of the connection, before it is looked at any further.
    fn packet(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut Self::State,
        direction: Direction,
        packet: &Packet<'_>,
    ) {
        let _ = (flow, state, direction, packet);
    }

    /// The packet's checksum turned out to be wrong when its payload was to be read, see
    /// [`Packet::has_bad_payload`].
    fn bad_payload(&mut self, packet: &Packet<'_>) {
        let _ = packet;
    }

    /// The next octets of a TCP stream, in order, each octet once.
    fn data(&mut self, flow: &mut FlowInfo, state: &mut Self::State, direction: Direction, payload: &[u8]);

    /// The next `length` octets of a TCP stream, which were not wanted.
    fn skipped(&mut self, flow: &mut FlowInfo, state: &mut Self::State, direction: Direction, length: u64) {
        let _ = (flow, state, direction, length);
    }

    /// `length` octets of a TCP stream were never seen and will not come.
    fn gap(&mut self, flow: &mut FlowInfo, state: &mut Self::State, direction: Direction, length: u64);

    /// All data of a direction of a TCP connection has been delivered, and it has sent a FIN or RST. At most once a
    /// direction.
    fn end_of_stream(&mut self, flow: &mut FlowInfo, state: &mut Self::State, direction: Direction) {
        let _ = (flow, state, direction);
    }

    /// A TCP packet with RST.
    fn reset(&mut self, flow: &mut FlowInfo, state: &mut Self::State, direction: Direction) {
        let _ = (flow, state, direction);
    }

    /// A packet of UDP, ICMP or another protocol without streams; its payload is in `packet`.
    fn datagram(
        &mut self,
        flow: &mut FlowInfo,
        state: &mut Self::State,
        direction: Direction,
        packet: &Packet<'_>,
    );

    /// Something odd, with Zeek's name for it, more detail where there is some (else empty), and the name of the
    /// analyzer where Zeek gives one (else empty).
    fn weird(&mut self, flow: &FlowInfo, name: &'static str, detail: &str, source: &'static str);

    /// The connection is over and forgotten after this call.
    fn removed(&mut self, flow: &mut FlowInfo, state: &mut Self::State, connection: &Connection);
}
