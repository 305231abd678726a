//! SSH (RFC 4253): banners, key exchange with curve25519 (RFC 8731), then encrypted packets.

use super::super::conversation::{Conversation, MICROSECOND};
use super::super::filler::Kind;
use super::super::random::Random;
use super::thinking;

const CLIENTS: [&str; 4] = [
    "SSH-2.0-OpenSSH_9.7",
    "SSH-2.0-OpenSSH_8.9p1 Ubuntu-3",
    "SSH-2.0-PuTTY_Release_0.81",
    "SSH-2.0-libssh_0.10.6",
];
const SERVERS: [&str; 3] =
    ["SSH-2.0-OpenSSH_9.6", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", "SSH-2.0-dropbear_2024.85"];

const KEXINIT: u8 = 20;
const NEWKEYS: u8 = 21;
const KEX_ECDH_INIT: u8 = 30;
const KEX_ECDH_REPLY: u8 = 31;

/// The lists of a key exchange: methods, host keys, ciphers, MACs, compression (RFC 4253, section 7.1).
const METHODS: &str =
    "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group16-sha512";
const HOST_KEYS: &str = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256";
const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes128-ctr,aes256-ctr,aes128-gcm@openssh.com";
const MACS: &str = "umac-64-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512";
const COMPRESSION: &str = "none,zlib@openssh.com";

/// One session: log in, then some dialogue.
pub(super) fn conversation(random: &mut Random) -> Conversation {
    let mut conversation = Conversation::tcp();
    conversation.segment_gap = 0;
    let banner = |name: &str| [name.as_bytes(), b"\r\n"].concat();
    let (client, server) = (random.pick(&CLIENTS), random.pick(&SERVERS));
    conversation.request(200 * MICROSECOND, &banner(client));
    conversation.response(thinking(random, 3), &banner(server));
    conversation.request(thinking(random, 1), &key_exchange(random));
    conversation.response(thinking(random, 1), &key_exchange(random));
    let mut init = vec![KEX_ECDH_INIT];
    string(&mut init, &random.octets::<32>());
    conversation.request(thinking(random, 1), &packet(random, &init));
    let mut host_key = Vec::new();
    string(&mut host_key, b"ssh-ed25519");
    string(&mut host_key, &random.octets::<32>());
    let mut signature = Vec::new();
    string(&mut signature, b"ssh-ed25519");
    string(&mut signature, &random.octets::<64>());
    let mut reply = vec![KEX_ECDH_REPLY];
    string(&mut reply, &host_key);
    string(&mut reply, &random.octets::<32>());
    string(&mut reply, &signature);
    let mut replied = packet(random, &reply);
    replied.extend_from_slice(&packet(random, &[NEWKEYS]));
    conversation.response(thinking(random, 3), &replied);
    let new_keys = packet(random, &[NEWKEYS]);
    conversation.request(thinking(random, 1), &new_keys);
    // Service request, authentication, session, then commands: packets of cipher blocks and a MAC.
    for (request, response) in [(44, 44), (60, 60), (148, 28), (112, 500), (76, 108)] {
        conversation.request(thinking(random, 4), &[]).fill(Kind::Noise, request);
        conversation.response(thinking(random, 4), &[]).fill(Kind::Noise, response);
    }
    for _ in 0..random.between(2, 30) {
        conversation.request(thinking(random, 15), &[]).fill(Kind::Noise, 36);
        let octets = 36 + 8 * random.between(0, 120);
        conversation.response(thinking(random, 3), &[]).fill(Kind::Noise, octets);
    }
    conversation
}

fn key_exchange(random: &mut Random) -> Vec<u8> {
    let mut message = vec![KEXINIT];
    message.extend_from_slice(&random.octets::<16>());
    for list in [METHODS, HOST_KEYS, CIPHERS, CIPHERS, MACS, MACS, COMPRESSION, COMPRESSION, "", ""] {
        string(&mut message, list.as_bytes());
    }
    message.extend_from_slice(&[0; 5]);
    packet(random, &message)
}

/// A packet before there are keys: length, length of the padding, message, padding to blocks of 8 (RFC 4253, section 6).
fn packet(random: &mut Random, message: &[u8]) -> Vec<u8> {
    let padding = 4 + (8 - (5 + message.len() + 4) % 8) % 8;
    let mut packet = ((1 + message.len() + padding) as u32).to_be_bytes().to_vec();
    packet.push(padding as u8);
    packet.extend_from_slice(message);
    let padded = random.octets::<16>();
    packet.extend_from_slice(padded.get(..padding).unwrap_or_default());
    packet
}

fn string(to: &mut Vec<u8>, octets: &[u8]) {
    to.extend_from_slice(&(octets.len() as u32).to_be_bytes());
    to.extend_from_slice(octets);
}
