//! GRE (RFC 2784, keys and sequence numbers RFC 2890), PPTP's version 1 (RFC 2637), ERSPAN types I to III
//! (draft-foschiano-erspan) and 802.11 as Aruba controllers send it.

use super::{Inner, InnerFormat, Step, TunnelKind, filled};
use crate::LinkType;
use crate::bytes::{be16, from};
use crate::weird::{Detail, Source, Weird};

const CHECKSUM_PRESENT: u16 = 0x8000;
const ROUTING_PRESENT: u16 = 0x4000;
const KEY_PRESENT: u16 = 0x2000;
const SEQUENCE_PRESENT: u16 = 0x1000;
const ACKNOWLEDGMENT_PRESENT: u16 = 0x0080;
const RESERVED: u16 = 0x0078;
const VERSION: u16 = 0x0007;

const ETHERNET_BRIDGING: u16 = 0x6558;
const PPP: u16 = 0x880b;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const ERSPAN_1_2: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;

const ETHERNET_HEADER: usize = 14;
const ERSPAN_2_HEADER: usize = 8;
const ERSPAN_3_HEADER: usize = 12;
const ERSPAN_3_SUBHEADER: usize = 8;
const PPP_HEADER: usize = 4;
/// Address family and two lengths in front of each source route entry (RFC 1701).
const ROUTE_HEADER: usize = 4;

/// What GRE at `data` carries.
pub(super) fn inner<'f>(mut step: Step<'_, 'f>, data: &'f [u8]) -> Option<Inner<'f>> {
    let (Some(flags), Some(protocol)) = (be16(data, 0), be16(data, 2)) else {
        return step.odd(Weird::TruncatedGre, Source::Gre);
    };
    let version = flags & VERSION;
    if version > 1 {
        step.report(Weird::UnknownGreVersion, Source::Gre, Detail::Version(u32::from(version)));
        return None;
    }
    if version == 1 && protocol != PPP {
        step.report(Weird::EgreProtocolType, Source::Gre, Detail::Protocol(u32::from(protocol)));
        return None;
    }
    if flags & RESERVED != 0 {
        return step.odd(Weird::UnknownGreFlags, Source::Gre);
    }
    let mut header_len = 4;
    if flags & (CHECKSUM_PRESENT | ROUTING_PRESENT) != 0 {
        header_len += 4;
    }
    let mut key = None;
    if flags & KEY_PRESENT != 0 {
        key = data.get(header_len..).and_then(|key| key.first_chunk()).map(|key| u32::from_be_bytes(*key));
        header_len += 4;
    }
    for present in [SEQUENCE_PRESENT, ACKNOWLEDGMENT_PRESENT] {
        if flags & present != 0 {
            header_len += 4;
        }
    }
    if flags & ROUTING_PRESENT != 0 {
        match routing_len(from(data, header_len)) {
            Some(length) => header_len += length,
            None => return step.odd(Weird::GreRouting, Source::Gre),
        }
    }
    let Some(payload) = data.get(header_len..) else {
        return step.odd(Weird::TruncatedGre, Source::Gre);
    };
    if version == 1 {
        return ppp(step, payload, key);
    }
    let (format, skip) = match protocol {
        ETHERNET_BRIDGING if payload.len() > ETHERNET_HEADER => (InnerFormat::Link(LinkType::Ethernet), 0),
        ERSPAN_1_2 if payload.len() > ETHERNET_HEADER => {
            // Type I has neither sequence number nor header.
            let header = if flags & SEQUENCE_PRESENT != 0 { ERSPAN_2_HEADER } else { 0 };
            (InnerFormat::Link(LinkType::Ethernet), header)
        }
        ERSPAN_3 if payload.len() > ERSPAN_3_HEADER + ETHERNET_HEADER => {
            let has_subheader = payload.get(ERSPAN_3_HEADER - 1).is_some_and(|flags| flags & 0x01 != 0);
            let header = ERSPAN_3_HEADER + if has_subheader { ERSPAN_3_SUBHEADER } else { 0 };
            (InnerFormat::Link(LinkType::Ethernet), header)
        }
        ETHERNET_BRIDGING | ERSPAN_1_2 | ERSPAN_3 => return step.odd(Weird::TruncatedGre, Source::Gre),
        MPLS | MPLS_MULTICAST => (InnerFormat::Mpls, 0),
        _ if is_wireless(protocol) => {
            if payload.is_empty() {
                return step.odd(Weird::TruncatedGre, Source::Gre);
            }
            (InnerFormat::Link(LinkType::Wireless), 0)
        }
        // Whatever else the protocol field says, it is looked at as IP, which tells if it is not.
        _ => (InnerFormat::Ip, 0),
    };
    let Some(payload) = payload.get(skip..) else {
        return step.odd(Weird::TruncatedGre, Source::Gre);
    };
    if skip != 0 && payload.len() < ETHERNET_HEADER {
        return step.odd(Weird::TruncatedGre, Source::Gre);
    }
    if step.is_too_deep() {
        return step.odd(Weird::ExceededTunnelMaxDepth, Source::IpTunnel);
    }
    Some(Inner {
        kind: TunnelKind::Gre,
        carrier: step.carrier(),
        format,
        payload,
        wire_len: payload.len() as u32,
        network_id: key,
        confirmed: true,
    })
}

/// PPP without address and control field: only IP is of interest.
fn ppp<'f>(mut step: Step<'_, 'f>, payload: &'f [u8], key: Option<u32>) -> Option<Inner<'f>> {
    let (Some(protocol), Some(packet)) = (be16(payload, 2), payload.get(PPP_HEADER..)) else {
        return step.odd(Weird::TruncatedGre, Source::Gre);
    };
    let version = match protocol {
        0x0021 => 4,
        0x0057 => 6,
        _ => return step.odd(Weird::NonIpPacketInEncap, Source::Gre),
    };
    filled(step, TunnelKind::Gre, packet, version, key)
}

/// 802.11 of Aruba controllers: the protocol field counts up from these values.
const fn is_wireless(protocol: u16) -> bool {
    (protocol & 0x8200 == 0x8200 && protocol.trailing_zeros() >= 4 && protocol <= 0x8370)
        || protocol == 0x9000
}

/// Length of the source route entries of RFC 1701, the empty one at the end included.
fn routing_len(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let [family0, family1, _, length, ..] = *data.get(at..)? else { return None };
        at += ROUTE_HEADER + usize::from(length);
        if family0 == 0 && family1 == 0 && length == 0 {
            return Some(at);
        }
    }
}
