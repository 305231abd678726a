//! Tunnels over UDP: which one, and those that are simple enough to be here.

use super::{Carrier, Inner, InnerFormat, Step, TunnelKind, UdpTunnelState, gre, gtp, teredo};
use crate::LinkType;
use crate::bytes::be16;
use crate::header::ip_proto;
use crate::weird::{Detail, Source, Weird};

const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;
const TEREDO_PORT: u16 = 3544;
const AYIYA_PORT: u16 = 5072;
const GTP_USER_PORT: u16 = 2152;
const GTP_CONTROL_PORT: u16 = 2123;
const GRE_PORT: u16 = 4754;

const VXLAN_HEADER: usize = 8;
const GENEVE_HEADER: usize = 8;
const AYIYA_HEADER: usize = 8;

/// What a UDP packet carries.
#[inline]
pub(super) fn inner<'f>(step: Step<'_, 'f>, state: &mut UdpTunnelState) -> Option<Inner<'f>> {
    let payload = step.packet.payload;
    match step.context.responder_port {
        VXLAN_PORT => vxlan(step, state),
        GENEVE_PORT => geneve(step, state),
        TEREDO_PORT => teredo::inner(step, state),
        AYIYA_PORT => ayiya(step, state),
        GTP_USER_PORT | GTP_CONTROL_PORT => gtp::inner(step, state),
        GRE_PORT => gre::inner(step, payload),
        _ if teredo::looks_like(payload) => teredo::inner(step, state),
        // Identity and signature lengths, method and "forward" of what the tunnel brokers used.
        _ if matches!(payload, [_, 0x52, 0x11, ..]) => ayiya(step, state),
        _ => None,
    }
}

impl<'f> Step<'_, 'f> {
    /// The inside of a tunnel over this connection, from `header_len` octets of UDP payload on.
    pub(super) fn of_connection(
        &self,
        kind: TunnelKind,
        format: InnerFormat,
        header_len: usize,
        network_id: Option<u32>,
    ) -> Option<Inner<'f>> {
        Some(Inner {
            kind,
            carrier: Carrier::Connection,
            format,
            payload: self.packet.payload.get(header_len..)?,
            wire_len: self.packet.payload_len.saturating_sub(header_len as u32),
            network_id,
            confirmed: true,
        })
    }
}

/// VXLAN (RFC 7348, section 5).
fn vxlan<'f>(mut step: Step<'_, 'f>, state: &mut UdpTunnelState) -> Option<Inner<'f>> {
    let kind = TunnelKind::Vxlan;
    if state.is_violated(kind) {
        return None;
    }
    if step.is_too_deep() {
        return step.odd(Weird::ExceededTunnelMaxDepth, Source::Vxlan);
    }
    let Some([flags, _, _, _, v0, v1, v2, _]) = step.packet.payload.first_chunk::<VXLAN_HEADER>() else {
        state.violate(kind);
        return None;
    };
    if flags & 0x08 == 0 {
        state.violate(kind);
        return None;
    }
    if step.packet.payload.len() == VXLAN_HEADER {
        return step.odd(Weird::VxlanEmptyPacket, Source::Vxlan);
    }
    let network = u32::from_be_bytes([0, *v0, *v1, *v2]);
    step.of_connection(kind, InnerFormat::Link(LinkType::Ethernet), VXLAN_HEADER, Some(network))
}

/// GENEVE (RFC 8926, section 3.4).
fn geneve<'f>(mut step: Step<'_, 'f>, state: &mut UdpTunnelState) -> Option<Inner<'f>> {
    let kind = TunnelKind::Geneve;
    if state.is_violated(kind) {
        return None;
    }
    if step.is_too_deep() {
        return step.odd(Weird::ExceededTunnelMaxDepth, Source::Geneve);
    }
    let Some([start, _, p0, p1, v0, v1, v2, _]) = step.packet.payload.first_chunk::<GENEVE_HEADER>() else {
        state.violate(kind);
        return None;
    };
    let version = start >> 6;
    if version != 0 {
        step.report(Weird::GeneveInvalidVersion, Source::Geneve, Detail::Number(u32::from(version)));
        return None;
    }
    let header_len = GENEVE_HEADER + usize::from(start & 0x3f) * 4;
    match step.packet.payload.len().checked_sub(header_len) {
        None => {
            state.violate(kind);
            return None;
        }
        Some(0) => return step.odd(Weird::GeneveEmptyPacket, Source::Geneve),
        Some(_) => {}
    }
    let format = match u16::from_be_bytes([*p0, *p1]) {
        0x6558 => InnerFormat::Link(LinkType::Ethernet),
        0x0800 | 0x86dd => InnerFormat::Ip,
        _ => return None,
    };
    step.of_connection(kind, format, header_len, Some(u32::from_be_bytes([0, *v0, *v1, *v2])))
}

/// AYIYA: a header, an identity of 2 to the nth octets, a signature.
fn ayiya<'f>(mut step: Step<'_, 'f>, state: &mut UdpTunnelState) -> Option<Inner<'f>> {
    let kind = TunnelKind::Ayiya;
    if state.is_violated(kind) {
        return None;
    }
    if step.is_too_deep() {
        return step.odd(Weird::ExceededTunnelMaxDepth, Source::Ayiya);
    }
    let Some([identity, signature, operation, next, ..]) = step.packet.payload.first_chunk::<AYIYA_HEADER>()
    else {
        state.violate(kind);
        return None;
    };
    let header_len = AYIYA_HEADER + (1 << (identity >> 4)) + usize::from(signature >> 4) * 4;
    let Some(rest) = step.packet.payload.len().checked_sub(header_len) else {
        state.violate(kind);
        return None;
    };
    // All but "forward" are about the tunnel itself.
    if operation & 0x0f != 1 {
        return None;
    }
    if rest == 0 {
        return step.odd(Weird::AyiyaEmptyPacket, Source::Ayiya);
    }
    match *next {
        ip_proto::IPV4 | ip_proto::IPV6 => step.of_connection(kind, InnerFormat::Ip, header_len, None),
        _ => None,
    }
}

/// Big-endian tag at the start.
pub(super) fn tag(data: &[u8]) -> Option<u16> {
    be16(data, 0)
}
