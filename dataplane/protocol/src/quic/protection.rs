//! Protection of Initial packets: keys from the client's first destination connection id, header protection and
//! AES-128-GCM (RFC 9001, sections 5.2 to 5.4; RFC 9369, section 3.3; the drafts differ in the salt only).

use std::fmt;

use ring::aead::quic::{AES_128, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use super::parse::{Initial, VERSION_2};
use crate::Direction;

const SALT_VERSION_1: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];
const SALT_VERSION_2: [u8; 20] = [
    0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9,
    0xbd, 0x2e, 0xd9,
];
const SALT_DRAFT_22: [u8; 20] = [
    0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a,
    0x02, 0x64, 0x4a,
];
const SALT_DRAFT_23: [u8; 20] = [
    0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe,
    0xf9, 0xf5, 0x02,
];
const SALT_DRAFT_29: [u8; 20] = [
    0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43,
    0x90, 0xa8, 0x99,
];

const fn salt(version: u32) -> [u8; 20] {
    match version {
        VERSION_2 => SALT_VERSION_2,
        0xff00_0016 | 0xface_b001 => SALT_DRAFT_22,
        0xff00_0017..=0xff00_001c | 0xface_b002..=0xface_b013 => SALT_DRAFT_23,
        0xff00_001d..=0xff00_0020 => SALT_DRAFT_29,
        _ => SALT_VERSION_1,
    }
}

const KEY_LEN: usize = 16;
const SECRET_LEN: usize = 32;
/// The packet number's longest form, which the sample's place counts with.
const MAX_NUMBER_LEN: usize = 4;
const SAMPLE_LEN: usize = 16;

/// A packet does not open with the keys of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Undecipherable;

impl From<ring::error::Unspecified> for Undecipherable {
    fn from(_: ring::error::Unspecified) -> Self {
        Self
    }
}

/// What protects the Initial packets of one direction.
pub(super) struct Protection {
    header: HeaderProtectionKey,
    payload: LessSafeKey,
    iv: [u8; NONCE_LEN],
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protection")
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// `HKDF-Expand-Label` without context (RFC 8446, section 7.1).
fn expand<const N: usize>(secret: &Prk, label: &str) -> Result<[u8; N], Undecipherable> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = (N as u16).to_be_bytes();
    let label_len = [(PREFIX.len() + label.len()) as u8];
    let info: [&[u8]; 5] = [&length, &label_len, PREFIX, label.as_bytes(), &[0]];
    let mut out = [0; N];
    secret.expand(&info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

impl Protection {
    /// Keys of one direction, from the destination connection id of the client's first Initial packet.
    pub(super) fn new(version: u32, connection_id: &[u8], sender: Direction) -> Result<Self, Undecipherable> {
        let initial = Salt::new(HKDF_SHA256, &salt(version)).extract(connection_id);
        let label = match sender {
            Direction::Originator => "client in",
            Direction::Responder => "server in",
        };
        let secret = Prk::new_less_safe(HKDF_SHA256, &expand::<SECRET_LEN>(&initial, label)?);
        let [key, iv, header] = match version {
            VERSION_2 => ["quicv2 key", "quicv2 iv", "quicv2 hp"],
            _ => ["quic key", "quic iv", "quic hp"],
        };
        Ok(Self {
            header: HeaderProtectionKey::new(&AES_128, &expand::<KEY_LEN>(&secret, header)?)?,
            payload: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &expand::<KEY_LEN>(&secret, key)?)?),
            iv: expand(&secret, iv)?,
        })
    }

    /// Opens an Initial packet: its frames.
    pub(super) fn open(&self, initial: Initial<'_>) -> Result<Vec<u8>, Undecipherable> {
        let Initial { packet, number_offset } = initial;
        let sample = packet
            .get(number_offset..)
            .and_then(|protected| protected.get(MAX_NUMBER_LEN..MAX_NUMBER_LEN + SAMPLE_LEN))
            .ok_or(Undecipherable)?;
        let [first_mask, number_mask @ ..] = self.header.new_mask(sample)?;
        let mut buffer = packet.to_vec();
        let first = buffer.first_mut().ok_or(Undecipherable)?;
        *first ^= first_mask & 0x0f;
        let number_len = usize::from(*first & 3) + 1;
        let header_len = number_offset.checked_add(number_len).ok_or(Undecipherable)?;
        let (header, payload) = buffer.split_at_mut_checked(header_len).ok_or(Undecipherable)?;
        let mut number = 0u64;
        for (octet, mask) in header.iter_mut().skip(number_offset).zip(number_mask) {
            *octet ^= mask;
            number = number << 8 | u64::from(*octet);
        }
        let length = self.payload.open_in_place(self.nonce(number), Aad::from(header), payload)?.len();
        buffer.drain(..header_len);
        buffer.truncate(length);
        Ok(buffer)
    }

    fn nonce(&self, number: u64) -> Nonce {
        let mut nonce = self.iv;
        for (octet, number) in nonce.iter_mut().rev().zip(number.to_le_bytes()) {
            *octet ^= number;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Protects a packet, for tests: `header` ends with a packet number of four octets.
    #[cfg(test)]
    pub(super) fn seal(&self, header: &[u8], number: u32, frames: &[u8]) -> Vec<u8> {
        let mut payload = frames.to_vec();
        self.payload
            .seal_in_place_append_tag(self.nonce(u64::from(number)), Aad::from(header), &mut payload)
            .expect("sealed");
        let mask = self.header.new_mask(&payload[..SAMPLE_LEN]).expect("mask");
        let mut packet = header.to_vec();
        packet[0] ^= mask[0] & 0x0f;
        let number_offset = header.len() - MAX_NUMBER_LEN;
        for (octet, mask) in packet[number_offset..].iter_mut().zip(&mask[1..]) {
            *octet ^= mask;
        }
        packet.extend(payload);
        packet
    }
}
