//! Negotiation of algorithms (RFC 4253, section 7.1), and which message of a key exchange has the host key.

use super::parse::{KexInit, Packet, string};

/// Names of a list beyond these are not looked at, since every pair of names is compared.
const MAX_NAMES: usize = 256;

/// What is written when the peers have no algorithm in common.
const FAILED: &[u8] = b"Algorithm negotiation failed";

/// The algorithms of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Algorithms {
    pub(super) cipher: Vec<u8>,
    pub(super) mac: Vec<u8>,
    pub(super) compression: Vec<u8>,
    pub(super) kex: Vec<u8>,
    pub(super) host_key: Vec<u8>,
}

impl Algorithms {
    /// Negotiates between what client and server offer.
    pub(super) fn negotiate(client: &KexInit<'_>, server: &KexInit<'_>) -> Self {
        Self {
            cipher: both_ways(client.ciphers, server.ciphers),
            mac: both_ways(client.macs, server.macs),
            compression: both_ways(client.compressions, server.compressions),
            kex: choose(client.kex, server.kex).to_vec(),
            host_key: choose(client.host_key, server.host_key).to_vec(),
        }
    }

    /// Whether payload is compressed, so that its size tells nothing.
    pub(super) fn is_compressed(&self) -> bool {
        self.compression == b"zlib" || self.compression == b"zlib@openssh.com"
    }
}

fn names(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|octet| *octet == b',').filter(|name| !name.is_empty()).take(MAX_NAMES)
}

/// The client's first name that the server has too.
fn choose<'p>(client: &'p [u8], server: &[u8]) -> &'p [u8] {
    names(client).find(|name| names(server).any(|other| other == *name)).unwrap_or(FAILED)
}

fn both_ways(client: [&[u8]; 2], server: [&[u8]; 2]) -> Vec<u8> {
    let to_server = choose(client[0], server[0]);
    let to_client = choose(client[1], server[1]);
    if to_server == to_client {
        to_server.to_vec()
    } else {
        [b"To server: ", to_server, b", to client: ", to_client].concat()
    }
}

/// Families of key exchange: they differ in their messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Fixed Diffie-Hellman group (RFC 4253, section 8), elliptic curve (RFC 5656) and the hybrids after it.
    Plain,
    /// Diffie-Hellman group of the server's choice (RFC 4419).
    GroupExchange,
    /// GSS-API (RFC 4462).
    Gss,
    /// RSA (RFC 4432).
    Rsa,
}

impl Family {
    /// The family of an algorithm.
    pub(super) fn of(algorithm: &[u8]) -> Option<Self> {
        const PLAIN: [&[u8]; 8] = [
            b"diffie-hellman-group",
            b"ecdh-sha2-",
            b"ecmqv-sha2",
            b"curve25519-sha256",
            b"curve448-sha512",
            b"sntrup",
            b"mlkem",
            b"sm2kep-sha2-",
        ];
        if algorithm.starts_with(b"diffie-hellman-group-exchange-") {
            Some(Self::GroupExchange)
        } else if PLAIN.iter().any(|prefix| algorithm.starts_with(prefix)) {
            Some(Self::Plain)
        } else if algorithm.starts_with(b"gss-") {
            Some(Self::Gss)
        } else if algorithm == b"rsa1024-sha1" || algorithm == b"rsa2048-sha256" {
            Some(Self::Rsa)
        } else {
            None
        }
    }

    /// The server's host key, where the packet carries it first.
    pub(super) fn host_key(self, packet: Packet<'_>) -> Option<&[u8]> {
        let carrier = match self {
            Self::Plain => 31,
            Self::GroupExchange | Self::Gss => 33,
            Self::Rsa => return None,
        };
        if packet.message == carrier { string(packet.payload).map(|(key, _)| key) } else { None }
    }
}
