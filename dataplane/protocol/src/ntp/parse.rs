//! NTP messages (RFC 5905, section 7.3; control messages RFC 9327; mode 7 as in ntpd's `ntp_request.h`).

/// Octets of a standard message without extension fields.
const STANDARD_LEN: usize = 48;
/// Octets of the header of a control message (mode 6).
const CONTROL_LEN: usize = 12;
/// Octets of the header of a private message (mode 7).
const PRIVATE_LEN: usize = 8;

/// Octets of the longest message authentication code, with its key identifier: what comes after the extension fields.
const MAX_MAC_LEN: usize = 24;
/// Octets of type and length of an extension field.
const EXTENSION_HEADER_LEN: usize = 4;

/// First octet of a message, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Version number, 0 to 7.
    pub(super) version: u8,
    /// Association mode, 0 to 7.
    pub(super) mode: u8,
}

/// Checks that `message` is long enough for its mode.
pub(super) fn header(message: &[u8]) -> Result<Header, &'static str> {
    let Some(first) = message.first() else { return Err("empty message") };
    let header = Header { version: first >> 3 & 7, mode: first & 7 };
    let needed = match header.mode {
        6 => CONTROL_LEN,
        7 => PRIVATE_LEN,
        _ => STANDARD_LEN,
    };
    let rest = message.get(needed..).ok_or("message too short for its mode")?;
    if matches!(header.mode, 1..=5) {
        extensions(rest)?;
    }
    Ok(header)
}

/// Checks that extension fields (RFC 7822) fit, up to the message authentication code.
fn extensions(mut rest: &[u8]) -> Result<(), &'static str> {
    while rest.len() > MAX_MAC_LEN {
        let [_, _, high, low] = *rest.first_chunk::<EXTENSION_HEADER_LEN>().ok_or("extension too short")?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < EXTENSION_HEADER_LEN {
            return Err("extension too short");
        }
        rest = rest.get(length..).ok_or("extension runs over the end")?;
    }
    Ok(())
}
