//! The outermost addresses of a frame, for load balancing: far less than a decode.
//!
//! Both directions of a connection, and all fragments of a datagram, have the same pair of addresses; so a symmetric
//! hash over it keeps them on one worker.

use record::Addr;

use crate::Frame;
use crate::link::{self, LinkType};

/// Source and destination of the outermost IP header, as they are in its fixed part; `None` when there is none.
#[inline]
pub fn addresses(link: LinkType, frame: &Frame<'_>) -> Option<(Addr, Addr)> {
    let header = link::ip_header(link, frame)?;
    match header.first()? >> 4 {
        4 => {
            let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header.first_chunk::<20>()?;
            Some((Addr::v4([s0, s1, s2, s3]), Addr::v4([d0, d1, d2, d3])))
        }
        6 => {
            let addresses = header.first_chunk::<40>()?.last_chunk::<32>()?;
            Some((Addr::v6(*addresses.first_chunk()?), Addr::v6(*addresses.last_chunk()?)))
        }
        _ => None,
    }
}

/// The input of a symmetric flow hash: the two outermost addresses in ascending order, so both directions give the same.
#[inline]
pub fn flow_hash_input(link: LinkType, frame: &Frame<'_>) -> Option<[u8; 32]> {
    let (source, destination) = addresses(link, frame)?;
    let (low, high) = if source <= destination { (source, destination) } else { (destination, source) };
    let mut input = [0; 32];
    let (first, second) = input.split_at_mut(16);
    first.copy_from_slice(&low.0);
    second.copy_from_slice(&high.0);
    Some(input)
}
