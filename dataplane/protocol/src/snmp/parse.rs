//! SNMP messages: header by version, then a protocol data unit with its variable bindings.
//!
//! The lengths of sequences are not enforced: elements are read one after the other, as Zeek does.

use crate::ber::{self, Reader};

/// Octets of an integer: 64 bits, and a leading zero that keeps it positive.
const MAX_INTEGER: usize = 9;
/// `IpAddress` (RFC 1155).
const IP_ADDRESS: u8 = 0x40;
/// `TimeTicks`.
const TIME_TICKS: u8 = 0x43;
/// Trap of version 1 (RFC 1157, section 4.1.6).
const TRAP: u8 = 0xa4;

/// What comes before the protocol data unit.
#[derive(Debug)]
pub(super) struct Header<'m> {
    /// The rest, when it is not encrypted and of a known version.
    body: Option<Reader<'m>>,
    /// Version 3: the flags are not of one octet.
    has_bad_flags: bool,
}

/// Reads the header of `message`.
pub(super) fn header(message: &[u8]) -> Option<Header<'_>> {
    let mut reader = Reader::new(message);
    reader.expect_header(ber::SEQUENCE)?;
    let version = ber::unsigned(integer(&mut reader)?);
    match version {
        Some(0 | 1) => {
            reader.expect(ber::OCTET_STRING)?;
            Some(Header { body: Some(reader), has_bad_flags: false })
        }
        Some(3) => header_3(reader),
        _ => Some(Header { body: None, has_bad_flags: false }),
    }
}

/// RFC 3412, section 6.
fn header_3(mut reader: Reader<'_>) -> Option<Header<'_>> {
    reader.expect_header(ber::SEQUENCE)?;
    integer(&mut reader)?;
    integer(&mut reader)?;
    let flags = reader.expect(ber::OCTET_STRING)?;
    integer(&mut reader)?;
    reader.expect(ber::OCTET_STRING)?;
    let has_bad_flags = flags.len() != 1;
    if reader.header()?.tag != ber::SEQUENCE {
        return Some(Header { body: None, has_bad_flags });
    }
    reader.expect(ber::OCTET_STRING)?;
    reader.expect(ber::OCTET_STRING)?;
    Some(Header { body: Some(reader), has_bad_flags })
}

fn integer<'m>(reader: &mut Reader<'m>) -> Option<&'m [u8]> {
    reader.expect(ber::INTEGER).filter(|octets| octets.len() <= MAX_INTEGER)
}

/// Reads what comes after the header.
pub(super) fn body(header: &Header<'_>) -> Option<()> {
    if header.has_bad_flags {
        return None;
    }
    let Some(mut reader) = header.body.clone() else { return Some(()) };
    match reader.header()?.tag {
        TRAP => {
            object_identifier(&mut reader)?;
            reader.expect(IP_ADDRESS)?;
            integer(&mut reader)?;
            integer(&mut reader)?;
            reader.expect(TIME_TICKS)?;
        }
        0xa0..=0xa3 | 0xa5..=0xa8 => {
            for _ in 0..3 {
                integer(&mut reader)?;
            }
        }
        _ => return Some(()),
    }
    reader.expect_header(ber::SEQUENCE)?;
    while !reader.is_empty() {
        reader.expect_header(ber::SEQUENCE)?;
        object_identifier(&mut reader)?;
        reader.element()?;
    }
    Some(())
}

/// The name of a variable or of a kind of device; its parts are not looked at.
fn object_identifier(reader: &mut Reader<'_>) -> Option<()> {
    reader.expect(ber::OBJECT_IDENTIFIER).map(|_| ())
}
