//! Checked reads at fixed places.

/// Big-endian 16-bit value at `at`.
#[inline]
pub(crate) fn be16(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

/// The 16 octets of an IPv6 address at `at`.
#[inline]
pub(crate) fn address16(data: &[u8], at: usize) -> Option<[u8; 16]> {
    data.get(at..)?.first_chunk().copied()
}

/// Bytes from `at` on; empty when there are none.
#[inline]
pub(crate) fn from(data: &[u8], at: usize) -> &[u8] {
    data.get(at..).unwrap_or_default()
}

/// The first `len` bytes, or all when there are fewer.
#[inline]
pub(crate) fn up_to(data: &[u8], len: usize) -> &[u8] {
    data.get(..len).unwrap_or(data)
}
