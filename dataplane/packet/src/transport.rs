//! Transport headers: TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792) and ICMPv6 (RFC 4443).

use crate::bytes::from;
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
#[inline]
pub(crate) fn decode<'f>(
    ip: IpHeader,
    data: &'f [u8],
    wire_len: u32,
    layer2: Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let segment = Segment { data, wire_len, layer2, ip };
    match ip.protocol {
        ip_proto::TCP => segment.tcp(context, weirds),
        ip_proto::UDP => segment.udp(context, weirds),
        ip_proto::ICMP | ip_proto::ICMPV6 => segment.icmp(context, weirds),
        ip_proto::IGMP => Decoded::Other(OtherReason::Igmp),
        ip_proto::NO_NEXT => segment.no_next(context, weirds),
        _ => Decoded::Flow(segment.packet(Transport::Other, 0)),
    }
}

/// The payload of an IP packet.
struct Segment<'f> {
    data: &'f [u8],
    /// Length on the wire, from the IP length.
    wire_len: u32,
    layer2: Layer2,
    ip: IpHeader,
}

impl<'f> Segment<'f> {
    #[inline]
    fn packet(&self, transport: Transport<'f>, header_len: usize) -> Packet<'f> {
        Packet {
            layer2: self.layer2,
            ip: self.ip,
            transport,
            payload: from(self.data, header_len),
            payload_len: self.wire_len.saturating_sub(header_len as u32),
            bad_checksum: false,
            bad_header: false,
        }
    }

    /// There is no whole transport header.
    #[cold]
    fn truncated(
        &self,
        minimum: usize,
        source: Source,
        context: Context,
        weirds: &mut WeirdList,
    ) -> Decoded<'f> {
        let weird = if self.wire_len != 0 && (self.wire_len as usize) < minimum {
            Weird::TruncatedHeader
        } else {
            Weird::InternallyTruncatedHeader
        };
        context.damaged_between(weirds, weird, source, (self.ip.source, self.ip.destination))
    }

    /// Whether the checksum is to be verified, and wrong.
    #[inline]
    fn is_corrupt(&self, context: Context) -> bool {
        context.verify_checksums && self.data.len() as u32 == self.wire_len && {
            let Self { ip, data, .. } = self;
            if ip.protocol == ip_proto::ICMP {
                !checksum::is_valid(data)
            } else {
                !checksum::is_valid_upper(&ip.source, &ip.destination, ip.protocol, data)
            }
        }
    }

    #[inline]
    fn tcp(&self, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
        let Some(fixed) = self.data.first_chunk::<TCP_HEADER>() else {
            return self.truncated(TCP_HEADER, Source::Tcp, context, weirds);
        };
        let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, w0, w1, _, _, _, _] = *fixed;
        let header_len = usize::from(offset >> 4) * 4;
        let mut header = TcpHeader {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            sequence: u32::from_be_bytes([q0, q1, q2, q3]),
            acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
            flags,
            window: u16::from_be_bytes([w0, w1]),
            header_len: header_len as u8,
            options: &[],
        };
        let Some(options) = self.data.get(TCP_HEADER..header_len) else {
            let weird = if header_len < TCP_HEADER { Weird::BadTcpHeaderLen } else { Weird::TruncatedHeader };
            context.report(weirds, weird, Source::Tcp, Scope::Connection);
            let mut packet = self.packet(Transport::Tcp(header), self.data.len());
            packet.bad_header = true;
            return Decoded::Flow(packet);
        };
        header.options = options;
        let mut packet = self.packet(Transport::Tcp(header), header_len);
        if self.is_corrupt(context) {
            context.report(weirds, Weird::BadTcpChecksum, Source::Tcp, Scope::Connection);
            packet.bad_checksum = true;
        }
        Decoded::Flow(packet)
    }

    #[inline]
    fn udp(&self, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
        let Some(fixed) = self.data.first_chunk::<UDP_HEADER>() else {
            return self.truncated(UDP_HEADER, Source::Udp, context, weirds);
        };
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *fixed;
        let length = u16::from_be_bytes([l0, l1]);
        let destination_port = u16::from_be_bytes([d0, d1]);
        let transport =
            Transport::Udp { source_port: u16::from_be_bytes([s0, s1]), destination_port, length };
        let mut packet = self.packet(transport, UDP_HEADER);
        let no_checksum =
            c0 == 0 && c1 == 0 && (self.ip.source.is_v4() || self.may_be_vxlan(destination_port));
        if !no_checksum && self.is_corrupt(context) {
            context.report(weirds, Weird::BadUdpChecksum, Source::Udp, Scope::Connection);
            packet.bad_checksum = true;
        } else if u32::from(length) != self.wire_len {
            let detail = Detail::Lengths(u32::from(length), self.wire_len);
            let weird = Weird::UdpLengthMismatch;
            context.report_with(weirds, weird, Source::Udp, Scope::Connection, detail);
        }
        Decoded::Flow(packet)
    }

    fn may_be_vxlan(&self, destination_port: u16) -> bool {
        destination_port == VXLAN_PORT
            && self.wire_len as usize > MIN_VXLAN
            && self.data.get(UDP_HEADER).is_some_and(|flags| flags & 0x08 != 0)
    }

    fn icmp(&self, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
        let Some(fixed) = self.data.first_chunk::<ICMP_HEADER>() else {
            return self.truncated(ICMP_HEADER, Source::Icmp, context, weirds);
        };
        let [kind, code, _, _, i0, i1, _, _] = *fixed;
        let has_identifier = if self.ip.protocol == ip_proto::ICMP {
            // Echo, timestamp, information and address mask (RFC 792, RFC 950).
            matches!(kind, 0 | 8 | 13..=18)
        } else {
            // Echo (RFC 4443, section 4).
            matches!(kind, 128 | 129)
        };
        let identifier = if has_identifier { u16::from_be_bytes([i0, i1]) } else { 0 };
        let mut packet = self.packet(Transport::Icmp { kind, code, identifier }, ICMP_HEADER);
        if self.is_corrupt(context) {
            context.report(weirds, Weird::BadIcmpChecksum, Source::Icmp, Scope::Connection);
            packet.bad_checksum = true;
        }
        Decoded::Flow(packet)
    }

    #[cold]
    fn no_next(&self, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
        if !ip::is_bubble(context) {
            let scope = Scope::Addresses(self.ip.source, self.ip.destination);
            context.report(weirds, Weird::Ipv6NoNext, Source::Ip, scope);
        }
        Decoded::Other(OtherReason::NoNextHeader)
    }
}
