//! Link types that only captures have, and FDDI.

use super::{Network, Position, ethernet};
use crate::Layer2;
use crate::bytes::be16;
use crate::decode::Context;
use crate::weird::{Source, Weird, WeirdList};

/// FDDI frame control and addresses, LLC and SNAP.
const FDDI_HEADER: usize = 13 + 8;
const SLL_HEADER: usize = 16;
const SLL2_HEADER: usize = 20;
const NULL_HEADER: usize = 4;
const NFLOG_HEADER: usize = 4;
const NFLOG_ATTRIBUTE_HEADER: usize = 4;
/// Attribute type of the packet itself (`NFULA_PAYLOAD`).
const NFLOG_PAYLOAD: u16 = 9;

/// BSD loopback. The families of IPv6 are those of NetBSD and OpenBSD (24), FreeBSD (28) and Darwin (30).
pub(super) fn null<'f>(at: Position<'f>, context: Context, weirds: &mut WeirdList) -> Network<'f> {
    let (Some(family), true) = (at.data.first_chunk::<4>(), at.data.len() > NULL_HEADER) else {
        return Network::damaged(context, weirds, Weird::NullHeaderFailed, Source::Null);
    };
    let little = u32::from_le_bytes(*family);
    let family = if little > 0xffff { little.swap_bytes() } else { little };
    match family {
        2 | 24 | 28 | 30 => at.skip(NULL_HEADER).ip(),
        _ => Network::unknown(Source::Null, family),
    }
}

/// FDDI: the headers are of fixed length, and IP is what can be expected behind them.
pub(super) fn fddi<'f>(at: Position<'f>, context: Context, weirds: &mut WeirdList) -> Network<'f> {
    if at.data.len() <= FDDI_HEADER {
        return Network::damaged(context, weirds, Weird::FddiFailed, Source::Fddi);
    }
    at.skip(FDDI_HEADER).ip()
}

/// Linux cooked capture: packet type, hardware type, address length, address, EtherType.
pub(super) fn linux_sll<'f>(
    at: Position<'f>,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    let (Some(protocol), Some(address), true) =
        (be16(at.data, 14), mac(at.data, 6), at.data.len() > SLL_HEADER)
    else {
        return Network::damaged(context, weirds, Weird::TruncatedLinuxSll, Source::LinuxSll);
    };
    layer2.source = Some(address);
    cooked(protocol, at.skip(SLL_HEADER), Source::LinuxSll, layer2, context, weirds)
}

/// Linux cooked capture, version 2: EtherType, interface, hardware type, packet type, address length, address.
pub(super) fn linux_sll2<'f>(
    at: Position<'f>,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    let (Some(protocol), Some(address), true) =
        (be16(at.data, 0), mac(at.data, 12), at.data.len() > SLL2_HEADER)
    else {
        return Network::damaged(context, weirds, Weird::TruncatedLinuxSll2, Source::LinuxSll2);
    };
    layer2.source = Some(address);
    cooked(protocol, at.skip(SLL2_HEADER), Source::LinuxSll2, layer2, context, weirds)
}

/// Values below the first EtherType are Linux's own (`ETH_P_802_3`, `ETH_P_802_2`, ...), not lengths.
fn cooked<'f>(
    protocol: u16,
    at: Position<'f>,
    source: Source,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    if protocol < 0x0600 {
        return Network::unknown(source, u32::from(protocol));
    }
    ethernet::dispatch(protocol, at, source, layer2, context, weirds)
}

/// Netfilter log: a header and attributes in the byte order of the capturing host, padded to four octets.
pub(super) fn nflog<'f>(at: Position<'f>, context: Context, weirds: &mut WeirdList) -> Network<'f> {
    let [family, version, _, _, _, ..] = *at.data else {
        return Network::damaged(context, weirds, Weird::TruncatedNflogHeader, Source::Nflog);
    };
    if version != 0 {
        return Network::damaged(context, weirds, Weird::UnknownNflogVersion, Source::Nflog);
    }
    let mut at = at.skip(NFLOG_HEADER);
    loop {
        let [l0, l1, t0, t1, _, ..] = *at.data else {
            return Network::damaged(context, weirds, Weird::NflogNoPayload, Source::Nflog);
        };
        if u16::from_le_bytes([t0, t1]) == NFLOG_PAYLOAD {
            let payload = at.skip(NFLOG_ATTRIBUTE_HEADER);
            // AF_INET and AF_INET6 of Linux.
            return match family {
                2 | 10 => payload.ip(),
                _ => Network::unknown(Source::Nflog, u32::from(family)),
            };
        }
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        if length < NFLOG_ATTRIBUTE_HEADER {
            return Network::damaged(context, weirds, Weird::NflogBadTlvLen, Source::Nflog);
        }
        at = at.skip(length.next_multiple_of(4));
    }
}

fn mac(data: &[u8], at: usize) -> Option<[u8; 6]> {
    data.get(at..)?.first_chunk().copied()
}
