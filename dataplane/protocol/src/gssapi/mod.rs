//! GSS-API tokens inside other protocols (RFC 2743, RFC 4178), and the NTLM and Kerberos messages in them:
//! recognized, not yet logged.
//!
//! No analyzer of its own: SMB, DCE-RPC and LDAP hand over the tokens that they carry.

mod der;
mod ntlm;
#[cfg(test)]
pub(crate) mod tests;

use self::der::Element;
use crate::FlowContext;

pub(crate) use ntlm::{MARK as NTLM_MARK, message as ntlm_message};

/// The service in the connection's record.
const SERVICE: &str = "gssapi";
const KERBEROS_SERVICE: &str = "krb";

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
    let wrapper = der::element(octets).ok_or(Malformed)?;
    if wrapper.tag != 0x60 {
        return negotiation(context, wrapper.content);
    }
    let mechanism = der::element(wrapper.content).ok_or(Malformed)?;
    if KERBEROS_OIDS.contains(&mechanism.content) {
        let blob = mechanism.rest.get(2..).ok_or(Malformed)?;
        kerberos(context, blob);
        return Ok(());
    }
    negotiation(context, der::element(mechanism.rest).ok_or(Malformed)?.content)
}

/// A sequence of SPNEGO's (RFC 4178, section 4.2); in both forms the token of the mechanism has index 2.
fn negotiation(context: &mut FlowContext<'_>, sequence: &[u8]) -> Result<(), Malformed> {
    let mut rest = der::element(sequence).ok_or(Malformed)?.content;
    // Without the wrapper's inner sequence the fields stand right here.
    if sequence.first().is_some_and(|tag| *tag & 0xe0 == 0xa0) {
        rest = sequence;
    }
    while !rest.is_empty() {
        let Element { tag, content, rest: after } = der::element(rest).ok_or(Malformed)?;
        match tag {
            0xa2 => mechanism_token(context, der::element(content).ok_or(Malformed)?.content),
            0xa0 | 0xa1 | 0xa3 => {
                der::element(content).ok_or(Malformed)?;
            }
            _ => return Err(Malformed),
        }
        rest = after;
    }
    Ok(())
}

fn mechanism_token(context: &mut FlowContext<'_>, token: &[u8]) {
    match token.first() {
        Some(b'N') if token.starts_with(NTLM_MARK) => {
            let _ = ntlm_message(context, token);
        }
        Some(0x60) => {
            // With the mechanism's identifier and two octets of type in front (RFC 1964, section 1.1).
            let blob = der::element(token)
                .and_then(|wrapper| der::element(wrapper.content))
                .and_then(|mechanism| mechanism.rest.get(2..));
            if let Some(blob) = blob {
                kerberos(context, blob);
            }
        }
        Some(0x6e | 0x6f) => kerberos(context, token),
        _ => {}
    }
}

/// Confirms Kerberos for one of its messages: its application tag (RFC 4120, section 5.10) and a length that fits.
fn kerberos(context: &mut FlowContext<'_>, message: &[u8]) {
    if let Some(Element { tag: 0x6a..=0x6f | 0x74..=0x76 | 0x7e, .. }) = der::element(message) {
        context.confirm_carried(KERBEROS_SERVICE);
    }
}
