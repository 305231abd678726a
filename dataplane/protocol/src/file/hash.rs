//! MD5, SHA-1 and SHA-256 of a file, computed as its octets pass.

use data_encoding::HEXLOWER;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// Octets that each of the three takes at a time (RFC 1321, FIPS 180-4).
const BLOCK: usize = 64;

/// The three digests of a file, under way.
///
/// They are given block by block in turn: each waits for its own previous step most of the time, so the processor works
/// on all three at once.
#[derive(Debug, Clone)]
pub(super) struct Digests {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
    /// The octets since the last whole block.
    kept: [u8; BLOCK],
    kept_len: usize,
}

impl Default for Digests {
    fn default() -> Self {
        Self {
            md5: Md5::default(),
            sha1: Sha1::default(),
            sha256: Sha256::default(),
            kept: [0; BLOCK],
            kept_len: 0,
        }
    }
}

/// The three digests of a whole file, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HexDigests {
    pub(super) md5: String,
    pub(super) sha1: String,
    pub(super) sha256: String,
}

impl Digests {
    /// The next octets of the file.
    pub(super) fn update(&mut self, data: &[u8]) {
        let mut data = data;
        if self.kept_len > 0 {
            data = self.keep(data);
            if self.kept_len < BLOCK {
                return;
            }
            let block = self.kept;
            self.add(&block);
            self.kept_len = 0;
        }
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        for block in blocks {
            self.add(block);
        }
        self.keep(rest);
    }

    /// Fills the block that is kept, and returns what is beyond it.
    fn keep<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let place = self.kept.get_mut(self.kept_len..).unwrap_or_default();
        let (now, later) = data.split_at_checked(place.len()).unwrap_or((data, &[]));
        place.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
        self.kept_len += now.len();
        later
    }

    #[inline]
    fn add(&mut self, octets: &[u8]) {
        self.md5.update(octets);
        self.sha1.update(octets);
        self.sha256.update(octets);
    }

    /// The digests, when the file is whole.
    pub(super) fn finish(mut self) -> HexDigests {
        let kept = self.kept;
        self.add(kept.get(..self.kept_len).unwrap_or_default());
        HexDigests {
            md5: HEXLOWER.encode(&self.md5.finalize()),
            sha1: HEXLOWER.encode(&self.sha1.finalize()),
            sha256: HEXLOWER.encode(&self.sha256.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex<D: Digest>(data: &[u8]) -> String {
        HEXLOWER.encode(&D::digest(data))
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_give_the_digests_of_the_whole(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        ) {
            let mut digests = Digests::default();
            for piece in &pieces {
                digests.update(piece);
            }
            let whole = pieces.concat();
            let expected =
                HexDigests { md5: hex::<Md5>(&whole), sha1: hex::<Sha1>(&whole), sha256: hex::<Sha256>(&whole) };
            prop_assert_eq!(digests.finish(), expected);
        }
    }
}
