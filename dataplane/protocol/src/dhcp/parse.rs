//! DHCP messages (RFC 2131, section 2; options RFC 2132).

/// What DHCP options begin with (RFC 2131, section 3).
pub(super) const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
/// Octets of the fixed part, before the cookie.
const FIXED_LEN: usize = 236;
/// Option without length or value.
const PAD: u8 = 0;
/// Option after which there is none.
const END: u8 = 255;
/// Option: message type, one octet.
const MESSAGE_TYPE: u8 = 53;

/// The type of `message`, 1 DISCOVER to 8 INFORM and beyond. The options must be whole, up to the end option.
pub(super) fn message_type(message: &[u8]) -> Result<u8, &'static str> {
    let options = message.get(FIXED_LEN..).ok_or("message too short")?;
    let (cookie, mut options) = options.split_first_chunk::<4>().ok_or("message too short")?;
    if *cookie != COOKIE {
        return Err("bad cookie");
    }
    let mut found = None;
    loop {
        let (&code, rest) = options.split_first().ok_or("options without an end")?;
        options = match code {
            END => break,
            PAD => rest,
            _ => {
                let (&length, rest) = rest.split_first().ok_or("option without length")?;
                let (value, rest) =
                    rest.split_at_checked(usize::from(length)).ok_or("option runs over the end")?;
                if code == MESSAGE_TYPE && found.is_none() {
                    found = value.first().copied();
                }
                rest
            }
        };
    }
    found.ok_or("no message type option")
}
