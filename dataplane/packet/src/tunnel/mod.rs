//! What an IP packet carries in turn: one layer of tunnel a call.
//!
//! [`inner`] looks at a decoded packet and says whether, how and what it tunnels; [`Inner::decode`] decodes that. Who
//! calls bounds the number of layers by [`TunnelContext::depth`].
//!
//! Tunnels over UDP are recognised by the responder's port of the connection that carries them; Teredo and AYIYA also
//! by content, on ports that no tunnel has. A packet that contradicts its tunnel ends that recognition for the whole
//! connection: [`UdpTunnelState`].

mod gre;
mod gtp;
mod teredo;
#[cfg(test)]
mod tests;
mod udp;

use record::Addr;

use crate::decode::{Context, decode_link};
use crate::header::ip_proto;
use crate::weird::{Detail, Scope, Source, Weird, WeirdList};
use crate::{DecodeOptions, Decoded, Layer2, LinkType, Packet, Transport, ip, link};

/// Layers of tunnel that are followed by default (Zeek's `Tunnel::max_depth`).
pub const DEFAULT_MAX_DEPTH: u8 = 4;

/// A kind of tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TunnelKind {
    /// IP in IP and 6in4 (RFC 2003, RFC 4213).
    Ip,
    /// GRE (RFC 2784, RFC 2890, RFC 2637, RFC 8086), with ERSPAN and Aruba's 802.11.
    Gre,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// GENEVE (RFC 8926).
    Geneve,
    /// Teredo (RFC 4380).
    Teredo,
    /// GTP, version 1, user plane (3GPP TS 29.281).
    Gtpv1,
    /// AYIYA (draft-massar-v6ops-ayiya).
    Ayiya,
}

impl TunnelKind {
    /// The name in the `tunnel` log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "Tunnel::IP",
            Self::Gre => "Tunnel::GRE",
            Self::Vxlan => "Tunnel::VXLAN",
            Self::Geneve => "Tunnel::GENEVE",
            Self::Teredo => "Tunnel::TEREDO",
            Self::Gtpv1 => "Tunnel::GTPv1",
            Self::Ayiya => "Tunnel::AYIYA",
        }
    }

    /// The name in the `service` column of the connection that carries it; `None` for tunnels of IP alone.
    pub const fn service(self) -> Option<&'static str> {
        match self {
            Self::Ip | Self::Gre => None,
            Self::Vxlan => Some("vxlan"),
            Self::Geneve => Some("geneve"),
            Self::Teredo => Some("teredo"),
            Self::Gtpv1 => Some("gtpv1"),
            Self::Ayiya => Some("ayiya"),
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a tunnel is known by, and so which unique identifier its inner connections name as their parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// The pair of outer addresses, in either direction: IP in IP and GRE, where the outer packet belongs to no
    /// connection (but for GRE in UDP, where there is one besides).
    Addresses(Addr, Addr),
    /// The UDP connection of the outer packet, which is logged as such.
    Connection,
}

/// How the bytes inside a tunnel are to be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InnerFormat {
    /// An IP header of either version.
    Ip,
    /// A frame of this link type.
    Link(LinkType),
    /// An MPLS label stack, and IP behind it.
    Mpls,
}

/// The inside of a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inner<'f> {
    /// Which tunnel.
    pub kind: TunnelKind,
    /// What it is known by.
    pub carrier: Carrier,
    /// How to decode `payload`.
    pub format: InnerFormat,
    /// Captured bytes.
    pub payload: &'f [u8],
    /// Length of the payload on the wire.
    pub wire_len: u32,
    /// Virtual network or tunnel identifier, of tunnels that have one (VNI, GRE key, TEID).
    pub network_id: Option<u32>,
    /// The carrying connection is confirmed to be this tunnel, and has its name as service. For Teredo that takes
    /// packets of both directions.
    pub confirmed: bool,
}

impl<'f> Inner<'f> {
    /// Decodes the inside; link-layer facts are those of the inner frame, if it is one.
    pub fn decode(&self, options: &DecodeOptions, weirds: &mut WeirdList) -> Decoded<'f> {
        let context = Context::of(*options, Some(self.kind));
        match self.format {
            InnerFormat::Ip => {
                ip::decode_outlined(self.payload, self.wire_len, Layer2::default(), context, weirds)
            }
            InnerFormat::Link(link) => decode_link(link, self.payload, self.wire_len, context, weirds),
            InnerFormat::Mpls => match link::mpls(self.payload, self.wire_len, context, weirds) {
                Ok((data, wire_len)) => {
                    ip::decode_outlined(data, wire_len, Layer2::default(), context, weirds)
                }
                Err(weird) => Decoded::Damaged(weird),
            },
        }
    }
}

/// Where a packet stands, for [`inner`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TunnelContext {
    /// Layers of tunnel around the packet.
    pub depth: u8,
    /// Layers that are followed at most, see [`DEFAULT_MAX_DEPTH`].
    pub max_depth: u8,
    /// The innermost of the tunnels around the packet.
    pub inside: Option<TunnelKind>,
    /// Responder's port of the UDP connection that the packet belongs to: it tells the tunnel. Not used for others.
    pub responder_port: u16,
    /// The packet is from the originator of that connection.
    pub from_originator: bool,
}

impl TunnelContext {
    /// For a packet that is in no tunnel, when nothing is known of its connection: the destination is the responder.
    pub fn outermost(packet: &Packet<'_>) -> Self {
        let responder_port = match packet.transport {
            Transport::Udp { destination_port, .. } => destination_port,
            _ => 0,
        };
        Self { depth: 0, max_depth: DEFAULT_MAX_DEPTH, inside: None, responder_port, from_originator: true }
    }
}

/// What is known of a UDP connection as a carrier of tunnels. Lives as long as the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UdpTunnelState {
    /// Kinds that a packet contradicted: they are not tried again.
    violated: u8,
    /// Kinds that a packet of the originator, and of the responder, was good for.
    valid: [u8; 2],
}

impl UdpTunnelState {
    /// Whether a packet has contradicted this tunnel.
    pub const fn is_violated(&self, kind: TunnelKind) -> bool {
        self.violated & kind.bit() != 0
    }

    fn violate(&mut self, kind: TunnelKind) {
        self.violated |= kind.bit();
    }

    /// Notes a good packet; whether there were some in both directions.
    fn validate(&mut self, kind: TunnelKind, from_originator: bool) -> bool {
        let [responder, originator] = &mut self.valid;
        *(if from_originator { &mut *originator } else { &mut *responder }) |= kind.bit();
        *originator & *responder & kind.bit() != 0
    }
}

/// The next layer inside of `packet`, if it is one of a tunnel.
///
/// A packet with [`Packet::is_ip_tunnel`] belongs to no connection, whatever comes of this; a packet of UDP belongs to
/// its connection anyway.
pub fn inner<'f>(
    packet: &Packet<'f>,
    context: &TunnelContext,
    state: &mut UdpTunnelState,
    weirds: &mut WeirdList,
) -> Option<Inner<'f>> {
    let step = Step { packet, context, weirds };
    match packet.transport {
        Transport::Udp { .. } if !packet.bad_checksum => udp::inner(step, state),
        Transport::Other => match packet.ip.protocol {
            ip_proto::IPV4 | ip_proto::IPV6 => ip_in_ip(step),
            ip_proto::GRE => gre::inner(step, packet.payload),
            _ => None,
        },
        _ => None,
    }
}

/// One look into a packet.
struct Step<'s, 'f> {
    packet: &'s Packet<'f>,
    context: &'s TunnelContext,
    weirds: &'s mut WeirdList,
}

impl Step<'_, '_> {
    #[cold]
    fn report(&mut self, weird: Weird, source: Source, detail: Detail) {
        let ip = &self.packet.ip;
        let scope = Scope::Addresses(ip.source, ip.destination);
        let context = Context::unverified(self.context.inside);
        context.report_with(self.weirds, weird, source, scope, detail);
    }

    /// Reports an oddity that ends this look.
    #[cold]
    fn odd<T>(&mut self, weird: Weird, source: Source) -> Option<T> {
        self.report(weird, source, Detail::None);
        None
    }

    const fn is_too_deep(&self) -> bool {
        self.context.depth >= self.context.max_depth
    }

    const fn carrier(&self) -> Carrier {
        Carrier::Addresses(self.packet.ip.source, self.packet.ip.destination)
    }
}

/// How an IP packet inside compares to the room it has.
enum Fit {
    Exact,
    /// Not of the IP version it should be.
    OtherVersion,
    TooShort,
    TooLong,
}

/// Compares an IP packet, of version 4 or 6, to all the bytes there are.
fn fit(data: &[u8], version: u8) -> Fit {
    let minimum = if version == 6 { ip::IPV6_HEADER } else { ip::IPV4_HEADER };
    if data.len() < minimum {
        return if version == 6 { Fit::TooShort } else { Fit::OtherVersion };
    }
    let [first, _, t0, t1, p0, p1, ..] = *data else { return Fit::TooShort };
    if first >> 4 != version {
        return Fit::OtherVersion;
    }
    let claimed = if version == 6 {
        usize::from(u16::from_be_bytes([p0, p1])) + ip::IPV6_HEADER
    } else {
        usize::from(u16::from_be_bytes([t0, t1]))
    };
    match data.len().cmp(&claimed) {
        std::cmp::Ordering::Less => Fit::TooShort,
        std::cmp::Ordering::Equal => Fit::Exact,
        std::cmp::Ordering::Greater => Fit::TooLong,
    }
}

/// IP in IP: the inner packet must fill the outer one.
fn ip_in_ip<'f>(step: Step<'_, 'f>) -> Option<Inner<'f>> {
    let version = if step.packet.ip.protocol == ip_proto::IPV6 { 6 } else { 4 };
    let payload = step.packet.payload;
    filled(step, TunnelKind::Ip, payload, version, None)
}

/// An IP packet that must fill `payload`, in a tunnel between two addresses.
fn filled<'f>(
    mut step: Step<'_, 'f>,
    kind: TunnelKind,
    payload: &'f [u8],
    version: u8,
    network_id: Option<u32>,
) -> Option<Inner<'f>> {
    if step.is_too_deep() {
        return step.odd(Weird::ExceededTunnelMaxDepth, Source::IpTunnel);
    }
    let weird = match fit(payload, version) {
        Fit::Exact => {
            return Some(Inner {
                kind,
                carrier: step.carrier(),
                format: InnerFormat::Ip,
                payload,
                wire_len: payload.len() as u32,
                network_id,
                confirmed: true,
            });
        }
        Fit::OtherVersion => Weird::InvalidInnerIpVersion,
        Fit::TooShort => Weird::TruncatedInnerIp,
        Fit::TooLong => Weird::InnerIpLengthMismatch,
    };
    step.odd(weird, Source::IpTunnel)
}
