//! PostgreSQL messages (PostgreSQL documentation, section "Message Formats").

use crate::ssl::reader::Reader;

/// Code of a request for TLS, where the protocol's version stands otherwise.
const SSL_REQUEST: u32 = 80_877_103;
/// Major version of the protocol that is understood.
const MAJOR_VERSION: u32 = 3;
/// The highest kind of request for authentication (`AuthenticationSASLFinal`).
const MAX_AUTHENTICATION: u32 = 12;

/// What the client begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// It asks for TLS.
    SslRequest,
    /// It starts a session.
    Startup,
}

/// Reads the first 8 octets of the client.
pub(super) fn opening(octets: &[u8]) -> Result<Opening, &'static str> {
    let mut reader = Reader::new(octets);
    let (Some(length), Some(code)) = (reader.u32(), reader.u32()) else { return Err("short opening") };
    match (length, code) {
        (8, SSL_REQUEST) => Ok(Opening::SslRequest),
        (9.., code) if code >> 16 == MAJOR_VERSION => Ok(Opening::Startup),
        _ => Err("unsupported version"),
    }
}

/// Length of the message that the client begins with.
pub(super) fn measure_opening(octets: &[u8]) -> Result<Option<u64>, &'static str> {
    if octets.len() < 8 {
        return Ok(None);
    }
    opening(octets)?;
    Ok(Reader::new(octets).u32().map(u64::from))
}

/// Length of a message with a type.
pub(super) fn measure(octets: &[u8]) -> Result<Option<u64>, &'static str> {
    let mut reader = Reader::new(octets);
    reader.u8();
    match reader.u32() {
        Some(length @ 4..) => Ok(Some(u64::from(length) + 1)),
        Some(_) => Err("length of a message too small"),
        None => Ok(None),
    }
}

/// Checks a startup message: names and values of parameters.
pub(super) fn startup(message: &[u8]) -> Result<(), &'static str> {
    let mut parameters = match message {
        [_, _, _, _, 0, 3, _, _, parameters @ .., 0] => Reader::new(parameters),
        _ => return Err("no startup message"),
    };
    while !parameters.is_empty() {
        let (Some(name), Some(value)) = (parameters.c_string(), parameters.c_string()) else {
            return Err("startup parameter without end");
        };
        if !is_name(name) || value.is_empty() || !is_printable(value) {
            return Err("startup parameter is no text");
        }
    }
    Ok(())
}

fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|octet| octet.is_ascii_alphanumeric() || b"-_/".contains(octet))
}

fn is_printable(text: &[u8]) -> bool {
    text.iter().all(|octet| matches!(octet, 0x20..=0x7e))
}

/// Checks a message of the client, of which only the beginning is there when `is_truncated`.
pub(super) fn frontend(message: &[u8], is_truncated: bool) -> Result<(), &'static str> {
    match message {
        [b'Q', _, _, _, _, query @ ..] if !is_truncated && !query.contains(&0) => Err("query without end"),
        _ => Ok(()),
    }
}

/// Checks a message of the server, of which only the beginning is there when `is_truncated`.
pub(super) fn backend(message: &[u8], is_truncated: bool) -> Result<(), &'static str> {
    let [kind, l0, l1, l2, l3, body @ ..] = message else { return Err("short message") };
    let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]);
    let mut body = Reader::new(body);
    let is_valid = match kind {
        b'R' => match body.u32() {
            Some(0) => length == 8,
            Some(kind) => kind <= MAX_AUTHENTICATION,
            None => false,
        },
        b'Z' => matches!(body.u8(), Some(b'I' | b'T' | b'E')),
        b'S' => is_parameter_status(body),
        b'K' => body.take(8).is_some(),
        b'D' => body.u16().is_some(),
        b'E' | b'N' => is_truncated || is_field_list(body),
        _ => true,
    };
    if is_valid { Ok(()) } else { Err("malformed message of the server") }
}

fn is_parameter_status(mut body: Reader<'_>) -> bool {
    body.c_string().is_some_and(is_name) && body.c_string().is_some_and(is_printable)
}

/// Fields of an error or a notice: a code and a string each, and a NUL at the end.
fn is_field_list(mut body: Reader<'_>) -> bool {
    loop {
        match body.u8() {
            Some(0) => return true,
            Some(_) if body.c_string().is_some() => {}
            _ => return false,
        }
    }
}
