//! Transport headers: TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792) and ICMPv6 (RFC 4443).

use std::num::NonZeroU16;

use record::Addr;

use crate::bytes::from;
use crate::carry::{Ip, Link};
use crate::decode::{Context, OtherReason};
use crate::header::ip_proto;
use crate::weird::{Detail, Scope, Source, Weird, WeirdList};
use crate::{Decoded, IpHeader, Layer2, Packet, TcpHeader, Transport, checksum, ip};

const TCP_HEADER: usize = 20;
const UDP_HEADER: usize = 8;
const ICMP_HEADER: usize = 8;
/// VXLAN may leave the UDP checksum 0 on IPv6 too (RFC 7348, section 5).
const VXLAN_PORT: u16 = 4789;
/// Below this a UDP payload is too short for a VXLAN and an Ethernet header.
const MIN_VXLAN: usize = UDP_HEADER + 8 + 14;

/// Decodes what follows the IP header: `data` is the captured part of the IP payload, without link-layer padding, and
/// `wire_len` the length of that payload on the wire.
///
/// All of the common path is inlined and takes its arguments by value: so the packet is put together in registers, and
/// written once.
#[inline(always)]
pub(crate) fn decode<'f>(
    ip: Ip,
    data: &'f [u8],
    wire_len: u32,
    link: Link<'_>,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let segment = Segment { data, wire_len, link, ip };
    match ip.protocol {
        ip_proto::TCP => segment.tcp(context, weirds),
        ip_proto::UDP => segment.udp(context, weirds),
        _ => other(segment.ip.header(), data, wire_len, segment.link.layer2(), context, weirds),
    }
}

/// What is known of a checksum.
#[derive(Clone, Copy, Default)]
struct Checksum {
    is_bad: bool,
    /// The sum of all but the payload, when that is to be verified later.
    unverified: Option<NonZeroU16>,
}

/// The payload of an IP packet.
#[derive(Clone, Copy)]
struct Segment<'l, 'f> {
    data: &'f [u8],
    /// Length on the wire, from the IP length.
    wire_len: u32,
    link: Link<'l>,
    ip: Ip,
}

impl<'f> Segment<'_, 'f> {
    #[inline(always)]
    fn packet(self, transport: Transport<'f>, header_len: usize, checksum: Checksum) -> Decoded<'f> {
        Decoded::Flow(Packet {
            layer2: self.link.layer2(),
            ip: self.ip.header(),
            transport,
            payload: from(self.data, header_len),
            payload_len: self.wire_len.saturating_sub(header_len as u32),
            bad_checksum: checksum.is_bad,
            bad_header: false,
            unverified: checksum.unverified,
        })
    }

    /// Whether the checksum is to be verified, and wrong.
    #[inline(always)]
    fn is_corrupt(self, context: Context) -> bool {
        context.verify_checksums
            && self.data.len() as u32 == self.wire_len
            && !checksum::is_valid_upper(self.ip, self.ip.protocol, self.data)
    }

    /// Verifies the checksum, of a header and what follows it, as far as that is to be done now.
    #[inline(always)]
    fn verify(self, context: Context, header_len: usize) -> Checksum {
        if !context.defer_payload {
            return Checksum { is_bad: self.is_corrupt(context), unverified: None };
        }
        let verifies = context.verify_checksums && self.data.len() as u32 == self.wire_len;
        let rest = || checksum::sum_upper(self.ip, self.ip.protocol, self.data, header_len);
        Checksum { is_bad: false, unverified: if verifies { rest() } else { None } }
    }

    #[inline(always)]
    fn tcp(self, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
        let Some(fixed) = self.data.first_chunk::<TCP_HEADER>() else {
            return truncated(self.ip.ends(), self.wire_len, TCP_HEADER, Source::Tcp, context, weirds);
        };
        let header_len = usize::from(fixed[12] >> 4) * 4;
        let Some(options) = self.data.get(TCP_HEADER..header_len) else {
            let (ip, layer2) = (self.ip.header(), self.link.layer2());
            return bad_tcp_header(ip, self.data, self.wire_len, layer2, context, weirds);
        };
        let checksum = self.verify(context, header_len);
        if checksum.is_bad {
            context.report(weirds, Weird::BadTcpChecksum, Source::Tcp, Scope::Connection);
        }
        self.packet(Transport::Tcp(tcp_header(fixed, options)), header_len, checksum)
    }

    #[inline(always)]
    fn udp(self, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
        let Some(fixed) = self.data.first_chunk::<UDP_HEADER>() else {
            return truncated(self.ip.ends(), self.wire_len, UDP_HEADER, Source::Udp, context, weirds);
        };
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *fixed;
        let length = u16::from_be_bytes([l0, l1]);
        let destination_port = u16::from_be_bytes([d0, d1]);
        let transport =
            Transport::Udp { source_port: u16::from_be_bytes([s0, s1]), destination_port, length };
        let no_checksum = c0 == 0 && c1 == 0 && (self.ip.is_v4() || self.may_be_vxlan(destination_port));
        let checksum = if no_checksum { Checksum::default() } else { self.verify(context, UDP_HEADER) };
        if checksum.is_bad {
            context.report(weirds, Weird::BadUdpChecksum, Source::Udp, Scope::Connection);
        } else if u32::from(length) != self.wire_len {
            let detail = Detail::Lengths(u32::from(length), self.wire_len);
            let weird = Weird::UdpLengthMismatch;
            context.report_with(weirds, weird, Source::Udp, Scope::Connection, detail);
        }
        self.packet(transport, UDP_HEADER, checksum)
    }

    #[inline(always)]
    fn may_be_vxlan(self, destination_port: u16) -> bool {
        destination_port == VXLAN_PORT
            && self.wire_len as usize > MIN_VXLAN
            && self.data.get(UDP_HEADER).is_some_and(|flags| flags & 0x08 != 0)
    }

    fn icmp(self, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
        let Some(fixed) = self.data.first_chunk::<ICMP_HEADER>() else {
            return truncated(self.ip.ends(), self.wire_len, ICMP_HEADER, Source::Icmp, context, weirds);
        };
        let [kind, code, _, _, i0, i1, _, _] = *fixed;
        let is_v4 = self.ip.protocol == ip_proto::ICMP;
        // Echo, timestamp, information and address mask (RFC 792, RFC 950); echo (RFC 4443, section 4).
        let has_identifier = if is_v4 { matches!(kind, 0 | 8 | 13..=18) } else { matches!(kind, 128 | 129) };
        let identifier = if has_identifier { u16::from_be_bytes([i0, i1]) } else { 0 };
        let bad_checksum = if is_v4 {
            // Without pseudo header.
            context.verify_checksums
                && self.data.len() as u32 == self.wire_len
                && !checksum::is_valid(self.data)
        } else {
            self.is_corrupt(context)
        };
        if bad_checksum {
            context.report(weirds, Weird::BadIcmpChecksum, Source::Icmp, Scope::Connection);
        }
        let checksum = Checksum { is_bad: bad_checksum, unverified: None };
        self.packet(Transport::Icmp { kind, code, identifier }, ICMP_HEADER, checksum)
    }
}

/// All but TCP and UDP.
#[inline(never)]
fn other<'f>(
    ip: IpHeader,
    data: &'f [u8],
    wire_len: u32,
    layer2: Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let segment = Segment { data, wire_len, link: Link::Known(&layer2), ip: ip.into() };
    match ip.protocol {
        ip_proto::ICMP | ip_proto::ICMPV6 => segment.icmp(context, weirds),
        ip_proto::IGMP => Decoded::Other(OtherReason::Igmp),
        ip_proto::NO_NEXT => {
            if !ip::is_bubble(context) {
                let scope = Scope::Addresses(ip.source, ip.destination);
                context.report(weirds, Weird::Ipv6NoNext, Source::Ip, scope);
            }
            Decoded::Other(OtherReason::NoNextHeader)
        }
        _ => segment.packet(Transport::Other, 0, Checksum::default()),
    }
}

/// There is no whole transport header.
#[cold]
#[inline(never)]
fn truncated<'f>(
    ends: (Addr, Addr),
    wire_len: u32,
    minimum: usize,
    source: Source,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let weird = if wire_len != 0 && (wire_len as usize) < minimum {
        Weird::TruncatedHeader
    } else {
        Weird::InternallyTruncatedHeader
    };
    context.damaged_between(weirds, weird, source, ends)
}

/// The header length is shorter than a header, or there is less than it says.
#[cold]
#[inline(never)]
fn bad_tcp_header<'f>(
    ip: IpHeader,
    data: &'f [u8],
    wire_len: u32,
    layer2: Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let Some(fixed) = data.first_chunk() else {
        return truncated((ip.source, ip.destination), wire_len, TCP_HEADER, Source::Tcp, context, weirds);
    };
    let header = tcp_header(fixed, &[]);
    let weird = if usize::from(header.header_len) < TCP_HEADER {
        Weird::BadTcpHeaderLen
    } else {
        Weird::TruncatedHeader
    };
    context.report(weirds, weird, Source::Tcp, Scope::Connection);
    Decoded::Flow(Packet {
        layer2,
        ip,
        transport: Transport::Tcp(header),
        payload: &[],
        payload_len: wire_len.saturating_sub(data.len() as u32),
        bad_checksum: false,
        bad_header: true,
        unverified: None,
    })
}

#[inline(always)]
fn tcp_header<'f>(fixed: &[u8; TCP_HEADER], options: &'f [u8]) -> TcpHeader<'f> {
    let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, _, _] = *fixed;
    TcpHeader {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
        flags,
        window: u16::from_be_bytes([w0, w1]),
        header_len: (offset >> 4) * 4,
        options,
    }
}
