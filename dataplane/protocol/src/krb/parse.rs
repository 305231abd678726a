//! Kerberos messages (RFC 4120, section 5), and their framing over TCP (section 7.2.2).

use crate::ber::{self, Reader};

/// Class APPLICATION, constructed: a message's tag is this and the number of its type.
const APPLICATION: u8 = 0x60;
/// Context tag [0].
const CONTEXT_0: u8 = 0xa0;
/// Context tag [1].
const CONTEXT_1: u8 = 0xa1;
/// Context tag [2].
const CONTEXT_2: u8 = 0xa2;
/// Protocol version.
const VERSION: u64 = 5;
/// Octets that are enough to judge a message.
const HEAD_LEN: usize = 64;

/// Types of messages: AS, TGS and AP exchange, SAFE, PRIV, CRED, ERROR.
const fn is_message_type(number: u8) -> bool {
    matches!(number, 10..=15 | 20..=22 | 30)
}

/// Checks a whole message.
pub(super) fn message(message: &[u8]) -> Result<(), &'static str> {
    let header = head(message)?;
    if u64::try_from(message.len()).is_ok_and(|length| header > length) {
        return Err("message runs over the end");
    }
    Ok(())
}

/// Checks the beginning of a message; returns its length as it claims, with its own header.
fn head(message: &[u8]) -> Result<u64, &'static str> {
    let mut reader = Reader::new(message);
    let application = reader.header().ok_or("no message")?;
    let number = application.tag ^ APPLICATION;
    if !is_message_type(number) {
        return Err("unknown message type");
    }
    let header_length = message.len().saturating_sub(reader.rest().len());
    reader.expect_header(ber::SEQUENCE).ok_or("no sequence")?;
    // Requests number their fields from 1, all others from 0.
    let first = reader.header().ok_or("no version")?;
    let second = match first.tag {
        CONTEXT_0 => CONTEXT_1,
        CONTEXT_1 => CONTEXT_2,
        _ => return Err("no version"),
    };
    let version = reader.expect(ber::INTEGER).and_then(ber::unsigned).ok_or("no version")?;
    if version != VERSION {
        return Err("not version 5");
    }
    reader.expect_header(second).ok_or("no message type")?;
    let message_type = reader.expect(ber::INTEGER).and_then(ber::unsigned).ok_or("no message type")?;
    if message_type != u64::from(number) {
        return Err("contradicting message types");
    }
    Ok(application.length.saturating_add(u64::try_from(header_length).unwrap_or(u64::MAX)))
}

/// Messages of one direction of a TCP connection: each with its length in four octets in front. Only the beginning of
/// a message is kept.
#[derive(Debug, Default)]
pub(super) struct Framing {
    length: [u8; 4],
    /// Octets of the length that have come.
    length_seen: usize,
    head: Vec<u8>,
    /// Octets of the message that have not come.
    missing: usize,
}

impl Framing {
    /// More of the stream; whether a message was completed with it.
    pub(super) fn add(&mut self, mut payload: &[u8]) -> Result<bool, &'static str> {
        let mut completed = false;
        while !payload.is_empty() {
            if let Some(slot) = self.length.get_mut(self.length_seen) {
                if let Some((octet, rest)) = payload.split_first() {
                    *slot = *octet;
                    payload = rest;
                }
                self.length_seen += 1;
                if self.length_seen < self.length.len() {
                    continue;
                }
                // The high bit is reserved.
                let length = u32::from_be_bytes(self.length) & 0x7fff_ffff;
                self.missing = usize::try_from(length).map_err(|_| "message too long")?;
                self.head.clear();
            }
            let (now, later) = payload.split_at(self.missing.min(payload.len()));
            let room = HEAD_LEN.saturating_sub(self.head.len());
            self.head.extend_from_slice(now.get(..room).unwrap_or(now));
            self.missing = self.missing.saturating_sub(now.len());
            payload = later;
            if self.missing == 0 {
                head(&self.head)?;
                self.length_seen = 0;
                completed = true;
            }
        }
        Ok(completed)
    }
}
