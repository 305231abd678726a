//! GSS-API tokens inside other protocols (RFC 2743, RFC 4178), and the NTLM and Kerberos messages in them:
//! recognized, not yet logged.
//!
//! No analyzer of its own: SMB, DCE-RPC and LDAP hand over the tokens that they carry.

mod ntlm;
#[cfg(test)]
pub(crate) mod tests;

use crate::FlowContext;
use crate::ber::Reader;

pub(crate) use ntlm::{MARK as NTLM_MARK, message as ntlm_message};

/// The service in the connection's record.
const SERVICE: &str = "gssapi";
const KERBEROS_SERVICE: &str = "krb";

/// Tag of the first token of a mechanism (RFC 2743, section 3.1).
const INITIAL_TOKEN: u8 = 0x60;
/// Octets of the type of a Kerberos token in front of the message (RFC 1964, section 1.1).
const KERBEROS_TOKEN_ID_LEN: usize = 2;

/// Identifiers of Kerberos 5 as a mechanism: RFC 1964, and that of Windows 2000.
const KERBEROS_OIDS: [&[u8]; 2] =
    [b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02", b"\x2a\x86\x48\x82\xf7\x12\x01\x02\x02"];

/// A token is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// After so many octets of what carries them, malformed tokens no longer speak against GSS-API (Zeek:
/// `DPD::ignore_violations_after`).
const IGNORE_VIOLATIONS_AFTER: u64 = 10 * 1024;

/// The tokens of one connection.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    confirmed: bool,
}

impl Tokens {
    /// Reads one token, and confirms what is in it; `seen` octets of payload have come until now.
    pub(crate) fn token(&mut self, context: &mut FlowContext<'_>, octets: &[u8], seen: u64) {
        match read(context, octets) {
            // As in Zeek, what was taken back is not confirmed again.
            Ok(()) if !self.confirmed => {
                self.confirmed = true;
                context.confirm_carried(SERVICE);
            }
            Err(Malformed) if seen <= IGNORE_VIOLATIONS_AFTER => context.retract(SERVICE),
            _ => {}
        }
    }

    /// Reads a token that may as well be an NTLM message without GSS-API around it, as SMB allows.
    pub(crate) fn token_or_ntlm(&mut self, context: &mut FlowContext<'_>, octets: &[u8], seen: u64) {
        if octets.starts_with(NTLM_MARK) {
            // What is wrong in a message does not speak against what carries it.
            let _ = ntlm_message(context, octets);
        } else if octets.len() > NTLM_MARK.len() {
            self.token(context, octets, seen);
        }
    }
}

fn read(context: &mut FlowContext<'_>, octets: &[u8]) -> Result<(), Malformed> {
    // Messages of the Kerberos mechanism after the handshake: a MIC, or wrapped payload (RFC 4121, section 4.2.6).
    if let [0x04 | 0x05, 0x04, ..] = octets {
        return Ok(());
    }
    let (tag, wrapped) = Reader::new(octets).element().ok_or(Malformed)?;
    if tag != INITIAL_TOKEN {
        return negotiation(context, wrapped);
    }
    let mut wrapped = Reader::new(wrapped);
    let (_, mechanism) = wrapped.element().ok_or(Malformed)?;
    if KERBEROS_OIDS.contains(&mechanism) {
        kerberos(context, wrapped.rest().get(KERBEROS_TOKEN_ID_LEN..).ok_or(Malformed)?);
        return Ok(());
    }
    let (_, negotiated) = wrapped.element().ok_or(Malformed)?;
    negotiation(context, negotiated)
}

/// A sequence of SPNEGO's (RFC 4178, section 4.2); in both forms the token of the mechanism has index 2.
fn negotiation(context: &mut FlowContext<'_>, sequence: &[u8]) -> Result<(), Malformed> {
    let (_, fields) = Reader::new(sequence).element().ok_or(Malformed)?;
    let mut fields = Reader::new(fields);
    while !fields.is_empty() {
        let (tag, field) = fields.element().ok_or(Malformed)?;
        if !(0xa0..=0xa3).contains(&tag) {
            return Err(Malformed);
        }
        let (_, content) = Reader::new(field).element().ok_or(Malformed)?;
        if tag == 0xa2 {
            mechanism_token(context, content);
        }
    }
    Ok(())
}

fn mechanism_token(context: &mut FlowContext<'_>, token: &[u8]) {
    match token.first() {
        Some(b'N') if token.starts_with(NTLM_MARK) => {
            let _ = ntlm_message(context, token);
        }
        // With the mechanism's identifier in front (RFC 1964, section 1.1).
        Some(&INITIAL_TOKEN) => {
            let mut wrapped = Reader::new(Reader::new(token).expect(INITIAL_TOKEN).unwrap_or_default());
            if wrapped.element().is_some()
                && let Some(message) = wrapped.rest().get(KERBEROS_TOKEN_ID_LEN..)
            {
                kerberos(context, message);
            }
        }
        Some(0x6e | 0x6f) => kerberos(context, token),
        _ => {}
    }
}

/// Confirms Kerberos for one of its messages: its application tag (RFC 4120, section 5.10) and a length that fits.
fn kerberos(context: &mut FlowContext<'_>, message: &[u8]) {
    if let Some((0x6a..=0x6f | 0x74..=0x76 | 0x7e, _)) = Reader::new(message).element() {
        context.confirm_carried(KERBEROS_SERVICE);
    }
}
