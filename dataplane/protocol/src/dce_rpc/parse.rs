//! PDUs of connection-oriented DCE-RPC (DCE 1.1: RPC, chapter 12; [MS-RPCE]).

/// A PDU is not as it should be; why, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Octets of the header that all PDUs have.
const HEADER_LEN: usize = 16;
/// Octets in front of the authentication value.
const AUTHENTICATION_HEADER_LEN: usize = 8;

/// Flags of a PDU that is the first fragment of a message and its last.
pub(super) const WHOLE: u8 = 3;

/// A PDU, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pdu<'p> {
    /// Security provider and its token.
    pub(super) authentication: Option<(u8, &'p [u8])>,
}

/// Takes the PDU at the beginning of the stream; `None` when it is not complete.
pub(super) fn pdu(stream: &[u8]) -> Result<Option<(Pdu<'_>, &[u8])>, Malformed> {
    if stream.first().is_some_and(|version| *version != 5) {
        return Err(Malformed("version is not 5"));
    }
    let Some(header) = stream.first_chunk::<HEADER_LEN>() else { return Ok(None) };
    let [_, _, kind, flags, representation, _, _, _, a, b, c, d, ..] = *header;
    let number = |bytes| {
        if representation >> 4 == 0 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    };
    let (length, token_len) = (usize::from(number([a, b])), usize::from(number([c, d])));
    let Some((whole, rest)) = stream.split_at_checked(length.max(HEADER_LEN)) else { return Ok(None) };
    let tail = if token_len > 0 { token_len + AUTHENTICATION_HEADER_LEN } else { 0 };
    let body_len = length
        .checked_sub(HEADER_LEN)
        .and_then(|length| length.checked_sub(tail))
        .ok_or(Malformed("fields longer than the fragment"))?;
    let is_whole = flags & WHOLE == WHOLE;
    if is_whole && body_len < least_body(kind, flags) {
        return Err(Malformed("body too short for its type"));
    }
    let authentication = whole.get(HEADER_LEN + body_len..).and_then(|tail| {
        let (header, token) = tail.split_first_chunk::<AUTHENTICATION_HEADER_LEN>()?;
        Some((header[0], token))
    });
    Ok(Some((Pdu { authentication }, rest)))
}

/// Octets of the fixed fields of a body.
const fn least_body(kind: u8, flags: u8) -> usize {
    const OBJECT: u8 = 0x80;
    match kind {
        // Request, with the identifier of an object or without.
        0 if flags & OBJECT != 0 => 24,
        0 => 8,
        // Response.
        2 => 8,
        // Bind, its answer, and the same for a changed context.
        11 | 14 => 12,
        12 | 15 => 10,
        _ => 0,
    }
}
