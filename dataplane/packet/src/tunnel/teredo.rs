//! Teredo: IPv6 over UDP, behind optional authentication and origin indications (RFC 4380, section 5.1.1).

use super::udp::tag;
use super::{Fit, Inner, InnerFormat, Step, TunnelKind, UdpTunnelState, fit};
use crate::bytes::from;
use crate::decode::Context;
use crate::header::ip_proto;
use crate::ip::IPV6_HEADER;
use crate::weird::{Detail, Scope, Source, Weird};

const ORIGIN_INDICATION: usize = 8;
/// An authentication header without client identifier and value: tag, two lengths, nonce, confirmation.
const AUTHENTICATION: usize = 4 + 8 + 1;
/// The first 32 bits of every Teredo address (RFC 4380, section 2.6).
const PREFIX: [u8; 4] = [0x20, 0x01, 0x00, 0x00];

/// What a Teredo packet carries: an IPv6 packet that fills it.
pub(super) fn inner<'f>(mut step: Step<'_, 'f>, state: &mut UdpTunnelState) -> Option<Inner<'f>> {
    let kind = TunnelKind::Teredo;
    if state.is_violated(kind) {
        return None;
    }
    if step.is_too_deep() {
        return step.odd(Weird::ExceededTunnelMaxDepth, Source::Teredo);
    }
    let Some(header_len) = header_len(step.packet.payload) else {
        state.violate(kind);
        return None;
    };
    let packet = from(step.packet.payload, header_len);
    match fit(packet, 6) {
        Fit::Exact => {}
        Fit::TooLong if is_bubble(packet) => {
            let context = Context::unverified(step.context.inside);
            context.report_with(
                step.weirds,
                Weird::TeredoBubbleWithPayload,
                Source::Teredo,
                Scope::Connection,
                Detail::None,
            );
        }
        Fit::TooLong | Fit::TooShort | Fit::OtherVersion => {
            state.violate(kind);
            return None;
        }
    }
    let confirmed = state.validate(kind, step.context.from_originator);
    let inner = step.of_connection(kind, InnerFormat::Ip, header_len, None)?;
    Some(Inner { confirmed, ..inner })
}

/// An IPv6 header with nothing behind it that keeps a mapping alive.
fn is_bubble(packet: &[u8]) -> bool {
    matches!(packet, [_, _, _, _, 0, 0, ip_proto::NO_NEXT, ..])
}

/// Length of the indications in front of the IPv6 header: authentication first, each at most once.
fn header_len(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    if tag(data)? == 1 {
        at = authentication_len(data)?;
    }
    if tag(data.get(at..)?)? == 0 {
        at += ORIGIN_INDICATION;
    }
    let rest = data.get(at..)?;
    (rest.first()? >> 4 == 6 && rest.len() >= IPV6_HEADER).then_some(at)
}

fn authentication_len(data: &[u8]) -> Option<usize> {
    let [_, _, identifier, value, ..] = *data else { return None };
    let length = AUTHENTICATION + usize::from(identifier) + usize::from(value);
    (data.len() >= length).then_some(length)
}

/// Whether a payload on any port looks like Teredo: an IPv6 packet with a Teredo address, or IPv6 behind an origin
/// indication, with or without authentication in front.
pub(super) fn looks_like(data: &[u8]) -> bool {
    let Some(header) = data.first_chunk::<IPV6_HEADER>() else { return false };
    if header[0] >> 4 == 6 {
        return header[8..12] == PREFIX || header[24..28] == PREFIX;
    }
    let origin = match header {
        [0, 0, ..] => data,
        [0, 1, ..] => match authentication_len(data) {
            Some(length) => from(data, length),
            None => return false,
        },
        _ => return false,
    };
    match origin.get(ORIGIN_INDICATION..) {
        Some(packet) => {
            tag(origin) == Some(0)
                && packet.len() >= IPV6_HEADER
                && packet.first().is_some_and(|octet| octet >> 4 == 6)
        }
        None => false,
    }
}
