//! PPP (RFC 1661), in HDLC-like framing (RFC 1662) and over Ethernet (RFC 2516).

use super::ethernet::mpls;
use super::{Network, Position};
use crate::bytes::{be16, up_to};
use crate::decode::Context;
use crate::weird::{Scope, Source, Weird, WeirdList};

const PPPOE_HEADER: usize = 6;
const PROTOCOL_FIELD: usize = 2;

/// What follows a PPP protocol field (IANA "PPP DLL Protocol Numbers").
fn dispatch<'f>(
    protocol: u16,
    at: Position<'f>,
    source: Source,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    match protocol {
        0x0021 | 0x0057 => at.ip(),
        0x0281 | 0x0283 => mpls(at, context, weirds),
        _ => Network::unknown(source, u32::from(protocol)),
    }
}

/// PPP, with or without address and control field.
pub(super) fn ppp<'f>(at: Position<'f>, context: Context, weirds: &mut WeirdList) -> Network<'f> {
    match at.data {
        [0xff, 0x03, p0, p1, _, ..] => {
            dispatch(u16::from_be_bytes([*p0, *p1]), at.skip(4), Source::Ppp, context, weirds)
        }
        [0xff, 0x03, ..] if at.data.len() > 2 => {
            Network::damaged(context, weirds, Weird::TruncatedPppHdlcHeader, Source::Ppp)
        }
        [p0, p1, _, ..] => dispatch(u16::from_be_bytes([*p0, *p1]), at.skip(2), Source::Ppp, context, weirds),
        _ => Network::damaged(context, weirds, Weird::TruncatedPppHeader, Source::Ppp),
    }
}

/// PPP on a serial line: address and control field are always there.
pub(super) fn serial<'f>(at: Position<'f>, context: Context, weirds: &mut WeirdList) -> Network<'f> {
    match at.data {
        [_, _, p0, p1, _, ..] => {
            dispatch(u16::from_be_bytes([*p0, *p1]), at.skip(4), Source::PppSerial, context, weirds)
        }
        _ => Network::damaged(context, weirds, Weird::TruncatedPppSerialHeader, Source::PppSerial),
    }
}

/// A PPPoE session packet.
pub(super) fn over_ethernet<'f>(at: Position<'f>, context: Context, weirds: &mut WeirdList) -> Network<'f> {
    let (Some(length), Some(protocol), true) =
        (be16(at.data, 4), be16(at.data, PPPOE_HEADER), at.data.len() > PPPOE_HEADER + PROTOCOL_FIELD)
    else {
        return Network::damaged(context, weirds, Weird::TruncatedPppoeHeader, Source::Pppoe);
    };
    let length = usize::from(length);
    let present = at.data.len().saturating_sub(PPPOE_HEADER);
    if length < present {
        context.report(weirds, Weird::PppoeExtraData, Source::Pppoe, Scope::Frame);
    } else if length > present {
        context.report(weirds, Weird::PppoeTruncatedPayload, Source::Pppoe, Scope::Frame);
    }
    let mut payload = at.skip(PPPOE_HEADER + PROTOCOL_FIELD);
    payload.data = up_to(payload.data, length.saturating_sub(PROTOCOL_FIELD));
    dispatch(protocol, payload, Source::Pppoe, context, weirds)
}
