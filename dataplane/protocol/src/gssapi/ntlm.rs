//! Messages of NTLM ([MS-NLMP] section 2.2.1): recognized by the room that their fixed fields need.

use super::Malformed;
use crate::FlowContext;

/// How every message begins.
pub(crate) const MARK: &[u8] = b"NTLMSSP";

/// The service in the connection's record.
const SERVICE: &str = "ntlm";

/// Reads one message. Signatures of an NTLM session count as messages too, as in Zeek.
pub(crate) fn message(context: &mut FlowContext<'_>, octets: &[u8]) -> Result<(), Malformed> {
    let kind = octets.get(8..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Malformed)?;
    let needed = match u32::from_le_bytes(*kind) {
        1 => 32,
        2 => 48,
        3 => 64,
        _ => 12,
    };
    if octets.len() < needed {
        return Err(Malformed);
    }
    context.confirm_carried(SERVICE);
    Ok(())
}
