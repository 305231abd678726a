//! MQTT control packets (MQTT 3.1.1, section 2 and 3).

use crate::ssl::reader::Reader;

/// More octets than this in the length of a packet are not believed: Zeek takes 2 MiB for the most.
const MAX_LENGTH_OCTETS: usize = 3;

/// A control packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet<'p> {
    /// The client introduces itself.
    Connect(Connect<'p>),
    /// A message for the subscribers of a topic.
    Publish(Publish<'p>),
    /// Any other, well-formed.
    Other,
}

/// CONNECT (section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Connect<'p> {
    /// `MQTT`, or `MQIsdp` before 3.1.1.
    pub(super) protocol_name: &'p [u8],
    /// 3 for 3.1, 4 for 3.1.1.
    pub(super) protocol_level: u8,
    /// Name of the client, which may be empty.
    pub(super) client_id: &'p [u8],
}

/// PUBLISH (section 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Publish<'p> {
    /// Where it is published.
    pub(super) topic: &'p [u8],
    /// What is published.
    pub(super) message: &'p [u8],
}

/// Reads the packet at the beginning of `payload`.
pub(super) fn packet(payload: &[u8]) -> Result<Packet<'_>, &'static str> {
    let mut reader = Reader::new(payload);
    let first = reader.u8().ok_or("empty packet")?;
    let length = remaining_length(&mut reader)?;
    let mut body = Reader::new(reader.take(length).ok_or("packet longer than its segment")?);
    read(first, &mut body).ok_or("field longer than its packet")
}

/// The number of octets after the fixed header (section 2.2.3).
fn remaining_length(reader: &mut Reader<'_>) -> Result<usize, &'static str> {
    let mut length = 0_usize;
    for place in 0..MAX_LENGTH_OCTETS {
        let octet = reader.u8().ok_or("length without end")?;
        length |= usize::from(octet & 0x7f) << (7 * place);
        if octet & 0x80 == 0 {
            return Ok(length);
        }
    }
    Err("length too large")
}

/// Reads the rest of the packet that begins with `first`.
fn read<'p>(first: u8, body: &mut Reader<'p>) -> Option<Packet<'p>> {
    match first >> 4 {
        1 => connect(body).map(Packet::Connect),
        3 => {
            let topic = body.vector16()?;
            if first & 0x06 != 0 {
                body.u16()?;
            }
            Some(Packet::Publish(Publish { topic, message: body.rest() }))
        }
        // CONNACK, and the acknowledgements of PUBLISH and UNSUBSCRIBE: two octets.
        2 | 4..=7 | 11 => body.u16().map(|_| Packet::Other),
        8 => {
            body.u16()?;
            while !body.is_empty() {
                body.vector16()?;
                body.u8()?;
            }
            Some(Packet::Other)
        }
        9 => {
            body.u16()?;
            body.u8()?;
            Some(Packet::Other)
        }
        10 => {
            body.u16()?;
            while !body.is_empty() {
                body.vector16()?;
            }
            Some(Packet::Other)
        }
        _ => Some(Packet::Other),
    }
}

fn connect<'p>(body: &mut Reader<'p>) -> Option<Connect<'p>> {
    let protocol_name = body.vector16()?;
    let protocol_level = body.u8()?;
    let flags = body.u8()?;
    let _keep_alive = body.u16()?;
    let client_id = body.vector16()?;
    if flags & 0x04 != 0 {
        let (_will_topic, _will_message) = (body.vector16()?, body.vector16()?);
    }
    for credential in [0x80, 0x40] {
        if flags & credential != 0 {
            body.vector16()?;
        }
    }
    Some(Connect { protocol_name, protocol_level, client_id })
}
