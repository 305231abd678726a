//! Link layers: from the first captured byte to the IP header.
//!
//! The loop over stacked headers (VLAN, MPLS, PPPoE, backbone bridging) is bounded by [`MAX_HEADERS`].

mod capture;
mod ethernet;
mod ppp;
#[cfg(test)]
mod tests;
pub(crate) mod wireless;

use crate::decode::{Context, OtherReason};
use crate::weird::{Scope, Source, Weird, WeirdList};
use crate::{Frame, Layer2, carry};

/// Link-layer headers around each other that are followed: Zeek's default for its chains of analyzers.
pub const MAX_HEADERS: u32 = 25;

/// What the first byte of a frame is, from the link type number of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum LinkType {
    /// Ethernet.
    #[default]
    Ethernet,
    /// An IP header of either version. Also taken for link types that are not known here, as Zeek does.
    Ip,
    /// BSD loopback: address family in the byte order of the capturing host, or of the network.
    Null,
    /// PPP, with or without HDLC-like framing.
    Ppp,
    /// PPP in HDLC-like framing.
    PppSerial,
    /// PPPoE, from its own header on.
    Pppoe,
    /// FDDI.
    Fddi,
    /// 802.11.
    Wireless,
    /// 802.11 behind a radiotap header.
    WirelessRadiotap,
    /// Linux cooked capture.
    LinuxSll,
    /// Linux cooked capture, version 2.
    LinuxSll2,
    /// Linux netfilter log.
    Nflog,
}

impl LinkType {
    /// From the link type number of a pcap or pcapng file (the `LINKTYPE_` list of tcpdump.org, and the raw IP
    /// numbers 12 and 14 of some BSDs).
    pub const fn from_dlt(number: u32) -> Self {
        match number {
            1 => Self::Ethernet,
            0 | 108 => Self::Null,
            9 => Self::Ppp,
            10 => Self::Fddi,
            50 => Self::PppSerial,
            51 => Self::Pppoe,
            105 => Self::Wireless,
            113 => Self::LinuxSll,
            127 => Self::WirelessRadiotap,
            239 => Self::Nflog,
            276 => Self::LinuxSll2,
            _ => Self::Ip,
        }
    }
}

/// Where the link layer led to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Network<'f> {
    /// An IP header of either version, with what follows it; `wire_len` counts from its first octet.
    Ip {
        data: &'f [u8],
        wire_len: u32,
    },
    /// A-MSDU subframes.
    Subframes(&'f [u8]),
    Other(OtherReason),
    Damaged(Weird),
}

impl<'f> Network<'f> {
    /// Reports an oddity that ends the decoding.
    #[cold]
    pub(crate) fn damaged(
        context: Context,
        weirds: &mut WeirdList,
        weird: Weird,
        source: Source,
    ) -> Network<'f> {
        context.report(weirds, weird, source, Scope::Frame);
        Network::Damaged(weird)
    }

    pub(crate) const fn unknown(source: Source, protocol: u32) -> Network<'f> {
        Network::Other(OtherReason::UnknownProtocol(source, protocol))
    }
}

/// The header of an Ethernet frame with at most one VLAN tag in front of IP: its length, and where it is.
///
/// A frame too short for this has no room for IP either.
#[inline(always)]
pub(crate) fn plain_ethernet(data: &[u8]) -> Option<(usize, carry::Link<'_>)> {
    let header = data.first_chunk()?;
    let [_, _, _, _, _, _, _, _, _, _, _, _, t0, t1, _, _, i0, i1, _] = *header;
    match (u16::from_be_bytes([t0, t1]), u16::from_be_bytes([i0, i1])) {
        (ethernet::IPV4 | ethernet::IPV6, _) => Some((14, carry::Link::Ethernet(header))),
        (ethernet::VLAN, ethernet::IPV4 | ethernet::IPV6) => Some((18, carry::Link::Tagged(header))),
        _ => None,
    }
}

/// Skips link-layer headers, keeping what a flow wants to know of them.
pub(crate) fn network<'f>(
    link: LinkType,
    data: &'f [u8],
    wire_len: u32,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    let at = Position { data, wire_len, depth: 0 };
    match link {
        LinkType::Ethernet => ethernet::frame(at, layer2, context, weirds),
        LinkType::Ip => Network::Ip { data, wire_len },
        LinkType::Null => capture::null(at, context, weirds),
        LinkType::Ppp => ppp::ppp(at, context, weirds),
        LinkType::PppSerial => ppp::serial(at, context, weirds),
        LinkType::Pppoe => ppp::over_ethernet(at, context, weirds),
        LinkType::Fddi => capture::fddi(at, context, weirds),
        LinkType::Wireless => wireless::frame(at, layer2, context, weirds),
        LinkType::WirelessRadiotap => wireless::radiotap(at, layer2, context, weirds),
        LinkType::LinuxSll => capture::linux_sll(at, layer2, context, weirds),
        LinkType::LinuxSll2 => capture::linux_sll2(at, layer2, context, weirds),
        LinkType::Nflog => capture::nflog(at, context, weirds),
    }
}

/// The IP header behind an MPLS label stack, and the length on the wire from there on.
pub(crate) fn mpls<'f>(
    data: &'f [u8],
    wire_len: u32,
    context: Context,
    weirds: &mut WeirdList,
) -> Result<(&'f [u8], u32), Weird> {
    match ethernet::mpls(Position { data, wire_len, depth: 0 }, context, weirds) {
        Network::Ip { data, wire_len } => Ok((data, wire_len)),
        Network::Damaged(weird) => Err(weird),
        Network::Subframes(_) | Network::Other(_) => Err(Weird::TruncatedLinkHeader),
    }
}

/// The IP header of a frame, reporting nothing.
#[inline]
pub(crate) fn ip_header<'f>(link: LinkType, frame: &Frame<'f>) -> Option<&'f [u8]> {
    if link == LinkType::Ethernet
        && let Some((header_len, _)) = plain_ethernet(frame.data)
    {
        return frame.data.get(header_len..);
    }
    wrapped_ip_header(link, frame)
}

/// As [`ip_header`], behind whatever link-layer headers there are.
#[inline(never)]
fn wrapped_ip_header<'f>(link: LinkType, frame: &Frame<'f>) -> Option<&'f [u8]> {
    let context = Context::unverified(None);
    let mut layer2 = Layer2::default();
    let wire_len = frame.wire_len.max(frame.data.len() as u32);
    match network(link, frame.data, wire_len, &mut layer2, context, &mut WeirdList::new()) {
        Network::Ip { data, .. } => Some(data),
        Network::Subframes(mut rest) => {
            match wireless::next_subframe(&mut rest, context, &mut WeirdList::new()) {
                Some(Network::Ip { data, .. }) => Some(data),
                _ => None,
            }
        }
        Network::Other(_) | Network::Damaged(_) => None,
    }
}

/// A place in the frame where some header starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position<'f> {
    pub(crate) data: &'f [u8],
    /// Length on the wire from here on.
    pub(crate) wire_len: u32,
    /// Headers passed so far.
    pub(crate) depth: u32,
}

impl<'f> Position<'f> {
    /// The place `len` octets on; at the end when there are fewer.
    pub(crate) fn skip(self, len: usize) -> Self {
        Self {
            data: self.data.get(len..).unwrap_or_default(),
            wire_len: self.wire_len.saturating_sub(len as u32),
            depth: self.depth + 1,
        }
    }

    pub(crate) fn ip(self) -> Network<'f> {
        Network::Ip { data: self.data, wire_len: self.wire_len }
    }
}
