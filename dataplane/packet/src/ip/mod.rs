//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers.

mod extension;
#[cfg(test)]
mod tests;

use crate::bytes::{from, up_to};
use crate::carry::{Ip, Link};
use crate::decode::{Context, OtherReason};
use crate::fragment::{Fragment, FragmentHeader};
use crate::header::ip_proto;
use crate::tunnel::TunnelKind;
use crate::weird::{Scope, Source, Weird, WeirdList};
use crate::{Decoded, IpHeader, Layer2, checksum, transport};

use extension::{Chain, FRAGMENT_HEADER};
pub(crate) use extension::{payload_len, set_last_next_header};

/// An IPv4 header without options.
pub(crate) const IPV4_HEADER: usize = 20;
/// An IPv6 header without extension headers.
pub(crate) const IPV6_HEADER: usize = 40;
/// Where an IPv4 header has its length, and where its flags and fragment offset.
pub(crate) const IPV4_TOTAL_LEN: usize = 2;
pub(crate) const IPV4_FRAGMENT: usize = 6;
/// Where an IPv6 header has its payload length, and where its next header.
pub(crate) const IPV6_PAYLOAD_LEN: usize = 4;
pub(crate) const IPV6_NEXT_HEADER: usize = 6;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// Decodes an IP packet of either version.
#[inline(always)]
pub(crate) fn decode<'f>(
    data: &'f [u8],
    wire_len: u32,
    link: Link<'_>,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let Some(start) = data.first_chunk::<IPV4_HEADER>() else {
        return context.damaged(weirds, Weird::TruncatedIp, Source::Ip);
    };
    match start[0] >> 4 {
        4 => v4(data, start, wire_len, link, context, weirds),
        6 => v6(data, wire_len, link, context, weirds),
        _ => context.damaged(weirds, Weird::UnknownIpVersion, Source::Ip),
    }
}

/// As [`decode`], where speed does not matter as much as the size of the code.
#[inline(never)]
pub(crate) fn decode_outlined<'f>(
    data: &'f [u8],
    wire_len: u32,
    layer2: Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    decode(data, wire_len, Link::Known(&layer2), context, weirds)
}

/// Decodes a datagram that the reassembler put together: no fragment any more, its header not to be verified.
pub(crate) fn decode_reassembled<'f>(
    data: &'f [u8],
    wire_len: u32,
    layer2: Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let Some(start) = data.first_chunk::<IPV4_HEADER>() else {
        return context.damaged(weirds, Weird::TruncatedIp, Source::Ip);
    };
    if start[0] >> 4 == 6 {
        return v6(data, wire_len, Link::Known(&layer2), context, weirds);
    }
    let header_len = usize::from(start[0] & 0x0f) * 4;
    let total_len = data.len() as u32;
    let ip = v4_header(start, total_len, header_len);
    let payload = from(data, header_len);
    transport::decode(ip, payload, payload.len() as u32, Link::Known(&layer2), context, weirds)
}

#[inline(always)]
fn v4_header(start: &[u8; IPV4_HEADER], total_len: u32, header_len: usize) -> Ip {
    let [_, _, _, _, _, _, _, _, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *start;
    Ip {
        source: Ip::mapped([s0, s1, s2, s3]),
        destination: Ip::mapped([d0, d1, d2, d3]),
        protocol,
        ttl,
        total_len,
        header_len: header_len as u32,
    }
}

#[inline(always)]
fn v4<'f>(
    data: &'f [u8],
    start: &[u8; IPV4_HEADER],
    wire_len: u32,
    link: Link<'_>,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let [version_ihl, _, l0, l1, i0, i1, f0, f1, ..] = *start;
    let header_len = usize::from(version_ihl & 0x0f) * 4;
    let claimed_len = u32::from(u16::from_be_bytes([l0, l1]));
    let mut total_len = claimed_len;
    if claimed_len == 0 {
        context.report(weirds, Weird::IpHdrLenZero, Source::Ip, Scope::Frame);
        if context.verify_checksums {
            // What segmentation offload did to the length it did to the checksums as well.
            return Decoded::Damaged(Weird::IpHdrLenZero);
        }
        total_len = data.len() as u32;
    }
    if wire_len < total_len {
        return context.damaged(weirds, Weird::TruncatedIpLen, Source::Ip);
    }
    if header_len as u32 > total_len {
        return context.damaged(weirds, Weird::InvalidIpHeaderSize, Source::Ip);
    }
    if header_len < IPV4_HEADER {
        return context.damaged(weirds, Weird::Ipv4MinHeaderSize, Source::Ip);
    }
    let Some(header) = data.get(..header_len) else {
        return context.damaged(weirds, Weird::InternallyTruncatedHeader, Source::Ip);
    };
    let ip = v4_header(start, claimed_len, header_len);
    if context.verify_checksums && !checksum::is_valid(header) {
        return context.damaged_between(weirds, Weird::BadIpChecksum, Source::Ip, ip.ends());
    }
    let payload_len = total_len - header_len as u32;
    let payload = up_to(from(data, header_len), payload_len as usize);
    let flags = u16::from_be_bytes([f0, f1]);
    if flags & (MORE_FRAGMENTS | OFFSET_MASK) == 0 {
        return transport::decode(ip, payload, payload_len, link, context, weirds);
    }
    let fragment = FragmentHeader {
        identification: u32::from(u16::from_be_bytes([i0, i1])),
        offset: u32::from(flags & OFFSET_MASK) * 8,
        more: flags & MORE_FRAGMENTS != 0,
        dont_fragment: flags & DONT_FRAGMENT != 0,
    };
    self::fragment(ip.header(), header, (payload, payload_len), fragment, link.layer2(), context, weirds)
}

#[inline(always)]
fn v6<'f>(
    data: &'f [u8],
    wire_len: u32,
    link: Link<'_>,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let Some(start) = data.first_chunk::<IPV6_HEADER>() else {
        return context.damaged(weirds, Weird::TruncatedIp, Source::Ip);
    };
    let [_, _, _, _, l0, l1, next, hop_limit, addresses @ ..] = start;
    let ([source, destination], _) = addresses.as_chunks::<16>() else {
        return context.damaged(weirds, Weird::TruncatedIp, Source::Ip);
    };
    let claimed_len = u32::from(u16::from_be_bytes([*l0, *l1]));
    let ip = Ip {
        source: u128::from_be_bytes(*source),
        destination: u128::from_be_bytes(*destination),
        protocol: *next,
        ttl: *hop_limit,
        total_len: claimed_len + IPV6_HEADER as u32,
        header_len: IPV6_HEADER as u32,
    };
    if extension::is_extension(*next) {
        return v6_extended(data, ip.header(), wire_len, link.layer2(), context, weirds);
    }
    let mut total_len = ip.total_len;
    if claimed_len == 0 && ip.protocol != ip_proto::NO_NEXT {
        // Segmentation offload leaves the length 0; a jumbogram (RFC 2675) would have a hop-by-hop header.
        total_len = data.len() as u32;
    }
    if wire_len < total_len {
        return context.damaged(weirds, Weird::TruncatedIpLen, Source::Ip);
    }
    let payload_len = total_len - IPV6_HEADER as u32;
    let payload = up_to(from(data, IPV6_HEADER), payload_len as usize);
    transport::decode(ip, payload, payload_len, link, context, weirds)
}

/// With extension headers behind the fixed one.
#[inline(never)]
fn v6_extended<'f>(
    data: &'f [u8],
    mut ip: IpHeader,
    wire_len: u32,
    layer2: Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let chain = extension::walk(data, &mut ip, context, weirds);
    if wire_len < ip.total_len {
        return context.damaged(weirds, Weird::TruncatedIpLen, Source::Ip);
    }
    if ip.header_len > ip.total_len {
        return context.damaged(weirds, Weird::InvalidIpHeaderSize, Source::Ip);
    }
    let header_len = ip.header_len as usize;
    let Some(header) = data.get(..header_len) else {
        return context.damaged(weirds, Weird::InternallyTruncatedHeader, Source::Ip);
    };
    let payload_len = ip.total_len - ip.header_len;
    let payload = up_to(from(data, header_len), payload_len as usize);
    if let Some(fragment) = chain.fragment {
        // The reassembled packet has no fragment header.
        let header = up_to(header, header_len - FRAGMENT_HEADER);
        return self::fragment(ip, header, (payload, payload_len), fragment, layer2, context, weirds);
    }
    if chain.esp {
        return Decoded::Other(OtherReason::Esp);
    }
    if chain.mobility {
        return mobility(&ip, header, &chain, context, weirds);
    }
    transport::decode(ip.into(), payload, payload_len, Link::Known(&layer2), context, weirds)
}

/// A Mobile IPv6 message ends the analysis (RFC 6275, section 6.1).
fn mobility<'f>(
    ip: &IpHeader,
    header: &[u8],
    chain: &Chain,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let ends = (ip.source, ip.destination);
    let message = from(header, chain.last_start);
    if context.verify_checksums && !checksum::is_valid_upper((*ip).into(), ip_proto::MOBILITY, message) {
        return context.damaged_between(weirds, Weird::BadMobilityChecksum, Source::Ip, ends);
    }
    if ip.protocol != ip_proto::NO_NEXT {
        let scope = Scope::Addresses(ends.0, ends.1);
        context.report(weirds, Weird::MobilityPiggyback, Source::Ip, scope);
    }
    Decoded::Other(OtherReason::Mobility)
}

/// A fragment: only a whole one is worth reassembling, and of the others only the first can tell anything.
#[inline(never)]
fn fragment<'f>(
    ip: IpHeader,
    header: &'f [u8],
    (payload, payload_len): (&'f [u8], u32),
    fragment: FragmentHeader,
    layer2: Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    if (payload.len() as u32) < payload_len {
        let ends = (ip.source, ip.destination);
        let weird = Weird::IncompletelyCapturedFragment;
        let damaged = context.damaged_between(weirds, weird, Source::Ip, ends);
        if fragment.offset != 0 {
            return damaged;
        }
        return transport::decode(ip.into(), payload, payload_len, Link::Known(&layer2), context, weirds);
    }
    Decoded::Fragment(Fragment { layer2, ip, fragment, header, payload, in_tunnel: context.in_tunnel })
}

/// Whether a packet without payload is what the tunnel it came out of uses to keep itself open.
pub(crate) fn is_bubble(context: Context) -> bool {
    context.in_tunnel == Some(TunnelKind::Teredo)
}
