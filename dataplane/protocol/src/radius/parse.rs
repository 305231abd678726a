//! RADIUS messages (RFC 2865, sections 3 and 5).

/// Code, identifier, length and authenticator.
const HEADER_LEN: usize = 20;
/// Type and length of an attribute.
const ATTRIBUTE_HEADER_LEN: usize = 2;

/// Checks that the attributes fill `message` exactly.
pub(super) fn check(message: &[u8]) -> Result<(), &'static str> {
    let mut attributes = message.get(HEADER_LEN..).ok_or("message too short")?;
    while let Some((_, rest)) = attributes.split_first() {
        let length = usize::from(*rest.first().ok_or("attribute without length")?);
        if length < ATTRIBUTE_HEADER_LEN {
            return Err("attribute too short");
        }
        attributes = attributes.get(length..).ok_or("attribute runs over the end")?;
    }
    Ok(())
}
