//! GTP, version 1 (3GPP TS 29.281, section 5): user packets inside of "G-PDU" messages.

use super::{Fit, Inner, InnerFormat, Step, TunnelKind, UdpTunnelState, fit};
use crate::bytes::from;
use crate::weird::{Source, Weird};

const HEADER: usize = 8;
/// Sequence number, N-PDU number and next extension type: there as soon as one of them is.
const OPTIONAL: usize = 4;
const G_PDU: u8 = 255;

const PROTOCOL_TYPE: u8 = 0x10;
const EXTENSION_PRESENT: u8 = 0x04;
const OPTIONAL_PRESENT: u8 = 0x07;

/// What a GTP message carries: an IP packet that fills it.
pub(super) fn inner<'f>(mut step: Step<'_, 'f>, state: &mut UdpTunnelState) -> Option<Inner<'f>> {
    let kind = TunnelKind::Gtpv1;
    // Unlike other tunnels, one odd message does not end this one.
    let payload = step.packet.payload;
    let Some([flags, message, _, _, t0, t1, t2, t3]) = payload.first_chunk::<HEADER>() else {
        state.violate(kind);
        return None;
    };
    if step.is_too_deep() {
        return step.odd(Weird::TunnelDepth, Source::Gtpv1);
    }
    // GTP is never in GTP, so this would be something else on its port.
    if flags >> 5 != 1 || step.context.inside == Some(kind) {
        state.violate(kind);
        return None;
    }
    // Neither GTP' (charging) nor signalling carries packets.
    if flags & PROTOCOL_TYPE == 0 || *message != G_PDU {
        return None;
    }
    let Some(header_len) = header_len(payload, *flags) else {
        state.violate(kind);
        return None;
    };
    let packet = from(payload, header_len);
    let version = packet.first().map_or(0, |octet| octet >> 4);
    if !matches!(version, 4 | 6) || !matches!(fit(packet, version), Fit::Exact) {
        state.violate(kind);
        return None;
    }
    let tunnel = u32::from_be_bytes([*t0, *t1, *t2, *t3]);
    step.of_connection(kind, InnerFormat::Ip, header_len, Some(tunnel))
}

/// Length of the header with its extensions, each of which says its own in units of four octets.
fn header_len(data: &[u8], flags: u8) -> Option<usize> {
    let mut length = HEADER;
    if flags & OPTIONAL_PRESENT != 0 {
        length += OPTIONAL;
    }
    if flags & EXTENSION_PRESENT != 0 {
        loop {
            let units = usize::from(*data.get(length)?);
            if units == 0 {
                return None;
            }
            length += units * 4;
            if *data.get(length - 1)? == 0 {
                break;
            }
        }
    }
    (length <= data.len()).then_some(length)
}
