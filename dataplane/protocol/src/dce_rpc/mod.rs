//! DCE-RPC over TCP and inside the pipes of SMB, with the GSS-API and NTLM messages in it: recognized, not yet logged.

mod parse;
#[cfg(test)]
pub(crate) mod tests;

use record::Proto;

use self::parse::{Malformed, Pdu};
use crate::gssapi::{self, Tokens};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// The service in the connection's record.
const SERVICE: &str = "dce_rpc";

/// Analyzer of one DCE-RPC connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    /// The beginning of a PDU whose end has not come, by direction: at most 64 KiB each, by the field of its length.
    pending: [Vec<u8>; 2],
    tokens: Tokens,
    /// Octets of payload, both directions together.
    seen: u64,
}

/// DCE-RPC is recognized by the header of an unfragmented PDU.
pub(crate) fn probe(probe: &Probe<'_>) -> Match {
    let looks = |stream: &[u8]| match stream {
        [5, 0 | 1, 0..=0x13, flags, ..] if flags & parse::WHOLE == parse::WHOLE => Match::Yes,
        [5] | [5, 0 | 1] | [5, 0 | 1, 0..=0x13] => Match::Maybe,
        _ => Match::No,
    };
    match (probe.proto, looks(probe.originator), looks(probe.responder)) {
        (Proto::Tcp, Match::Yes, _) | (Proto::Tcp, _, Match::Yes) => Match::Yes,
        (Proto::Tcp, Match::Maybe, _) | (Proto::Tcp, _, Match::Maybe) => Match::Maybe,
        _ => Match::No,
    }
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }
}

/// Confirms DCE-RPC as the connection's own protocol.
fn own(context: &mut FlowContext<'_>) {
    context.confirm(SERVICE);
}

/// Confirms DCE-RPC inside another protocol.
pub(crate) fn carried(context: &mut FlowContext<'_>) {
    context.confirm_carried(SERVICE);
}

/// Reads the whole PDUs at the beginning of `octets`, after `seen` octets of payload; returns how many octets they are.
pub(crate) fn pdus(
    tokens: &mut Tokens,
    context: &mut FlowContext<'_>,
    octets: &[u8],
    seen: u64,
    confirm: fn(&mut FlowContext<'_>),
) -> Result<usize, Malformed> {
    let mut rest = octets;
    while let Some((pdu, after)) = parse::pdu(rest)? {
        authentication(tokens, context, &pdu, seen);
        confirm(context);
        rest = after;
    }
    Ok(octets.len().saturating_sub(rest.len()))
}

/// Security providers ([MS-RPCE] section 2.2.1.1.7).
fn authentication(tokens: &mut Tokens, context: &mut FlowContext<'_>, pdu: &Pdu<'_>, seen: u64) {
    let Some((kind, token)) = pdu.authentication else { return };
    match kind {
        0x09 => tokens.token(context, token, seen),
        0x0a => {
            // What is wrong in a message does not speak against DCE-RPC.
            let _ = gssapi::ntlm_message(context, token);
        }
        // Kerberos alone.
        0x10 => {}
        0x0e => weird(context, "tls_dce_rpc_auth_type", kind),
        0x44 => weird(context, "netlogon_dce_rpc_auth_type", kind),
        _ => weird(context, "unknown_dce_rpc_auth_type", kind),
    }
}

fn weird(context: &mut FlowContext<'_>, name: &'static str, kind: u8) {
    context.weird(name, Some(kind.to_string().as_bytes()), "DCE_RPC");
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        self.seen = self.seen.saturating_add(payload.len() as u64);
        let Some(pending) = self.pending.get_mut(direction.index()) else { return Verdict::More };
        let read = if pending.is_empty() {
            pdus(&mut self.tokens, context, payload, self.seen, own)
                .map(|used| pending.extend_from_slice(payload.get(used..).unwrap_or_default()))
        } else {
            pending.extend_from_slice(payload);
            pdus(&mut self.tokens, context, pending, self.seen, own).map(|used| {
                pending.drain(..used);
            })
        };
        match read {
            Ok(()) => Verdict::More,
            Err(Malformed(reason)) => Verdict::Violation(reason),
        }
    }

    fn gap(&mut self, _context: &mut FlowContext<'_>, _direction: Direction, _length: u64) -> Verdict {
        Verdict::Done
    }

    fn end(&mut self, _context: &mut FlowContext<'_>, _why: FlowEnd) {}
}
