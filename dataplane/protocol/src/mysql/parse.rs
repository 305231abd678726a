//! MySQL packets of the connection phase. Numbers are little-endian.

use crate::ssl::reader::Reader;

/// Octets of a packet's header: the length of what follows in three, and a sequence number.
const HEADER_LEN: usize = 4;
/// Capability of a client: it goes on with TLS.
const CLIENT_SSL: u32 = 0x0800;
/// Octets of a version 10 response before the user name: size of packets, character set, filler.
const RESPONSE_FIXED_LEN: usize = 4 + 1 + 23;

/// Length of a packet with its header.
pub(super) fn measure(octets: &[u8]) -> Option<u64> {
    match octets {
        [low, middle, high, _, ..] => {
            Some(u64::from(u32::from_le_bytes([*low, *middle, *high, 0])) + HEADER_LEN as u64)
        }
        _ => None,
    }
}

fn body(packet: &[u8]) -> Reader<'_> {
    Reader::new(packet.get(HEADER_LEN..).unwrap_or_default())
}

/// Checks the first packet of the server and returns the version of its protocol.
pub(super) fn handshake(packet: &[u8]) -> Result<u8, &'static str> {
    let mut body = body(packet);
    let version = body.u8().ok_or("empty handshake")?;
    let is_valid = match version {
        // Server version, connection id, first part of the challenge, filler, capabilities, character set, status,
        // more capabilities, length of the challenge.
        10 => body.c_string().is_some() && body.take(4 + 8 + 1 + 2 + 1 + 2 + 2 + 1).is_some(),
        9 => body.c_string().is_some() && body.take(4).is_some() && body.c_string().is_some(),
        // An error, such as of a host that may not connect: code and state.
        _ => body.take(2 + 6).is_some(),
    };
    if is_valid { Ok(version) } else { Err("short handshake") }
}

/// Checks the answer of the client; true when it wants to go on with TLS.
pub(super) fn handshake_response(packet: &[u8], version: u8) -> Result<bool, &'static str> {
    let mut body = body(packet);
    match version {
        10 => {
            let capabilities = body.array().map(u32::from_le_bytes).ok_or("short handshake response")?;
            body.take(RESPONSE_FIXED_LEN).ok_or("short handshake response")?;
            if capabilities & CLIENT_SSL != 0 {
                return Ok(true);
            }
            body.c_string().ok_or("user name without end")?;
            Ok(false)
        }
        9 => {
            body.take(2 + 3).ok_or("short handshake response")?;
            body.c_string().ok_or("user name without end")?;
            Ok(false)
        }
        _ => Err("unknown version"),
    }
}
