//! Unique ids of connections and files, in Zeek's form, and the Community ID of a flow.

use std::fmt;
use std::hash::Hasher;

use data_encoding::BASE64;
use sha1::{Digest, Sha1};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::{Endpoints, Time};

const BASE62: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Unique id of a connection: 96 bits, written as `C` and up to 17 base-62 digits, least significant first, as Zeek
/// does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uid {
    high: u32,
    /// Upper and lower half, so that an id takes no more room than it has bits.
    low: [u32; 2],
}

/// Unique id of a file: as [`Uid`], with `F` in front.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(Uid);

impl Uid {
    /// Appends the text form.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.write_with_prefix(b'C', out);
    }

    fn write_with_prefix(self, prefix: u8, out: &mut Vec<u8>) {
        out.push(prefix);
        base62(u64::from(self.high), out);
        base62(self.low(), out);
    }

    fn of(hasher: &SipHasher24) -> Self {
        let hash = hasher.finish128();
        Self { high: hash.h1 as u32, low: [(hash.h2 >> 32) as u32, hash.h2 as u32] }
    }

    fn low(self) -> u64 {
        let [upper, lower] = self.low;
        u64::from(upper) << 32 | u64::from(lower)
    }
}

impl FileId {
    /// Appends the text form.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.0.write_with_prefix(b'F', out);
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(18);
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(18);
        self.write(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

fn base62(mut value: u64, out: &mut Vec<u8>) {
    loop {
        out.push(BASE62[(value % 62) as usize]);
        value /= 62;
        if value == 0 {
            return;
        }
    }
}

/// Makes the unique ids of one run.
///
/// An id is a keyed hash of what it identifies, so that it does not depend on how many workers share the traffic
/// nor on the order in which they run.
#[derive(Debug, Clone, Copy)]
pub struct IdSource {
    key: [u8; 16],
}

impl IdSource {
    /// A source of ids; the same key and the same traffic give the same ids.
    pub const fn new(key: [u8; 16]) -> Self {
        Self { key }
    }

    /// A source for tests and repeatable runs.
    pub const fn seeded(seed: u64) -> Self {
        let s = seed.to_le_bytes();
        Self::new([s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], b'b', b'a', b'l', b'e', b'e', b'n', 0, 1])
    }

    /// The id of a connection by its first packet: time, endpoints as sent, and the frame's number in its source,
    /// which tells apart two connections with equal endpoints at the same instant.
    pub fn uid(&self, start: Time, endpoints: &Endpoints, ip_proto: u8, frame: u64) -> Uid {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u64(start.0);
        hasher.write(&endpoints.orig_h.0);
        hasher.write(&endpoints.resp_h.0);
        hasher.write_u16(endpoints.orig_p);
        hasher.write_u16(endpoints.resp_p);
        hasher.write_u8(ip_proto);
        hasher.write_u64(frame);
        Uid::of(&hasher)
    }

    /// The id of a file by its connection and a number that is unique there.
    pub fn file_id(&self, uid: Uid, number: u64) -> FileId {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write_u8(b'F');
        hasher.write_u32(uid.high);
        hasher.write_u64(uid.low());
        hasher.write_u64(number);
        FileId(Uid::of(&hasher))
    }
}

/// Community ID version 1 of a flow (Corelight's specification "Community ID Flow Hashing"), with seed `seed`.
///
/// For ICMP the ports are type and code or counterpart type; `one_way` says that the message type has no counterpart.
/// Ports are part of it for TCP, UDP, SCTP and ICMP only. Where both addresses are the same, Zeek orders the ports by
/// their octets in reverse; so does this, since the ids are there to be joined with those of Zeek.
pub fn community_id(seed: u16, endpoints: &Endpoints, ip_proto: u8, one_way: bool) -> String {
    let Endpoints { orig_h, orig_p, resp_h, resp_p } = *endpoints;
    let in_order = one_way || (orig_h, orig_p.swap_bytes()) <= (resp_h, resp_p.swap_bytes());
    let [first, second] =
        if in_order { [(orig_h, orig_p), (resp_h, resp_p)] } else { [(resp_h, resp_p), (orig_h, orig_p)] };
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    for (address, _) in [first, second] {
        match address.as_v4() {
            Some(octets) => hash.update(octets),
            None => hash.update(address.0),
        }
    }
    hash.update([ip_proto, 0]);
    if matches!(ip_proto, 1 | 6 | 17 | 58 | 132) {
        for (_, port) in [first, second] {
            hash.update(port.to_be_bytes());
        }
    }
    let mut text = String::with_capacity(30);
    text.push_str("1:");
    BASE64.encode_append(&hash.finalize(), &mut text);
    text
}
