//! Elements of the Distinguished Encoding Rules (ITU-T X.690).

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element<'p> {
    /// Identifier octet; identifiers of more octets do not occur here.
    pub(super) tag: u8,
    /// Contents octets.
    pub(super) content: &'p [u8],
    /// What follows the element.
    pub(super) rest: &'p [u8],
}

/// Takes the element at the beginning of `octets`.
pub(super) fn element(octets: &[u8]) -> Option<Element<'_>> {
    let (tag, rest) = octets.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .try_fold(0usize, |length, byte| Some(length.checked_mul(256)? | usize::from(*byte)))?;
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag: *tag, content, rest })
}
