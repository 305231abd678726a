//! QUIC (RFC 9000) to UDP port 443: initial packets that can be opened as every observer can (RFC 9001, section 5.2),
//! with real hellos; what follows is encrypted with keys that nobody has, so it is noise behind the right headers.

use ring::aead::quic::{AES_128, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

use super::super::conversation::{Conversation, MICROSECOND};
use super::super::filler::Kind;
use super::super::names;
use super::super::random::{Random, Sizes};
use super::hello::{Hello, SUITES_13, Variant, client_hello, server_hello};
use super::thinking;

/// The salt of version 1 (RFC 9001, section 5.2).
const SALT: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];
const VERSION: [u8; 4] = [0, 0, 0, 1];
/// First octets of long headers, with packet numbers of two octets (RFC 9000, section 17.2).
const INITIAL: u8 = 0xc1;
const HANDSHAKE: u8 = 0xe1;
/// First octet of a short header.
const SHORT: u8 = 0x40;
/// Octets of a packet number.
const NUMBER: usize = 2;
/// Octets of an authentication tag.
const TAG: usize = 16;
/// Octets of connection identifiers.
const ID: usize = 8;
type Id = [u8; ID];
/// Octets of datagrams that carry initial packets (RFC 9000, section 14.1), and of full ones.
const DATAGRAM: usize = 1_252;

/// Which side's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
}

/// A request and its response, in datagrams of 1,252 octets with an acknowledgment for every eight of them.
pub(super) fn conversation(random: &mut Random, server: u32, body: Sizes) -> Conversation {
    let mut name = Vec::with_capacity(64);
    names::host(&mut name, server, random.below(8) as u32);
    let hello = Hello { name: &name, variant: Variant::Quic, session: [0; 32] };
    let (destination, client, own) = (random.octets::<ID>(), random.octets::<ID>(), random.octets::<ID>());
    let mut conversation = Conversation::udp();

    let mut asked = Vec::with_capacity(512);
    client_hello(&mut asked, random, &hello);
    conversation.say(false, 0, |to| {
        // All sizes are far below what a cipher takes, which is its only reason to fail.
        let _ = initial(to, Sender::Client, destination, (destination, client), &asked, DATAGRAM);
    });
    let mut answered = Vec::with_capacity(128);
    let suite = random.pick(&SUITES_13);
    server_hello(&mut answered, random, &hello, suite, false);
    let pause = thinking(random, 4);
    conversation.say(true, pause, |to| {
        let _ = initial(to, Sender::Server, destination, (client, own), &answered, 0);
        handshake(to, (client, own), DATAGRAM, random);
    });
    for _ in 0..random.between(1, 2) {
        conversation.say(true, 20 * MICROSECOND, |to| handshake(to, (client, own), DATAGRAM, random));
    }
    let pause = thinking(random, 1);
    conversation.say(false, pause, |to| handshake(to, (own, client), 90, random));

    let short = |id: Id, random: &mut Random| {
        let mut header = vec![SHORT | random.bits() as u8 & 0x3f];
        header.extend_from_slice(&id);
        header
    };
    let (to_server, to_client) = (short(own, random), short(client, random));
    let pause = thinking(random, 5);
    conversation.request(pause, &to_server).fill(Kind::Noise, random.between(80, 1_200));
    let pause = thinking(random, 10);
    conversation.response(pause, &to_client).fill(Kind::Noise, random.between(40, 1_200));
    let gap = random.between(8, 80) * MICROSECOND;
    let lap_start = conversation.messages.len();
    let datagrams = body.draw(random) / DATAGRAM as u64;
    let lap = datagrams.clamp(1, 8);
    for _ in 0..lap {
        conversation.response(gap, &to_client).fill(Kind::Noise, (DATAGRAM - 1 - ID) as u64);
    }
    conversation.request(gap, &to_server).fill(Kind::Noise, 30);
    conversation.repeat(lap_start, (datagrams / lap) as u32);
    conversation
}

/// Appends a variable-length integer of two octets (RFC 9000, section 16).
fn two_octets(to: &mut Vec<u8>, value: usize) {
    to.extend_from_slice(&(value as u16 & 0x3fff | 0x4000).to_be_bytes());
}

/// Appends a long header up to its length field.
fn long_header(to: &mut Vec<u8>, first: u8, (destination, source): (Id, Id)) {
    to.push(first);
    to.extend_from_slice(&VERSION);
    for id in [destination, source] {
        to.push(ID as u8);
        to.extend_from_slice(&id);
    }
}

/// Fills a datagram up to `end` octets with a handshake packet.
fn handshake(to: &mut Vec<u8>, ids: (Id, Id), end: usize, random: &mut Random) {
    // Form and type bits of the first octet are not under header protection.
    long_header(to, HANDSHAKE & 0xf0 | random.bits() as u8 & 0x0f, ids);
    let length = end.saturating_sub(to.len() + 2);
    two_octets(to, length);
    let start = to.len();
    to.resize(start + length, 0);
    random.fill(to.get_mut(start..).unwrap_or_default());
}

/// Appends an initial packet with a message of TLS, padded so that it ends at `end` or later. `original` is the
/// destination of the client's first packet, from which both sides' keys come.
fn initial(
    to: &mut Vec<u8>,
    sender: Sender,
    original: Id,
    ids: (Id, Id),
    message: &[u8],
    end: usize,
) -> Result<(), Unspecified> {
    let start = to.len();
    long_header(to, INITIAL, ids);
    // No token.
    to.push(0);
    let length_at = to.len();
    let number_at = length_at + 2;
    to.extend_from_slice(&[0; 2 + NUMBER]);
    let body_at = to.len();
    if sender == Sender::Server {
        // ACK of packet 0 (RFC 9000, section 19.3).
        to.extend_from_slice(&[2, 0, 0, 0, 0]);
    }
    // CRYPTO from offset 0 (section 19.6), then PADDING.
    to.extend_from_slice(&[6, 0]);
    two_octets(to, message.len());
    to.extend_from_slice(message);
    let padded = end.saturating_sub(TAG).max(to.len());
    to.resize(padded, 0);
    let mut length = Vec::with_capacity(2);
    two_octets(&mut length, padded + TAG - number_at);
    if let Some(field) = to.get_mut(length_at..number_at) {
        field.copy_from_slice(&length);
    }

    let keys = Keys::new(original, sender)?;
    let (head, body) = to.split_at_mut_checked(body_at).ok_or(Unspecified)?;
    let header = head.get(start..).ok_or(Unspecified)?;
    // The packet number is 0, so that the nonce is the initialization vector.
    let nonce = Nonce::assume_unique_for_key(keys.iv);
    let tag = keys.aead.seal_in_place_separate_tag(nonce, Aad::from(header), body)?;
    to.extend_from_slice(tag.as_ref());
    // Header protection (RFC 9001, section 5.4.1).
    let sample = to.get(number_at + 4..number_at + 4 + TAG).ok_or(Unspecified)?;
    let [first, number @ ..] = keys.header.new_mask(sample)?;
    if let Some(octet) = to.get_mut(start) {
        *octet ^= first & 0x0f;
    }
    for (octet, mask) in to.iter_mut().skip(number_at).take(NUMBER).zip(number) {
        *octet ^= mask;
    }
    Ok(())
}

/// Keys of a side's initial packets.
struct Keys {
    aead: LessSafeKey,
    iv: [u8; NONCE_LEN],
    header: HeaderProtectionKey,
}

impl Keys {
    fn new(original: Id, sender: Sender) -> Result<Self, Unspecified> {
        let secret = Salt::new(HKDF_SHA256, &SALT).extract(&original);
        let label = match sender {
            Sender::Client => "client in",
            Sender::Server => "server in",
        };
        let secret = Prk::new_less_safe(HKDF_SHA256, &expand::<32>(&secret, label)?);
        let key = expand::<16>(&secret, "quic key")?;
        Ok(Self {
            aead: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?),
            iv: expand(&secret, "quic iv")?,
            header: HeaderProtectionKey::new(&AES_128, &expand::<16>(&secret, "quic hp")?)?,
        })
    }
}

/// Length of an output.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label without context (RFC 8446, section 7.1).
fn expand<const N: usize>(secret: &Prk, label: &str) -> Result<[u8; N], Unspecified> {
    const PREFIX: &[u8] = b"tls13 ";
    let length = (N as u16).to_be_bytes();
    let label_length = [(PREFIX.len() + label.len()) as u8];
    let info: [&[u8]; 5] = [&length, &label_length, PREFIX, label.as_bytes(), &[0]];
    let mut output = [0; N];
    secret.expand(&info, Length(N))?.fill(&mut output)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_standard() {
        // RFC 9001, appendix A.1.
        let original = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let keys = Keys::new(original, Sender::Client).unwrap();
        assert_eq!(keys.iv, [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c]);
    }
}
