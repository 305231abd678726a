//! The beginning of LDAP messages (RFC 4511, section 4.1.1).

use record::Proto;

use crate::ber::{self, Reader};

/// Class of an operation's tag: APPLICATION.
const APPLICATION: u8 = 0x40;
/// The class bits of a tag.
const CLASS: u8 = 0xc0;
/// The number bits of a tag.
const NUMBER: u8 = 0x1f;

/// The bit of a tag that says that elements are inside.
const CONSTRUCTED: u8 = 0x20;
/// Tag of a bind request.
pub(super) const BIND_REQUEST: u8 = 0x60;
/// Tag of the answer to a bind.
pub(super) const BIND_RESPONSE: u8 = 0x61;
/// Tag of a search request.
const SEARCH_REQUEST: u8 = 0x63;
/// Filters and attributes nested deeper than this are an attack on parsers, not a search.
const MAX_NESTING: usize = 100;

/// What is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// More of it is needed.
    Incomplete,
    /// It is LDAP, and has come as a whole.
    Complete,
    /// It is not LDAP.
    Refused(&'static str),
}

/// Operations of the protocol.
const fn is_operation(number: u8) -> bool {
    matches!(number, 0..=16 | 19 | 23..=25)
}

/// Judges a message by its beginning `head`, of whose `seen` octets have come.
pub(super) fn message(head: &[u8], seen: u64) -> Progress {
    match head.first() {
        None => return Progress::Incomplete,
        Some(&ber::SEQUENCE) => {}
        Some(_) => return Progress::Refused("no sequence"),
    }
    let mut reader = Reader::new(head);
    let Some(sequence) = reader.header() else { return Progress::Incomplete };
    let header_length = head.len().saturating_sub(reader.rest().len());
    let before = reader.rest().len();
    match reader.element() {
        Some((ber::INTEGER, _)) => {}
        None if reader.rest().first().is_none_or(|tag| *tag == ber::INTEGER) => return Progress::Incomplete,
        _ => return Progress::Refused("no message id"),
    }
    let Some(operation) = reader.header() else { return Progress::Incomplete };
    if operation.tag & CLASS != APPLICATION || !is_operation(operation.tag & NUMBER) {
        return Progress::Refused("no operation");
    }
    let read = u64::try_from(before.saturating_sub(reader.rest().len())).unwrap_or(u64::MAX);
    if operation.length.saturating_add(read) > sequence.length {
        return Progress::Refused("operation runs over the message");
    }
    if operation.tag == SEARCH_REQUEST && is_nested_too_deep(reader) {
        return Progress::Refused("search nested too deep");
    }
    let whole = sequence.length.saturating_add(u64::try_from(header_length).unwrap_or(u64::MAX));
    if seen >= whole { Progress::Complete } else { Progress::Incomplete }
}

/// Whether any of the elements that `reader` comes to has too many others around it, each the first of the one before.
fn is_nested_too_deep(mut reader: Reader<'_>) -> bool {
    let mut depth = 0;
    while let Some(header) = reader.header() {
        if header.tag & CONSTRUCTED != 0 {
            depth += 1;
            if depth > MAX_NESTING {
                return true;
            }
        } else {
            depth = 0;
            let Some(rest) =
                usize::try_from(header.length).ok().and_then(|length| reader.rest().get(length..))
            else {
                return false;
            };
            reader = Reader::new(rest);
        }
    }
    false
}

/// Whether `payload` begins with a request that clients send: over UDP bind, search and extended, over TCP those and
/// the changes of entries.
pub(super) fn looks_like_request(payload: &[u8], proto: Proto) -> bool {
    let mut reader = Reader::new(payload);
    let is_message = reader.expect_header(ber::SEQUENCE).is_some_and(|header| header.length >= 5)
        && reader.expect(ber::INTEGER).is_some_and(|id| matches!(id.len(), 1..=4));
    is_message
        && match reader.rest().first() {
            Some(0x60 | 0x63 | 0x77) => true,
            Some(0x4a | 0x66 | 0x68 | 0x6c | 0x6e) => proto == Proto::Tcp,
            _ => false,
        }
}
