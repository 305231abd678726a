//! The `conn` log.

use crate::{Endpoints, Interval, Proto, Set, Time, Uid};

log! {
    /// One record per TCP connection or UDP, ICMP or other IP flow, written when its state is removed.
    Conn<'a> {
        /// Time of the first packet.
        ts: Time,
        /// Unique id of the connection.
        uid: Uid,
        /// The two ends.
        id: Endpoints,
        /// Transport protocol.
        proto: Proto,
        /// Confirmed application protocols, comma-separated, in order of confirmation.
        service: Option<&'a [u8]>,
        /// From the first to the last packet that counts; unset for a flow of one packet.
        duration: Option<Interval>,
        /// Payload octets of the originator: from sequence numbers for TCP.
        orig_bytes: Option<u64>,
        /// Payload octets of the responder.
        resp_bytes: Option<u64>,
        /// State in one word: S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR or OTH.
        conn_state: Option<&'a str>,
        /// Whether the originator is in a local network.
        local_orig: Option<bool>,
        /// Whether the responder is in a local network.
        local_resp: Option<bool>,
        /// Octets in content gaps.
        missed_bytes: u64,
        /// What happened, a letter each: upper case by the originator, lower case by the responder.
        history: Option<&'a str>,
        /// Packets of the originator.
        orig_pkts: Option<u64>,
        /// Octets of the originator's IP packets, headers included.
        orig_ip_bytes: Option<u64>,
        /// Packets of the responder.
        resp_pkts: Option<u64>,
        /// Octets of the responder's IP packets, headers included.
        resp_ip_bytes: Option<u64>,
        /// Unique ids of the tunnels that carried it.
        tunnel_parents: Option<Set<'a, Uid>>,
        /// IP protocol number.
        ip_proto: Option<u8>,
        /// Community ID, version 1.
        community_id: Option<&'a str>,
        /// Outer VLAN id of the first packet.
        vlan: Option<u16>,
        /// Inner VLAN id of the first packet.
        inner_vlan: Option<u16>,
    }
}
