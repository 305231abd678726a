//! Commands and replies, and where they say that data goes.

use record::Addr;

/// The command of a line, and its argument.
pub(super) fn command(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_start();
    let end = line.iter().position(|octet| matches!(octet, b' ' | b'\t')).unwrap_or(line.len());
    let (word, argument) = line.split_at_checked(end).unwrap_or((line, &[]));
    (word, argument.trim_ascii_start())
}

/// The code of a reply.
pub(super) fn code(line: &[u8]) -> Option<[u8; 3]> {
    line.first_chunk::<3>().filter(|code| code.iter().all(u8::is_ascii_digit)).copied()
}

/// Address and port as six numbers with commas between them (RFC 959, section 5.3.2).
pub(super) fn host_port(text: &[u8]) -> Option<(Addr, u16)> {
    let mut octets = [0_u8; 6];
    let mut rest = text;
    for (at, octet) in octets.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b",")?;
        }
        rest = rest.trim_ascii_start();
        let digits = rest.iter().take_while(|octet| octet.is_ascii_digit()).count();
        let (number, after) = rest.split_at_checked(digits)?;
        *octet = std::str::from_utf8(number).ok()?.parse().ok()?;
        rest = after;
    }
    let [a, b, c, d, high, low] = octets;
    Some((Addr::v4([a, b, c, d]), u16::from_be_bytes([high, low])))
}

/// Address and port in the text of a reply to PASV, which every server words differently.
pub(super) fn passive(text: &[u8]) -> Option<(Addr, u16)> {
    if let Some(at) = memchr::memchr(b'(', text) {
        return host_port(text.get(at + 1..)?);
    }
    let comma = memchr::memchr(b',', text)?;
    let digits = text.get(..comma)?.iter().rev().take_while(|octet| octet.is_ascii_digit()).count();
    host_port(text.get(comma.checked_sub(digits)?..)?)
}

/// Address and port as `|1|192.0.2.1|6275|` with any delimiter (RFC 2428); the address may be missing.
pub(super) fn extended(text: &[u8]) -> Option<(Option<Addr>, u16)> {
    let (delimiter, rest) = text.trim_ascii_start().split_first()?;
    let mut fields = rest.split(|octet| octet == delimiter);
    fields.next()?;
    let address = fields.next()?;
    let port = std::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
    fields.next()?;
    if address.is_empty() {
        return Some((None, port));
    }
    let address: std::net::IpAddr = std::str::from_utf8(address).ok()?.parse().ok()?;
    Some((Some(address.into()), port))
}

/// Port in the text of a reply to EPSV, with the address where there is one.
pub(super) fn extended_passive(text: &[u8]) -> Option<(Option<Addr>, u16)> {
    extended(text.get(memchr::memchr(b'(', text)? + 1..)?)
}
