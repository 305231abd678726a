//! Lines and packets of SSH before encryption (RFC 4253; SSH 1.5 as in `draft-ylonen-ssh-protocol-00`).

/// Longest line of the identification exchange that is waited for. RFC 4253 allows 255 octets.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// Longest packet that is waited for. RFC 4253 asks for 35,000 octets; OpenSSH takes 256 KiB.
pub(super) const MAX_PACKET: usize = 256 * 1024;

/// Messages of SSH-2 that matter here (RFC 4253, section 12).
pub(super) mod message {
    /// Last of the numbers for the transport itself (disconnect, ignore, debug, extension info ...).
    pub(in crate::ssh) const LAST_GENERIC: u8 = 19;
    /// `SSH_MSG_KEXINIT`.
    pub(in crate::ssh) const KEXINIT: u8 = 20;
    /// `SSH_MSG_NEWKEYS`.
    pub(in crate::ssh) const NEWKEYS: u8 = 21;
    /// `SSH_SMSG_PUBLIC_KEY` of SSH-1.
    pub(in crate::ssh) const V1_PUBLIC_KEY: u8 = 2;
    /// `SSH_CMSG_SESSION_KEY` of SSH-1.
    pub(in crate::ssh) const V1_SESSION_KEY: u8 = 3;
}

/// What a peer's identification says that it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    /// SSH-1 only.
    V1,
    /// `SSH-1.99`: both.
    Both,
    /// SSH-2.
    V2,
}

/// Protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// SSH-1.
    V1,
    /// SSH-2.
    V2,
}

impl Speaks {
    /// Reads the version digit of an identification line.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        match line.get(4)? {
            b'2' => Some(Self::V2),
            b'1' if line.get(6..8) == Some(b"99") => Some(Self::Both),
            b'1' => Some(Self::V1),
            _ => None,
        }
    }

    /// What two peers agree on (RFC 4253, section 5).
    pub(super) const fn agree(self, other: Self) -> Option<Version> {
        match (self, other) {
            (Self::V1, Self::V2) | (Self::V2, Self::V1) => None,
            (Self::V1, _) | (_, Self::V1) => Some(Version::V1),
            _ => Some(Version::V2),
        }
    }
}

/// Takes the first line: the line without its end, and what follows.
pub(super) fn line(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = octets.iter().position(|octet| *octet == b'\n')?;
    let (line, rest) = octets.split_at_checked(end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest.get(1..)?))
}

/// A packet of the key exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'p> {
    /// Message number.
    pub(super) message: u8,
    /// What follows the number.
    pub(super) payload: &'p [u8],
}

/// The beginning of a stream, as far as it makes a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framed<'p> {
    /// More octets are needed.
    Incomplete,
    /// A packet, and what follows it.
    Packet(Packet<'p>, &'p [u8]),
    /// The stream is not made of packets.
    Malformed(&'static str),
}

/// Takes the first packet of the stream.
pub(super) fn packet(version: Version, octets: &[u8]) -> Framed<'_> {
    let Some((length, rest)) = octets.split_first_chunk::<4>() else { return Framed::Incomplete };
    let length = u32::from_be_bytes(*length) as usize;
    if length > MAX_PACKET {
        return Framed::Malformed("packet too long");
    }
    // In SSH-1 the length leaves out the padding that stands in front.
    let padding = match version {
        Version::V1 => 8 - length % 8,
        Version::V2 => 0,
    };
    let Some((body, rest)) = rest.split_at_checked(length + padding) else { return Framed::Incomplete };
    let parsed = match version {
        Version::V1 => v1_body(body, padding),
        Version::V2 => v2_body(body),
    };
    parsed.map_or(Framed::Malformed("packet shorter than its fields"), |packet| Framed::Packet(packet, rest))
}

fn v1_body(body: &[u8], padding: usize) -> Option<Packet<'_>> {
    let (message, rest) = body.get(padding..)?.split_first()?;
    // A CRC ends the packet.
    let payload = rest.get(..rest.len().checked_sub(4)?)?;
    Some(Packet { message: *message, payload })
}

fn v2_body(body: &[u8]) -> Option<Packet<'_>> {
    let (padding, rest) = body.split_first()?;
    let (message, rest) = rest.split_first()?;
    let payload = rest.get(..rest.len().checked_sub(usize::from(*padding))?)?;
    Some(Packet { message: *message, payload })
}

/// Takes a `string`: its octets, and what follows.
pub(super) fn string(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// The name lists of `SSH_MSG_KEXINIT` (RFC 4253, section 7.1), each as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KexInit<'p> {
    /// Key exchange algorithms.
    pub(super) kex: &'p [u8],
    /// Host key algorithms.
    pub(super) host_key: &'p [u8],
    /// Ciphers, client to server and server to client.
    pub(super) ciphers: [&'p [u8]; 2],
    /// MAC algorithms, likewise.
    pub(super) macs: [&'p [u8]; 2],
    /// Compression algorithms, likewise.
    pub(super) compressions: [&'p [u8]; 2],
}

/// Parses the payload of `SSH_MSG_KEXINIT`.
pub(super) fn kex_init(payload: &[u8]) -> Option<KexInit<'_>> {
    let (_cookie, mut rest) = payload.split_first_chunk::<16>()?;
    let mut lists = [&[][..]; 10];
    for list in &mut lists {
        let (names, after) = string(rest)?;
        *list = names;
        rest = after;
    }
    // Whether a guessed packet follows, and a reserved word.
    rest.get(..5)?;
    let [kex, host_key, cipher_out, cipher_in, mac_out, mac_in, compression_out, compression_in, ..] = lists;
    Some(KexInit {
        kex,
        host_key,
        ciphers: [cipher_out, cipher_in],
        macs: [mac_out, mac_in],
        compressions: [compression_out, compression_in],
    })
}
