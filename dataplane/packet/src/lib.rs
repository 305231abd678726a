//! Bytes to headers: link layers, VLAN, MPLS, tunnels, IP, fragments and transport.
//!
//! Sans-IO: borrows the frame, allocates nothing on the common path, knows no clock, no device and no flow.
//! May depend on `record` (addresses, time) only.
//!
//! * [`decode`] takes a frame to its outermost IP packet; [`tunnel::inner`] then says what that packet carries, one layer
//!   a call.
//! * [`fragment::Reassembler`] joins fragments, [`decode_datagram`] decodes what comes of them.
//! * [`addresses`] finds only the outermost addresses, for load balancing.
//!
//! Nothing here fails: what was odd is in a [`WeirdList`], under Zeek's names.

mod balance;
mod bytes;
mod carry;
mod checksum;
mod decode;
mod ends;
pub mod fragment;
mod header;
mod ip;
mod link;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod transport;
pub mod tunnel;
mod weird;

pub use balance::{Hosts, hosts};
pub use decode::{Aggregate, DecodeOptions, Decoded, OtherReason, decode, decode_datagram, decode_ip};
pub use ends::Ends;
pub use fragment::Fragment;
pub use header::{IpHeader, Layer2, Packet, TcpHeader, Transport, ip_proto, tcp_flags};
pub use link::{LinkType, MAX_HEADERS};
pub use weird::{Detail, Scope, Source, WEIRD_LIST_CAPACITY, Weird, WeirdList, WeirdReport};

use record::Time;

/// One captured frame, borrowed from the source's memory.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'f> {
    /// Capture time.
    pub time: Time,
    /// Latest time of this frame and all before it in the source: more than `time` where the source's times go back, as
    /// in captures that were put together.
    pub clock: Time,
    /// Number of the frame in its source, counted from 0; orders records of several workers.
    pub number: u64,
    /// Captured bytes.
    pub data: &'f [u8],
    /// Length on the wire; more than `data.len()` when the capture was cut short.
    pub wire_len: u32,
}
