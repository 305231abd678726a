//! IPv6 extension headers (RFC 8200, section 4; RFC 4302; RFC 6275).

use record::Addr;

use super::IPV6_HEADER;
use crate::IpHeader;
use crate::bytes::address16;
use crate::decode::Context;
use crate::fragment::FragmentHeader;
use crate::header::ip_proto;
use crate::weird::{Detail, Scope, Source, Weird, WeirdList};

/// Length of a fragment header.
pub(crate) const FRAGMENT_HEADER: usize = 8;
/// Length of what an encapsulating security payload has in the clear.
const ESP_HEADER: usize = 8;
/// The home address option (RFC 6275, section 6.3).
const HOME_ADDRESS_OPTION: u8 = 201;

/// What the extension headers told, besides where they end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Chain {
    /// The fragment header, which is always the last one that is read.
    pub(crate) fragment: Option<FragmentHeader>,
    /// The last header is an encapsulating security payload.
    pub(crate) esp: bool,
    /// The last header is a mobility header.
    pub(crate) mobility: bool,
    /// Where the last header starts.
    pub(crate) last_start: usize,
}

/// Whether a next-header value is one of the headers read here.
#[inline]
pub(crate) const fn is_extension(next: u8) -> bool {
    matches!(
        next,
        ip_proto::HOP_BY_HOP
            | ip_proto::ROUTING
            | ip_proto::FRAGMENT
            | ip_proto::ESP
            | ip_proto::AH
            | ip_proto::DESTINATION_OPTIONS
            | ip_proto::MOBILITY
    )
}

/// Follows the chain behind the fixed header of `data`: sets protocol, header length and the true ends of the path in
/// `ip`. A header that was cut short is left where it is, as the protocol of the payload.
///
/// Each header takes at least eight octets, so the chain is no longer than the packet.
pub(super) fn walk(data: &[u8], ip: &mut IpHeader, context: Context, weirds: &mut WeirdList) -> Chain {
    let mut chain = Chain::default();
    let mut path = Path { source: ip.source, destination: ip.destination, final_set: false, home_set: false };
    let mut at = IPV6_HEADER;
    let mut next = ip.protocol;
    while is_extension(next) {
        let Some(header) = data.get(at..) else { break };
        let [following, units, ..] = *header else { break };
        let length = match next {
            ip_proto::FRAGMENT => FRAGMENT_HEADER,
            ip_proto::ESP => ESP_HEADER,
            ip_proto::AH => (usize::from(units) + 2) * 4,
            _ => (usize::from(units) + 1) * 8,
        };
        let Some(header) = header.get(..length) else { break };
        let current = next;
        chain.last_start = at;
        at += length;
        next = following;
        match current {
            ip_proto::ROUTING => path.routing(header, context, weirds),
            ip_proto::DESTINATION_OPTIONS => path.destination_options(header, context, weirds),
            ip_proto::FRAGMENT => {
                chain.fragment = fragment(header);
                break;
            }
            ip_proto::ESP => {
                chain.esp = true;
                break;
            }
            ip_proto::MOBILITY => {
                chain.mobility = true;
                break;
            }
            _ => {}
        }
    }
    ip.source = path.source;
    ip.destination = path.destination;
    ip.protocol = next;
    ip.header_len = at as u32;
    chain
}

fn fragment(header: &[u8]) -> Option<FragmentHeader> {
    let [_, _, o0, o1, i0, i1, i2, i3] = *header.first_chunk()?;
    let offset = u16::from_be_bytes([o0, o1]);
    Some(FragmentHeader {
        identification: u32::from_be_bytes([i0, i1, i2, i3]),
        offset: u32::from(offset & 0xfff8),
        more: offset & 1 != 0,
        dont_fragment: false,
    })
}

/// The ends of the path: routing headers name the last hop, home address options the true source.
struct Path {
    source: Addr,
    destination: Addr,
    final_set: bool,
    home_set: bool,
}

impl Path {
    fn report(&self, context: Context, weirds: &mut WeirdList, weird: Weird, detail: Detail) {
        let scope = Scope::Addresses(self.source, self.destination);
        context.report_with(weirds, weird, Source::None, scope, detail);
    }

    fn routing(&mut self, header: &[u8], context: Context, weirds: &mut WeirdList) {
        let [_, units, kind, segments_left, ..] = *header else { return };
        if self.final_set {
            self.report(context, weirds, Weird::MultipleRoutingHeaders, Detail::None);
            return;
        }
        let last = header.len().checked_sub(16).and_then(|at| address16(header, at));
        match kind {
            0 => {
                if segments_left > 0 && units >= 2 {
                    match last {
                        Some(address) if units % 2 == 0 => self.set_final(address),
                        _ => self.report(context, weirds, Weird::OddRouting0Len, Detail::None),
                    }
                }
                self.report(context, weirds, Weird::Routing0Hdr, Detail::None);
            }
            2 if segments_left > 0 => match last {
                Some(address) if units == 2 => self.set_final(address),
                _ => self.report(context, weirds, Weird::BadRouting2Len, Detail::None),
            },
            2 => {}
            _ => {
                self.report(context, weirds, Weird::UnknownRoutingType, Detail::Number(u32::from(kind)));
            }
        }
    }

    fn set_final(&mut self, address: [u8; 16]) {
        self.destination = Addr::v6(address);
        self.final_set = true;
    }

    fn destination_options(&mut self, header: &[u8], context: Context, weirds: &mut WeirdList) {
        let mut rest = header.get(2..).unwrap_or_default();
        while let [kind, after @ ..] = rest {
            if *kind == 0 {
                rest = after;
                continue;
            }
            let Some((option, following)) =
                after.split_first().and_then(|(length, after)| after.split_at_checked(usize::from(*length)))
            else {
                self.report(context, weirds, Weird::BadIpv6DestOptLen, Detail::None);
                return;
            };
            if *kind == HOME_ADDRESS_OPTION {
                match <[u8; 16]>::try_from(option) {
                    Ok(_) if self.home_set => {
                        self.report(context, weirds, Weird::MultipleHomeAddrOpts, Detail::None);
                    }
                    Ok(address) => {
                        self.source = Addr::v6(address);
                        self.home_set = true;
                    }
                    Err(_) => self.report(context, weirds, Weird::BadHomeAddrLen, Detail::None),
                }
            }
            rest = following;
        }
    }
}

/// Puts `next` into the header of `headers` (an IPv6 header and its extension headers) that names what follows all of
/// them, as it must be once the fragment header is gone.
pub(crate) fn set_last_next_header(headers: &mut [u8], next: u8) {
    let mut field = super::IPV6_NEXT_HEADER;
    let mut at = IPV6_HEADER;
    let Some(mut current) = headers.get(field).copied() else { return };
    while at < headers.len() {
        let units = headers.get(at + 1).copied().unwrap_or(0);
        let following = headers.get(at).copied().unwrap_or(0);
        let length = match current {
            ip_proto::AH => (usize::from(units) + 2) * 4,
            _ => (usize::from(units) + 1) * 8,
        };
        field = at;
        at += length;
        current = following;
    }
    if let Some(octet) = headers.get_mut(field) {
        *octet = next;
    }
}

/// Length field of an IPv6 header for `total_len` octets in all.
pub(crate) const fn payload_len(total_len: usize) -> u16 {
    total_len.saturating_sub(IPV6_HEADER) as u16
}
