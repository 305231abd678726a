//! The outermost addresses of a frame, for load balancing: far less than a decode.
//!
//! Both directions of a connection, and all fragments of a datagram, have the same pair of addresses; so a symmetric
//! hash over it keeps them on one worker.

use record::Addr;

use crate::Frame;
use crate::header::ip_proto;
use crate::link::{self, LinkType};

/// What the outermost IP header tells a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hosts {
    /// Source, as it is in the fixed part of the header.
    pub source: Addr,
    /// Destination, likewise.
    pub destination: Addr,
    /// Whether this is an unfragmented IPv4 packet of Teredo, by port or by what it carries: an IPv6 packet of which one
    /// address has Teredo's prefix, 2001::/32.
    ///
    /// A Teredo client talks to a server first and to relays later: the connections inside change the outer host, and
    /// only a balance that knows Teredo keeps them together.
    pub is_teredo: bool,
}

/// The hosts of the outermost IP header; `None` when there is none.
#[inline]
pub fn hosts(link: LinkType, frame: &Frame<'_>) -> Option<Hosts> {
    let header = link::ip_header(link, frame)?;
    match header.first()? >> 4 {
        4 => {
            let [.., protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] = *header.first_chunk::<20>()?;
            Some(Hosts {
                source: Addr::v4([s0, s1, s2, s3]),
                destination: Addr::v4([d0, d1, d2, d3]),
                is_teredo: protocol == ip_proto::UDP && carries_teredo(header) == Some(true),
            })
        }
        6 => {
            let addresses = header.first_chunk::<40>()?.last_chunk::<32>()?;
            Some(Hosts {
                source: Addr::v6(*addresses.first_chunk()?),
                destination: Addr::v6(*addresses.last_chunk()?),
                is_teredo: false,
            })
        }
        _ => None,
    }
}

/// UDP port of Teredo servers (RFC 4380, section 2.7).
const TEREDO_PORT: u16 = 3544;
/// Octets of an IPv6 header.
const IPV6_HEADER: usize = 40;

fn carries_teredo(header: &[u8]) -> Option<bool> {
    let [first, _, _, _, _, _, fragment_high, fragment_low, ..] = *header else { return None };
    // More fragments, or an offset.
    if u16::from_be_bytes([fragment_high, fragment_low]) & 0x3fff != 0 {
        return None;
    }
    let udp = header.get(usize::from(first & 15) * 4..)?;
    let ([s0, s1, d0, d1, _, _, _, _], payload) = udp.split_first_chunk()?;
    let ports = [u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1])];
    Some(ports.contains(&TEREDO_PORT) || is_teredo_packet(payload)?)
}

/// RFC 4380, section 5.1.1: an authentication header, an origin indication, or neither, then IPv6.
fn is_teredo_packet(mut payload: &[u8]) -> Option<bool> {
    if let [0, 1, id_len, authentication_len, ..] = *payload {
        payload = payload.get(13 + usize::from(id_len) + usize::from(authentication_len)..)?;
    }
    if let [0, 0, ..] = *payload {
        payload = payload.get(8..)?;
    }
    let header = payload.first_chunk::<IPV6_HEADER>()?;
    let prefix = [0x20, 0x01, 0, 0];
    Some(header[0] >> 4 == 6 && (header[8..12] == prefix || header[24..28] == prefix))
}
