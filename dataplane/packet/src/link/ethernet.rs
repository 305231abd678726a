//! Ethernet, and all headers that say by an EtherType what follows them.

use super::{MAX_HEADERS, Network, Position, ppp};
use crate::Layer2;
use crate::bytes::{be16, up_to};
use crate::decode::{Context, OtherReason};
use crate::weird::{Detail, Scope, Source, Weird, WeirdList};

/// A frame of this length or less is taken for cut, as by Zeek.
const MIN_ETHERNET: usize = 16;

const ETHERNET_HEADER: usize = 14;
/// Cisco FabricPath: an outer Ethernet header with its tag.
const FABRIC_PATH_HEADER: usize = 16;
/// EtherTypes start here; lower values are lengths up to [`MAX_802_3_LENGTH`].
const MIN_ETHER_TYPE: u16 = 1536;
const MAX_802_3_LENGTH: u16 = 1500;
/// What a SNAP header adds to LLC: organization and EtherType.
const SNAP_HEADER: usize = 5;
/// Backbone service instance tag in front of the customer's Ethernet header (IEEE 802.1ah).
const PBB_TAG: usize = 4;

pub(super) const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
pub(super) const VLAN: u16 = 0x8100;
pub(super) const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
const SERVICE_VLAN: u16 = 0x88a8;
const PBB: u16 = 0x88e7;
const FABRIC_PATH: u16 = 0x8903;
const VNTAG: u16 = 0x8926;
const QINQ: u16 = 0x9100;

/// An Ethernet frame without its checksum.
pub(super) fn frame<'f>(
    mut at: Position<'f>,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    let mut header = at.data;
    if header.len() <= MIN_ETHERNET {
        return Network::damaged(context, weirds, Weird::TruncatedEthernetFrame, Source::Ethernet);
    }
    if be16(header, 12) == Some(FABRIC_PATH) {
        if header.len() <= FABRIC_PATH_HEADER + ETHERNET_HEADER {
            return Network::damaged(context, weirds, Weird::TruncatedFabricPath, Source::Ethernet);
        }
        at = at.skip(FABRIC_PATH_HEADER);
        header = at.data;
    }
    let Some([d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1]) =
        header.first_chunk::<ETHERNET_HEADER>()
    else {
        return Network::damaged(context, weirds, Weird::TruncatedEthernetFrame, Source::Ethernet);
    };
    layer2.destination = Some([*d0, *d1, *d2, *d3, *d4, *d5]);
    layer2.source = Some([*s0, *s1, *s2, *s3, *s4, *s5]);
    let type_or_length = u16::from_be_bytes([*t0, *t1]);
    dispatch(type_or_length, at.skip(ETHERNET_HEADER), Source::Ethernet, layer2, context, weirds)
}

/// What follows a type field (or a length, as in IEEE 802.3), through any number of further tags.
pub(super) fn dispatch<'f>(
    mut ether_type: u16,
    mut at: Position<'f>,
    mut source: Source,
    layer2: &mut Layer2,
    context: Context,
    weirds: &mut WeirdList,
) -> Network<'f> {
    loop {
        if at.depth >= MAX_HEADERS {
            return Network::damaged(context, weirds, Weird::MaxDepthExceeded, source);
        }
        match ether_type {
            IPV4 | IPV6 => return at.ip(),
            ARP | RARP => return Network::Other(OtherReason::Arp),
            VLAN | SERVICE_VLAN | QINQ => {
                let (Some(tag), Some(inner), true) = (be16(at.data, 0), be16(at.data, 2), at.data.len() > 4)
                else {
                    return Network::damaged(context, weirds, Weird::TruncatedVlanHeader, Source::Vlan);
                };
                // Identifier 0 is a priority tag and names no VLAN (IEEE 802.1Q, section 9.6).
                let vlan = Some(tag & 0x0fff).filter(|id| *id != 0);
                if layer2.vlan.is_none() {
                    layer2.vlan = vlan;
                } else {
                    if let Some(old) = layer2.inner_vlan {
                        let detail = Detail::Vlans(old, tag & 0x0fff);
                        let weird = Weird::TripleTaggedVlan;
                        context.report_with(weirds, weird, Source::Vlan, Scope::Frame, detail);
                    }
                    layer2.inner_vlan = vlan;
                }
                ether_type = inner;
                source = Source::Vlan;
                at = at.skip(4);
            }
            MPLS | MPLS_MULTICAST => return mpls(at, context, weirds),
            PPPOE_SESSION => return ppp::over_ethernet(at, context, weirds),
            VNTAG => {
                let (Some(inner), true) = (be16(at.data, 4), at.data.len() > 6) else {
                    return Network::damaged(context, weirds, Weird::TruncatedVntagHeader, Source::Vntag);
                };
                ether_type = inner;
                source = Source::Vntag;
                at = at.skip(6);
            }
            PBB => {
                if at.data.len() <= PBB_TAG + ETHERNET_HEADER {
                    return Network::damaged(context, weirds, Weird::TruncatedPbbHeader, Source::Pbb);
                }
                let customer = at.skip(PBB_TAG);
                let Some([d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1]) =
                    customer.data.first_chunk::<ETHERNET_HEADER>()
                else {
                    return Network::damaged(context, weirds, Weird::TruncatedPbbHeader, Source::Pbb);
                };
                layer2.destination = Some([*d0, *d1, *d2, *d3, *d4, *d5]);
                layer2.source = Some([*s0, *s1, *s2, *s3, *s4, *s5]);
                ether_type = u16::from_be_bytes([*t0, *t1]);
                source = Source::Ethernet;
                at = customer.skip(ETHERNET_HEADER);
            }
            0..=MAX_802_3_LENGTH => {
                // Behind a VLAN tag, the length may include padding that a switch took off with another tag.
                if at.data.len() < usize::from(ether_type) && source != Source::Vlan {
                    return Network::damaged(context, weirds, Weird::TruncatedEthernetFrame, source);
                }
                at.data = up_to(at.data, usize::from(ether_type));
                match llc(at, context, weirds) {
                    // A length inside SNAP would make no sense, and must not nest.
                    Ok((inner, _)) if inner < MIN_ETHER_TYPE => {
                        return Network::unknown(Source::Snap, u32::from(inner));
                    }
                    Ok((inner, rest)) => {
                        ether_type = inner;
                        source = Source::Snap;
                        at = rest;
                    }
                    Err(network) => return network,
                }
            }
            _ if ether_type < MIN_ETHER_TYPE => {
                let weird = match source {
                    Source::Vlan => Weird::UndefinedVlanProtocol,
                    _ => Weird::UndefinedEtherType,
                };
                return Network::damaged(context, weirds, weird, source);
            }
            _ => return Network::unknown(source, u32::from(ether_type)),
        }
    }
}

/// IEEE 802.2 LLC with SNAP: gives the EtherType and what follows; all other LLC ends here.
fn llc<'f>(
    at: Position<'f>,
    context: Context,
    weirds: &mut WeirdList,
) -> Result<(u16, Position<'f>), Network<'f>> {
    let snap = matches!(at.data, [0xaa, 0xaa, ..]);
    if matches!(at.data, [0xff, 0xff, ..]) {
        // Novell's raw 802.3: an IPX header, whose first field is a checksum that is never used.
        return Err(Network::unknown(Source::Llc, 0xff));
    }
    let header = match at.data {
        // Unnumbered frames have a control field of one octet, all others of two.
        [_, _, control, ..] if control & 0x03 == 0x03 => 3,
        [_, _, _, _, ..] => 4,
        _ if snap => {
            return Err(Network::damaged(context, weirds, Weird::TruncatedSnapLlcHeader, Source::Snap));
        }
        _ => return Err(Network::damaged(context, weirds, Weird::TruncatedLlcHeader, Source::Llc)),
    };
    if !snap {
        return Err(Network::unknown(Source::Llc, at.data.first().map_or(0, |sap| u32::from(*sap))));
    }
    match at.data.get(header..) {
        Some([0, 0, 0, t0, t1, ..]) => Ok((u16::from_be_bytes([*t0, *t1]), at.skip(header + SNAP_HEADER))),
        // Another organization's own protocol numbers.
        Some([_, _, _, t0, t1, ..]) => {
            Err(Network::unknown(Source::Snap, u32::from(u16::from_be_bytes([*t0, *t1]))))
        }
        _ => Err(Network::damaged(context, weirds, Weird::TruncatedSnapHeader, Source::Snap)),
    }
}

/// A label stack (RFC 3032); what follows the bottom label is taken for IP.
pub(crate) fn mpls<'f>(mut at: Position<'f>, context: Context, weirds: &mut WeirdList) -> Network<'f> {
    loop {
        let Some([_, _, bottom, _, _, ..]) = at.data.first_chunk::<5>() else {
            return Network::damaged(context, weirds, Weird::TruncatedLinkHeader, Source::Mpls);
        };
        let is_bottom = bottom & 0x01 != 0;
        at = at.skip(4);
        if is_bottom {
            return at.ip();
        }
    }
}
