//! Bytes to headers: link layers, VLAN, MPLS, tunnels, IP, fragments and transport.
//!
//! Sans-IO: borrows the frame, allocates nothing on the common path, knows no clock, no device and no flow.
//! May depend on `record` (addresses, time) only.

mod header;

pub use header::{IpHeader, Layer2, Packet, TcpHeader, Transport, ip_proto, tcp_flags};

use record::Time;

/// One captured frame, borrowed from the source's memory.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'f> {
    /// Capture time.
    pub time: Time,
    /// Number of the frame in its source, counted from 0; orders records of several workers.
    pub number: u64,
    /// Captured bytes.
    pub data: &'f [u8],
    /// Length on the wire; more than `data.len()` when the capture was cut short.
    pub wire_len: u32,
}
