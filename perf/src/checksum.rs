//! The Internet checksum (RFC 1071), for packets that are made.

/// Sum of `data` as big-endian 16-bit words, an odd last octet padded with zero; not folded. For at most 65,535 octets,
/// whose sum cannot overflow.
pub fn sum(data: &[u8]) -> u64 {
    let (blocks, rest) = data.as_chunks::<32>();
    let mut total = 0_u64;
    for block in blocks {
        for word in block.as_chunks::<8>().0 {
            let word = u64::from_ne_bytes(*word);
            total += (word >> 32) + (word & 0xffff_ffff);
        }
    }
    let (pairs, last) = rest.as_chunks::<2>();
    for pair in pairs {
        total += u64::from(u16::from_ne_bytes(*pair));
    }
    if let [octet] = last {
        total += u64::from(u16::from_ne_bytes([*octet, 0]));
    }
    // The sum does not depend on the order of octets within words (RFC 1071, section 2).
    u64::from(u16::from_be(fold(total)))
}

/// Folds the carries of a sum into 16 bits.
pub const fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    total as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equals_the_sum_of_words(data in prop::collection::vec(any::<u8>(), 0..200)) {
            let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
            prop_assert_eq!(sum(&data), u64::from(fold(data.chunks(2).map(word).sum())));
        }
    }
}
