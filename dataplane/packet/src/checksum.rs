//! The Internet checksum (RFC 1071).

use std::num::NonZeroU16;

use crate::carry::Ip;

/// Sum of `data` as big-endian 16-bit words, an odd last octet padded with zero; not folded.
///
/// Adds four octets at a time in native order: the one's complement sum does not depend on the byte order of the
/// words (RFC 1071, section 2), so one swap of the folded sum is enough.
#[inline]
pub(crate) fn sum(data: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has what the function is compiled for.
        #[expect(unsafe_code, reason = "the same code in wider registers, where there are some")]
        return unsafe { sum_avx2(data) };
    }
    sum_words(data)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline(never)]
fn sum_avx2(data: &[u8]) -> u64 {
    sum_words(data)
}

/// Widens words of 32 bits to 64, which 65,535 octets are far too few to overflow: the plainest loop is what the compiler
/// makes the best vectors of.
#[inline(always)]
fn sum_words(data: &[u8]) -> u64 {
    let (words, rest) = data.as_chunks::<4>();
    let mut total: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    let (pairs, last) = rest.as_chunks::<2>();
    for pair in pairs {
        total += u64::from(u16::from_ne_bytes(*pair));
    }
    if let [octet] = last {
        total += u64::from(u16::from_ne_bytes([*octet, 0]));
    }
    u64::from(u16::from_be(fold(total)))
}

/// Folds the carries of a sum into 16 bits.
#[inline]
pub(crate) const fn fold(mut total: u64) -> u16 {
    total = (total >> 32) + (total & 0xffff_ffff);
    total = (total >> 16) + (total & 0xffff);
    total = (total >> 16) + (total & 0xffff);
    total = (total >> 16) + (total & 0xffff);
    total as u16
}

/// The folded sum of data with its right checksum inside.
pub(crate) const VALID: u16 = 0xffff;

/// Whether `data`, which holds its own checksum, sums up to all ones.
#[inline]
pub(crate) fn is_valid(data: &[u8]) -> bool {
    fold(sum(data)) == VALID
}

/// Whether an upper-layer packet with its checksum inside is valid under the pseudo header of IPv4 (RFC 9293,
/// section 3.1) or IPv6 (RFC 8200, section 8.1); both sum up alike for the same addresses.
#[inline]
pub(crate) fn is_valid_upper(ip: Ip, protocol: u8, data: &[u8]) -> bool {
    fold(pseudo_header(ip, protocol, data.len()) + sum(data)) == VALID
}

/// As [`is_valid_upper`], but the folded sum, and of `data` only the first `header_len` octets, an even number. Never
/// none: only nothing but zeros sums up to zero (RFC 1071), and the protocol is one of the summands.
#[inline]
pub(crate) fn sum_upper(ip: Ip, protocol: u8, data: &[u8], header_len: usize) -> Option<NonZeroU16> {
    let header = data.get(..header_len).unwrap_or_default();
    NonZeroU16::new(fold(pseudo_header(ip, protocol, data.len()) + sum(header)))
}

#[inline]
fn pseudo_header(ip: Ip, protocol: u8, length: usize) -> u64 {
    address(ip.source) + address(ip.destination) + u64::from(protocol) + length as u64
}

/// Sum of an address. The mapped form of an IPv4 address adds a word of all ones to that of its four octets, which in
/// one's complement is nothing.
#[inline]
fn address(octets: u128) -> u64 {
    let (high, low) = ((octets >> 64) as u64, octets as u64);
    (high >> 32) + (high & 0xffff_ffff) + (low >> 32) + (low & 0xffff_ffff)
}
