//! Flow load balancing: which worker a frame belongs to.
//!
//! What one worker writes and what several write is the same, record by record, but for what no choice by the outermost
//! addresses can keep together:
//!
//! * A connection inside tunnels whose packets travel between different outer hosts, such as GRE or VXLAN by two routers
//!   for the two directions. Each outer pair's worker sees its part and writes a record of that part. Balancing by the
//!   inner addresses would tear the outer connection apart instead, and needs the whole decoding. Teredo, where that is
//!   the rule, is kept on one worker.
//! * The same, Teredo included, where a port balances in hardware.
//! * A file fetched in pieces from several servers under one name: each server's worker has its pieces.
//! * Limits of memory, which each worker has for itself.

use packet::{Frame, LinkType, hosts};
use record::Addr;

/// Odd constants with well-mixed bits (fractional parts of the square roots of 2 and 3).
const KEYS: [u64; 2] = [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b];

/// A symmetric hash of the outermost address pair: the same for both directions of a connection and for all fragments
/// of a packet. `None` for frames without an IP header, which any worker may take.
///
/// Ports are left out on purpose: fragments have none, and connections that belong together (FTP control and data,
/// SIP and media) run between the same two hosts.
#[inline]
pub fn flow_hash(link: LinkType, frame: &Frame<'_>) -> Option<u64> {
    let hosts = hosts(link, frame)?;
    if hosts.is_teredo {
        return Some(KEYS[0]);
    }
    let (a, b) = (fold(hosts.source), fold(hosts.destination));
    Some(mix(a.min(b) ^ KEYS[0], a.max(b) ^ KEYS[1]))
}

/// Entries of the indirection table: far more than workers, so that they can be evened out, and as many as a large card
/// has.
pub const BUCKETS: usize = 1024;

/// The bucket of a frame: its entry in the indirection table. What has no hash is in the first one.
#[inline]
pub fn bucket(link: LinkType, frame: &Frame<'_>) -> u16 {
    flow_hash(link, frame).map_or(0, |hash| (hash % BUCKETS as u64) as u16)
}

#[inline]
fn fold(address: Addr) -> u64 {
    let value = u128::from_be_bytes(address.0);
    mix((value >> 64) as u64 ^ KEYS[1], value as u64 ^ KEYS[0])
}

/// Both halves of the 128-bit product, folded: every bit of the result depends on every bit of both factors.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}
