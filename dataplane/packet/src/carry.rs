//! Headers on their way through the decoder, in a form that stays in registers.
//!
//! A [`Packet`](crate::Packet) is written once, at the very end: a header that is written octet by octet and read back in
//! wide words to be moved makes the processor wait for its own stores, which costs more than all the rest of a decode.

use record::Addr;

use crate::{IpHeader, Layer2};

/// Octets that [`Link::Ethernet`] looks at: an Ethernet header, one VLAN tag, and one more.
pub(crate) const PLAIN_ETHERNET: usize = 19;

/// Link-layer facts, or where to find them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Link<'l> {
    /// An Ethernet header without VLAN tag.
    Ethernet(&'l [u8; PLAIN_ETHERNET]),
    /// An Ethernet header with one VLAN tag.
    Tagged(&'l [u8; PLAIN_ETHERNET]),
    /// Decoded already.
    Known(&'l Layer2),
}

impl Link<'_> {
    #[inline(always)]
    pub(crate) fn layer2(self) -> Layer2 {
        let (header, is_tagged) = match self {
            Self::Ethernet(header) => (header, false),
            Self::Tagged(header) => (header, true),
            Self::Known(layer2) => return *layer2,
        };
        let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, _, _, v0, v1, ..] = *header;
        // Identifier 0 is a priority tag and names no VLAN (IEEE 802.1Q, section 9.6).
        let vlan = Some(u16::from_be_bytes([v0, v1]) & 0x0fff).filter(|id| is_tagged && *id != 0);
        Layer2 {
            source: Some([s0, s1, s2, s3, s4, s5]),
            destination: Some([d0, d1, d2, d3, d4, d5]),
            vlan,
            inner_vlan: None,
        }
    }
}

/// An IP header with its addresses as numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ip {
    pub(crate) source: u128,
    pub(crate) destination: u128,
    pub(crate) protocol: u8,
    pub(crate) ttl: u8,
    pub(crate) total_len: u32,
    pub(crate) header_len: u32,
}

impl Ip {
    /// An IPv4 address in its mapped form.
    #[inline(always)]
    pub(crate) fn mapped(octets: [u8; 4]) -> u128 {
        0xffff << 32 | u128::from(u32::from_be_bytes(octets))
    }

    #[inline(always)]
    pub(crate) fn is_v4(self) -> bool {
        self.source >> 32 == 0xffff
    }

    #[inline(always)]
    pub(crate) fn ends(self) -> (Addr, Addr) {
        (Addr(self.source.to_be_bytes()), Addr(self.destination.to_be_bytes()))
    }

    #[inline(always)]
    pub(crate) fn header(self) -> IpHeader {
        let (source, destination) = self.ends();
        let Self { protocol, ttl, total_len, header_len, .. } = self;
        IpHeader { source, destination, protocol, ttl, total_len, header_len }
    }
}

impl From<IpHeader> for Ip {
    #[inline(always)]
    fn from(header: IpHeader) -> Self {
        let IpHeader { source, destination, protocol, ttl, total_len, header_len } = header;
        Self {
            source: u128::from_be_bytes(source.0),
            destination: u128::from_be_bytes(destination.0),
            protocol,
            ttl,
            total_len,
            header_len,
        }
    }
}
