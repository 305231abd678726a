//! IEEE 802.11 data frames, with or without radiotap header.

use super::{Network, Position, ethernet};
use crate::Layer2;
use crate::bytes::up_to;
use crate::decode::{Context, OtherReason};
use crate::weird::{Source, Weird, WeirdList};

/// Frame control, duration, three addresses, sequence control.
const DATA_HEADER: usize = 24;
const ADDRESS: usize = 6;
const QOS_CONTROL: usize = 2;
const LLC_SNAP: usize = 8;
/// Two addresses and a length in front of each packet of an A-MSDU.
const SUBFRAME_HEADER: usize = 14;

/// 802.11 behind a radiotap header, whose length is little-endian.
pub(super) fn radiotap<'f>(
    at: Position<'f>,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    match at.data {
        [_, _, l0, l1, ..] if at.data.len() > usize::from(u16::from_le_bytes([*l0, *l1])) => {
            frame(at.skip(usize::from(u16::from_le_bytes([*l0, *l1]))), layer2, context, weirds)
        }
        _ => Network::damaged(context, weirds, Weird::TruncatedRadiotapHeader, Source::WirelessRadio),
    }
}

/// An 802.11 frame without its checksum (IEEE 802.11, section 9.3.2).
pub(crate) fn frame<'f>(
    at: Position<'f>,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    let truncated = Weird::TruncatedWirelessHeader;
    let (Some(header), true) = (at.data.first_chunk::<DATA_HEADER>(), at.data.len() > DATA_HEADER) else {
        return Network::damaged(context, weirds, truncated, Source::Wireless);
    };
    let [control, flags, _, _, addresses @ ..] = header;
    let (kind, subtype) = ((control >> 2) & 0x03, control >> 4);
    if kind != 2 || subtype & 0x04 != 0 {
        return Network::Other(OtherReason::WirelessControl);
    }
    if flags & 0x40 != 0 {
        return Network::Other(OtherReason::WirelessProtected);
    }
    let ([first, second, third, ..], _) = addresses.as_chunks::<ADDRESS>() else {
        return Network::damaged(context, weirds, truncated, Source::Wireless);
    };
    let mut header_len = DATA_HEADER;
    // "To DS" and "from DS" say what each address is.
    let (destination, source) = match flags & 0x03 {
        0 => (*first, *second),
        1 => (*third, *second),
        2 => (*first, *third),
        _ => {
            header_len += ADDRESS;
            let Some(fourth) = at.data.get(DATA_HEADER..).and_then(|rest| rest.first_chunk()) else {
                return Network::damaged(context, weirds, truncated, Source::Wireless);
            };
            (*third, *fourth)
        }
    };
    layer2.source = Some(source);
    layer2.destination = Some(destination);
    let mut aggregate = false;
    if subtype & 0x08 != 0 {
        aggregate = at.data.get(header_len).is_some_and(|qos| qos & 0x80 != 0);
        header_len += QOS_CONTROL;
    }
    if at.data.len() <= header_len {
        return Network::damaged(context, weirds, truncated, Source::Wireless);
    }
    let body = at.skip(header_len);
    if aggregate {
        return Network::Subframes(body.data);
    }
    llc_snap(body, layer2, context, weirds)
}

/// Takes the next packet off an A-MSDU.
pub(crate) fn next_subframe<'f>(
    rest: &mut &'f [u8],
    context: Context,
    weirds: &mut WeirdList,
) -> Option<Network<'f>> {
    let data = std::mem::take(rest);
    if data.is_empty() {
        return None;
    }
    let Some([.., l0, l1]) = data.first_chunk::<SUBFRAME_HEADER>() else {
        return Some(Network::damaged(context, weirds, Weird::TruncatedAmsduHeader, Source::Wireless));
    };
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    let Some(packet) = data.get(SUBFRAME_HEADER..SUBFRAME_HEADER + length) else {
        return Some(Network::damaged(context, weirds, Weird::TruncatedAmsduPacket, Source::Wireless));
    };
    // All but the last are padded to a multiple of four octets.
    *rest = data.get((SUBFRAME_HEADER + length).next_multiple_of(4)..).unwrap_or_default();
    let at = Position { data: up_to(packet, length), wire_len: length as u32, depth: 1 };
    Some(llc_snap(at, &mut Layer2::default(), context, weirds))
}

/// LLC and SNAP with the Ethernet organization code.
fn llc_snap<'f>(
    at: Position<'f>,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    match at.data.first_chunk::<LLC_SNAP>() {
        Some([0xaa, 0xaa, 0x03, 0, 0, 0, t0, t1]) => {
            let protocol = u16::from_be_bytes([*t0, *t1]);
            if protocol < 0x0600 {
                return Network::unknown(Source::Wireless, u32::from(protocol));
            }
            ethernet::dispatch(protocol, at.skip(LLC_SNAP), Source::Wireless, layer2, context, weirds)
        }
        Some([sap, ..]) => Network::unknown(Source::Llc, u32::from(*sap)),
        None => Network::damaged(context, weirds, Weird::TruncatedWirelessLlcHeader, Source::Wireless),
    }
}
