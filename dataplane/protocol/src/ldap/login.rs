//! Binds of LDAP (RFC 4511, section 4.2) and what they carry: tokens of GSS-API, and messages of NTLM
//! ([MS-ADTS] section 5.1.1.1).

use super::parse::{BIND_REQUEST, BIND_RESPONSE};
use crate::ber::{self, Reader};
use crate::gssapi::{NTLM_MARK, Tokens, ntlm_message};
use crate::{Direction, FlowContext};

/// Longest bind that is kept until it is whole.
const MAX_BIND: usize = 64 * 1024;
/// A message's beginning up to its operation fits in so many octets.
const MAX_BEGINNING: usize = 32;
/// Logins later than in so many messages are not looked for.
const MAX_MESSAGES: u32 = 256;

/// Authentication by SASL in a request, and the server's answer to it.
const SASL: u8 = 0xa3;
const SERVER_SASL_CREDENTIALS: u8 = 0x87;
/// The steps of Windows' own form of NTLM in a request.
const SICILY: std::ops::RangeInclusive<u8> = 0x89..=0x8b;

/// One direction.
#[derive(Debug, Default)]
struct Side {
    /// The beginning of a message that may be a bind.
    pending: Vec<u8>,
    /// Octets that still belong to a message that is skipped.
    skip: u64,
}

/// The logins of one connection.
#[derive(Debug, Default)]
pub(super) struct Logins {
    sides: [Side; 2],
    tokens: Tokens,
    seen: u64,
    messages: u32,
    done: bool,
}

/// A message at the beginning of a stream.
enum Message<'p> {
    /// Its operation has not come, or it is a bind that is not whole.
    Incomplete,
    /// A bind: its tag and content, and the octets of the message.
    Bind(u8, &'p [u8], usize),
    /// Another, of so many octets.
    Other(u64),
    /// Not LDAP: encrypted by a security layer, most likely.
    Unknown,
}

fn message(stream: &[u8]) -> Message<'_> {
    let short = if stream.len() < MAX_BEGINNING { Message::Incomplete } else { Message::Unknown };
    let mut reader = Reader::new(stream);
    let Some(sequence) = reader.header() else { return short };
    if sequence.tag != ber::SEQUENCE {
        return Message::Unknown;
    }
    let header_len = stream.len().saturating_sub(reader.rest().len());
    let whole = sequence.length.saturating_add(header_len as u64);
    if reader.expect(ber::INTEGER).is_none() {
        return short;
    }
    match reader.rest().first() {
        None => short,
        Some(&(BIND_REQUEST | BIND_RESPONSE)) if whole <= MAX_BIND as u64 => {
            let whole = whole as usize;
            match stream.get(..whole) {
                None => Message::Incomplete,
                Some(_) => reader.element().map_or(Message::Other(whole as u64), |(tag, content)| {
                    Message::Bind(tag, content, whole)
                }),
            }
        }
        Some(_) => Message::Other(whole),
    }
}

impl Logins {
    /// Whether nothing more is looked for.
    pub(super) const fn is_done(&self) -> bool {
        self.done
    }

    /// Payload of `direction`.
    pub(super) fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) {
        self.seen = self.seen.saturating_add(payload.len() as u64);
        let Some(side) = self.sides.get_mut(direction.index()) else { return };
        let skipped = side.skip.min(payload.len() as u64);
        side.skip -= skipped;
        let payload = payload.get(skipped as usize..).unwrap_or_default();
        let mut joined = std::mem::take(&mut side.pending);
        let mut rest = if joined.is_empty() {
            payload
        } else {
            joined.extend_from_slice(payload);
            joined.as_slice()
        };
        while !rest.is_empty() && !self.done {
            match message(rest) {
                Message::Incomplete => break,
                Message::Unknown => self.done = true,
                Message::Other(whole) => {
                    let here = whole.min(rest.len() as u64);
                    rest = rest.get(here as usize..).unwrap_or_default();
                    if let Some(side) = self.sides.get_mut(direction.index()) {
                        side.skip = whole.saturating_sub(here);
                    }
                }
                Message::Bind(tag, content, whole) => {
                    let read = if tag == BIND_REQUEST {
                        self.request(context, content)
                    } else {
                        self.response(context, content)
                    };
                    // What cannot be read of a login does not speak against LDAP.
                    let _ = read;
                    rest = rest.get(whole..).unwrap_or_default();
                }
            }
            self.messages = self.messages.saturating_add(1);
            self.done |= self.messages >= MAX_MESSAGES;
        }
        if !self.done
            && let Some(side) = self.sides.get_mut(direction.index())
        {
            side.pending = rest.to_vec();
        }
    }

    fn request(&mut self, context: &mut FlowContext<'_>, content: &[u8]) -> Option<()> {
        let mut reader = Reader::new(content);
        let _version = reader.expect(ber::INTEGER)?;
        let _name = reader.expect(ber::OCTET_STRING)?;
        match reader.element()? {
            (SASL, choice) => {
                let mut choice = Reader::new(choice);
                let _mechanism = choice.expect(ber::OCTET_STRING)?;
                self.tokens.token_or_ntlm(context, choice.expect(ber::OCTET_STRING)?, self.seen);
            }
            (tag, token) if SICILY.contains(&tag) => ntlm(context, token),
            _ => {}
        }
        Some(())
    }

    fn response(&mut self, context: &mut FlowContext<'_>, content: &[u8]) -> Option<()> {
        let mut reader = Reader::new(content);
        let (_, _result) = reader.element()?;
        // A server that speaks Windows' own form answers where the matched name stands.
        ntlm(context, reader.expect(ber::OCTET_STRING)?);
        let _diagnostic = reader.expect(ber::OCTET_STRING)?;
        while let Some((tag, token)) = reader.element() {
            if tag == SERVER_SASL_CREDENTIALS {
                self.tokens.token_or_ntlm(context, token, self.seen);
            }
        }
        Some(())
    }
}

/// A message of NTLM, if it is one.
fn ntlm(context: &mut FlowContext<'_>, token: &[u8]) {
    if token.starts_with(NTLM_MARK) {
        // What is wrong in a message does not speak against LDAP.
        let _ = ntlm_message(context, token);
    }
}
