//! The entry points: a frame, or the inside of a tunnel, to typed headers.

use record::Addr;

use crate::fragment::Datagram;
use crate::link::{self, LinkType, Network};
use crate::tunnel::TunnelKind;
use crate::weird::{Detail, Scope, Source, Weird, WeirdList, WeirdReport};
use crate::{Fragment, Frame, Layer2, Packet, ip};

/// How to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Verify the checksums of IPv4 headers, TCP, UDP, ICMP and ICMPv6 of packets that were captured whole.
    /// Default: true. Off, an IPv4 length of 0 (segmentation offload) is accepted too.
    pub verify_checksums: bool,
    /// Of TCP and UDP leave the sum over the payload to [`Packet::has_bad_payload`], for whoever knows whether that payload
    /// is to be read at all. Default: false.
    pub defer_payload: bool,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { verify_checksums: true, defer_payload: false }
    }
}

/// Why a well-formed frame gives no packet to analyze.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherReason {
    /// ARP or reverse ARP.
    Arp,
    /// A protocol that nothing here decodes: who met it, and the number it has there.
    UnknownProtocol(Source, u32),
    /// 802.11 management and control frames, and data frames without data.
    WirelessControl,
    /// 802.11 data under link encryption.
    WirelessProtected,
    /// IGMP (RFC 3376): Zeek makes no connections of it.
    Igmp,
    /// IPv6 with an encapsulating security payload: what follows is encrypted.
    Esp,
    /// A Mobile IPv6 header (RFC 6275).
    Mobility,
    /// IPv6 "no next header": there is no payload by definition.
    NoNextHeader,
}

/// What became of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded<'f> {
    /// An IP packet.
    Flow(Packet<'f>),
    /// A fragment of an IP datagram, for the [`Reassembler`](crate::fragment::Reassembler).
    Fragment(Fragment<'f>),
    /// Several packets in one 802.11 frame (A-MSDU).
    Aggregate(Aggregate<'f>),
    /// Well-formed, but nothing to analyze.
    Other(OtherReason),
    /// Not decodable; the same oddity is the last one in the [`WeirdList`].
    Damaged(Weird),
}

/// The packets of an 802.11 A-MSDU, to be taken one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate<'f> {
    rest: &'f [u8],
    layer2: Layer2,
    in_tunnel: Option<TunnelKind>,
}

impl<'f> Aggregate<'f> {
    /// Decodes the next packet; `None` when there is no further one.
    pub fn next(&mut self, options: &DecodeOptions, weirds: &mut WeirdList) -> Option<Decoded<'f>> {
        let context = Context::of(*options, self.in_tunnel);
        let network = link::wireless::next_subframe(&mut self.rest, context, weirds)?;
        Some(finish(network, self.layer2, context, weirds))
    }
}

/// What every decoding step needs to know besides the bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    pub(crate) verify_checksums: bool,
    /// Of TCP and UDP, later.
    pub(crate) defer_payload: bool,
    /// The innermost tunnel that the bytes came out of.
    pub(crate) in_tunnel: Option<TunnelKind>,
}

impl Context {
    #[inline(always)]
    pub(crate) fn of(options: DecodeOptions, in_tunnel: Option<TunnelKind>) -> Self {
        let DecodeOptions { verify_checksums, defer_payload } = options;
        Self { verify_checksums, defer_payload, in_tunnel }
    }

    /// Where checksums do not count.
    pub(crate) const fn unverified(in_tunnel: Option<TunnelKind>) -> Self {
        Self { verify_checksums: false, defer_payload: false, in_tunnel }
    }

    #[cold]
    pub(crate) fn report(self, weirds: &mut WeirdList, weird: Weird, source: Source, scope: Scope) {
        self.report_with(weirds, weird, source, scope, Detail::None);
    }

    #[cold]
    pub(crate) fn report_with(
        self,
        weirds: &mut WeirdList,
        weird: Weird,
        source: Source,
        scope: Scope,
        detail: Detail,
    ) {
        weirds.push(WeirdReport { weird, source, scope, detail, in_tunnel: self.in_tunnel.is_some() });
    }

    /// Reports an oddity of the frame that ends the decoding.
    #[cold]
    pub(crate) fn damaged<'f>(self, weirds: &mut WeirdList, weird: Weird, source: Source) -> Decoded<'f> {
        self.report(weirds, weird, source, Scope::Frame);
        Decoded::Damaged(weird)
    }

    /// Reports an oddity between two addresses that ends the decoding.
    #[cold]
    pub(crate) fn damaged_between<'f>(
        self,
        weirds: &mut WeirdList,
        weird: Weird,
        source: Source,
        ends: (Addr, Addr),
    ) -> Decoded<'f> {
        self.report(weirds, weird, source, Scope::Addresses(ends.0, ends.1));
        Decoded::Damaged(weird)
    }
}

/// Decodes the outermost IP packet of a frame.
///
/// Oddities are added to `weirds`, which the caller clears between frames.
#[inline]
pub fn decode<'f>(
    link: LinkType,
    frame: &Frame<'f>,
    options: &DecodeOptions,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let context = Context::of(*options, None);
    decode_link(link, frame.data, frame.wire_len, context, weirds)
}

/// Decodes bytes that start with an IP header of either version.
///
/// `wire_len` is the length of these bytes on the wire: more than `data.len()` when the capture was cut short.
pub fn decode_ip<'f>(
    data: &'f [u8],
    wire_len: u32,
    layer2: Layer2,
    options: &DecodeOptions,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let context = Context::of(*options, None);
    ip::decode_outlined(data, wire_len, layer2, context, weirds)
}

/// Decodes a datagram that was put together from fragments: it counts as one packet of its whole length.
pub fn decode_datagram<'d>(
    datagram: &'d Datagram,
    options: &DecodeOptions,
    weirds: &mut WeirdList,
) -> Decoded<'d> {
    // Each fragment's own header has been verified; the joined one has a checksum of none of them.
    let context = Context::of(*options, datagram.in_tunnel());
    let data = datagram.data();
    ip::decode_reassembled(data, data.len() as u32, datagram.layer2(), context, weirds)
}

/// Decodes a frame of any link type: the most common ones, Ethernet with at most one VLAN tag, right here.
#[inline(always)]
pub(crate) fn decode_link<'f>(
    link: LinkType,
    data: &'f [u8],
    wire_len: u32,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    // A wire length below the captured length is a lie of the capture file.
    let wire_len = wire_len.max(data.len() as u32);
    if link == LinkType::Ethernet
        && let Some((header_len, header)) = link::plain_ethernet(data)
        && let Some(rest) = data.get(header_len..)
    {
        let wire_len = wire_len.saturating_sub(header_len as u32);
        return ip::decode(rest, wire_len, header, context, weirds);
    }
    decode_stacked(link, data, wire_len, context, weirds)
}

#[inline(never)]
fn decode_stacked<'f>(
    link: LinkType,
    data: &'f [u8],
    wire_len: u32,
    context: Context,
    weirds: &mut WeirdList,
) -> Decoded<'f> {
    let mut layer2 = Layer2::default();
    let network = link::network(link, data, wire_len, &mut layer2, context, weirds);
    finish(network, layer2, context, weirds)
}

fn finish<'f>(network: Network<'f>, layer2: Layer2, context: Context, weirds: &mut WeirdList) -> Decoded<'f> {
    match network {
        Network::Ip { data, wire_len } => ip::decode_outlined(data, wire_len, layer2, context, weirds),
        Network::Subframes(rest) => {
            Decoded::Aggregate(Aggregate { rest, layer2, in_tunnel: context.in_tunnel })
        }
        Network::Other(reason) => Decoded::Other(reason),
        Network::Damaged(weird) => Decoded::Damaged(weird),
    }
}
