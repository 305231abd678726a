//! SIP messages: a request or status line, then headers (RFC 3261, section 7).

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It asks for something.
    Request,
    /// It answers.
    Response,
}

/// Splits the first line off, without its line break.
fn line(octets: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr::memchr(b'\n', octets) {
        Some(end) => {
            let (line, rest) = octets.split_at(end);
            (line, rest.get(1..).unwrap_or_default())
        }
        None => (octets, &[][..]),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// The octets after all of `class` at the start; the run may be empty.
fn skip(octets: &[u8], class: impl Fn(u8) -> bool) -> &[u8] {
    let end = octets.iter().position(|octet| !class(*octet)).unwrap_or(octets.len());
    octets.get(end..).unwrap_or_default()
}

/// As [`skip`], for a run that may not be empty.
fn skip_some(octets: &[u8], class: impl Fn(u8) -> bool) -> Option<&[u8]> {
    let rest = skip(octets, class);
    (rest.len() < octets.len()).then_some(rest)
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// Characters of a token (RFC 3261, section 25.1).
const fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'_' | b'.' | b'!' | b'%' | b'*' | b'+' | b'`' | b'\'' | b'~' | b'-')
}

/// `SIP/` and a version number.
fn version(octets: &[u8]) -> Option<&[u8]> {
    let major = octets.strip_prefix(b"SIP/")?;
    let minor = skip_some(major, |octet| octet.is_ascii_digit())?.strip_prefix(b".")?;
    skip_some(minor, |octet| octet.is_ascii_digit())
}

/// Reads the first line of `message`; returns what follows it.
pub(super) fn first_line(message: &[u8]) -> Result<(Kind, &[u8]), &'static str> {
    let (first, rest) = line(message);
    if message.len() > 6 && first.starts_with(b"SIP/") {
        let status = skip(version(first).ok_or("bad version")?, is_blank);
        return match status.get(..3) {
            Some(code) if code.iter().all(u8::is_ascii_digit) => Ok((Kind::Response, rest)),
            _ => Err("bad status code"),
        };
    }
    request_line(first).ok_or("not a SIP request line")?;
    Ok((Kind::Request, rest))
}

/// Octets at the start of `payload` that can begin no message: blanks that keep a binding alive, or junk.
pub(super) fn junk(payload: &[u8]) -> &[u8] {
    let rest = skip(payload, |octet| !is_token(octet));
    payload.strip_suffix(rest).unwrap_or_default()
}

/// Whatever is no token may come before the method.
fn request_line(line: &[u8]) -> Option<()> {
    let method = skip(line, |octet| !is_token(octet));
    let uri = skip(skip_some(method, is_token)?, is_blank);
    let rest = skip(skip_some(uri, |octet| octet.is_ascii_graphic())?, is_blank);
    version(rest).map(|_| ())
}

/// Checks the headers, up to the empty line.
pub(super) fn headers(mut rest: &[u8]) -> Result<(), &'static str> {
    while !rest.is_empty() {
        let (header, after) = line(rest);
        if header.is_empty() {
            break;
        }
        let name_end = skip_some(header, |octet| !matches!(octet, b':' | b' ' | b'\t'));
        let colon = skip(name_end.ok_or("header without a name")?, is_blank);
        if !colon.starts_with(b":") {
            return Err("header without a colon");
        }
        rest = after;
    }
    Ok(())
}

/// Whether `payload` begins like a response: version of two digits, code, blank.
pub(super) fn starts_with_status_line(payload: &[u8]) -> bool {
    matches!(payload, [b'S', b'I', b'P', b'/', major, b'.', minor, b' ', a, b, c, b' ', ..]
        if [major, minor, a, b, c].iter().all(|digit| digit.is_ascii_digit()))
}

/// Whether `payload` begins like a request.
pub(super) fn starts_with_request_line(payload: &[u8]) -> bool {
    payload.first().is_some_and(u8::is_ascii_uppercase) && request_line(line(payload).0).is_some()
}
