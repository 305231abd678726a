//! Tags of an XML stream, without their meaning.

const DECLARATION: &[u8] = b"<?xml";
const STREAM: &[u8] = b"<stream:stream ";
const NAMESPACE: &[u8] = b"xmlns='jabber:";

/// Reads the next tag of `rest` and the text behind it; returns its name, with the `/` of an end tag. `None` when
/// there is none, or not all of it.
pub(super) fn tag<'p>(rest: &mut &'p [u8]) -> Option<&'p [u8]> {
    let after = skip_space(rest).strip_prefix(b"<")?;
    let slash = usize::from(after.first() == Some(&b'/'));
    let letters = after.iter().skip(slash).take_while(|octet| is_name(**octet)).count();
    let (name, after) = after.split_at_checked(slash + letters).filter(|_| letters > 0)?;
    let end = memchr::memchr2(b'<', b'>', after)?;
    let after = after.get(end..)?.strip_prefix(b">")?;
    *rest = after.get(memchr::memchr(b'<', after).unwrap_or(after.len())..)?;
    Some(name)
}

const fn is_name(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'?' | b':')
}

fn skip_space(text: &[u8]) -> &[u8] {
    let space = text.iter().take_while(|octet| matches!(octet, b' ' | b'\r' | b'\n')).count();
    text.get(space..).unwrap_or_default()
}

/// Whether `stream` begins with the tag of an XMPP stream, after an XML declaration maybe; `None` when it is too short
/// to say.
pub(super) fn begins_stream(stream: &[u8]) -> Option<bool> {
    let mut text = stream;
    if starts_with(text, DECLARATION)? {
        let end = memchr::memmem::find(text, b"?>")?;
        text = text.get(end + 2..)?;
    }
    let text = skip_space(text);
    if !starts_with(text, STREAM)? {
        return Some(false);
    }
    let end = memchr::memchr(b'>', text);
    let attributes = text.get(..end.unwrap_or(text.len()))?;
    match memchr::memmem::find(attributes, NAMESPACE) {
        Some(_) => Some(true),
        None if end.is_some() => Some(false),
        None => None,
    }
}

/// `None` when `text` is a beginning of `prefix`.
fn starts_with(text: &[u8], prefix: &[u8]) -> Option<bool> {
    if text.starts_with(prefix) {
        Some(true)
    } else if prefix.starts_with(text) {
        None
    } else {
        Some(false)
    }
}
