//! The typed result of decoding one layer of a frame.
//!
//! All lengths are octets; all port and identifier values are in host byte order.

use std::num::NonZeroU16;

use record::Addr;

use crate::checksum;
use crate::weird::{Detail, Scope, Source, Weird, WeirdList, WeirdReport};

/// IP protocol numbers that the sensor names (IANA "Assigned Internet Protocol Numbers").
pub mod ip_proto {
    /// IPv6 hop-by-hop options (RFC 8200, section 4.3).
    pub const HOP_BY_HOP: u8 = 0;
    /// ICMP for IPv4 (RFC 792).
    pub const ICMP: u8 = 1;
    /// IGMP (RFC 3376).
    pub const IGMP: u8 = 2;
    /// IPv4 encapsulation (RFC 2003).
    pub const IPV4: u8 = 4;
    /// TCP (RFC 9293).
    pub const TCP: u8 = 6;
    /// UDP (RFC 768).
    pub const UDP: u8 = 17;
    /// IPv6 encapsulation (RFC 2473, RFC 4213).
    pub const IPV6: u8 = 41;
    /// IPv6 routing header (RFC 8200, section 4.4).
    pub const ROUTING: u8 = 43;
    /// IPv6 fragment header (RFC 8200, section 4.5).
    pub const FRAGMENT: u8 = 44;
    /// GRE (RFC 2784).
    pub const GRE: u8 = 47;
    /// Encapsulating security payload (RFC 4303).
    pub const ESP: u8 = 50;
    /// Authentication header (RFC 4302).
    pub const AH: u8 = 51;
    /// ICMP for IPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
    /// IPv6 "no next header" (RFC 8200, section 4.7).
    pub const NO_NEXT: u8 = 59;
    /// IPv6 destination options (RFC 8200, section 4.6).
    pub const DESTINATION_OPTIONS: u8 = 60;
    /// SCTP (RFC 9260).
    pub const SCTP: u8 = 132;
    /// Mobile IPv6 (RFC 6275).
    pub const MOBILITY: u8 = 135;
}

/// Link-layer facts of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layer2 {
    /// Source MAC address, where the link has one.
    pub source: Option<[u8; 6]>,
    /// Destination MAC address, where the link has one.
    pub destination: Option<[u8; 6]>,
    /// Outermost VLAN identifier (12 bits).
    pub vlan: Option<u16>,
    /// Next VLAN identifier inside `vlan` (12 bits).
    pub inner_vlan: Option<u16>,
}

/// An IPv4 or IPv6 header, extension headers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpHeader {
    /// Source address.
    pub source: Addr,
    /// Destination address.
    pub destination: Addr,
    /// Protocol of the payload: for IPv6, after all extension headers.
    pub protocol: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Length of the whole IP packet as its header claims (the wire's truth, also for a capture cut short).
    ///
    /// Segmentation offload leaves the length field 0: then this is 0 for IPv4 and 40 for IPv6, as Zeek counts it, and
    /// only [`Packet::payload_len`] tells how much there is.
    pub total_len: u32,
    /// Length of the IP header with options or extension headers.
    pub header_len: u32,
}

/// TCP flag bits (RFC 9293, section 3.1).
pub mod tcp_flags {
    /// No more data from sender.
    pub const FIN: u8 = 0x01;
    /// Synchronize sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// Acknowledgment field is significant.
    pub const ACK: u8 = 0x10;
    /// Urgent pointer is significant.
    pub const URG: u8 = 0x20;
}

/// A TCP header (RFC 9293, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpHeader<'f> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number.
    pub acknowledgment: u32,
    /// Flag bits, see [`tcp_flags`].
    pub flags: u8,
    /// Window as on the wire, unscaled.
    pub window: u16,
    /// Header length with options.
    pub header_len: u8,
    /// Option bytes, not parsed.
    pub options: &'f [u8],
}

/// What the IP packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport<'f> {
    /// TCP.
    Tcp(TcpHeader<'f>),
    /// UDP (RFC 768). `length` is the header's own length field.
    Udp {
        /// Source port.
        source_port: u16,
        /// Destination port.
        destination_port: u16,
        /// Length field of the UDP header: header and payload.
        length: u16,
    },
    /// ICMP or ICMPv6; the protocol number tells which.
    Icmp {
        /// Message type.
        kind: u8,
        /// Message code.
        code: u8,
        /// Identifier, of messages that have one (echo, timestamp, ...), else 0.
        identifier: u16,
    },
    /// Any other protocol: the payload starts right after the IP header.
    Other,
}

/// One decoded IP packet: of the wire, or of one tunnel layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'f> {
    /// Link-layer facts of the frame that carried it.
    pub layer2: Layer2,
    /// The IP header.
    pub ip: IpHeader,
    /// The transport header.
    pub transport: Transport<'f>,
    /// Captured bytes after the transport header, without link-layer padding.
    pub payload: &'f [u8],
    /// Length of the payload on the wire, from the IP length: `payload` is shorter when the capture was cut. From what
    /// was captured, when the IP length is 0.
    pub payload_len: u32,
    /// The transport (or IPv4 header) checksum is wrong. Never set when verification is off or the packet was cut.
    pub bad_checksum: bool,
    /// The TCP header lies about its own length: the packet makes its connection known, but there is no more to it than
    /// its ports. `payload` is empty. Zeek does not count such packets.
    pub bad_header: bool,
    /// Where verification of the payload was [put off](crate::DecodeOptions::defer_payload): the folded sum of all that
    /// the checksum covers besides.
    pub unverified: Option<NonZeroU16>,
}

impl Packet<'_> {
    /// Verifies the checksum over the payload, if that was put off: whether it is wrong.
    #[inline]
    pub fn has_bad_payload(&self) -> bool {
        self.unverified.is_some_and(|rest| {
            checksum::fold(u64::from(rest.get()) + checksum::sum(self.payload)) != checksum::VALID
        })
    }

    /// Reports what [`Self::has_bad_payload`] found, as decoding would have done.
    pub fn report_bad_payload(&self, weirds: &mut WeirdList, in_tunnel: bool) {
        let (weird, source) = match self.transport {
            Transport::Tcp(_) => (Weird::BadTcpChecksum, Source::Tcp),
            _ => (Weird::BadUdpChecksum, Source::Udp),
        };
        let (scope, detail) = (Scope::Connection, Detail::None);
        weirds.push(WeirdReport { weird, source, scope, detail, in_tunnel });
    }

    /// Whether IP itself is the tunnel (IP in IP, 6in4, GRE): then this packet is no packet of a connection.
    #[inline]
    pub const fn is_ip_tunnel(&self) -> bool {
        matches!(self.ip.protocol, ip_proto::IPV4 | ip_proto::IPV6 | ip_proto::GRE)
    }
}
