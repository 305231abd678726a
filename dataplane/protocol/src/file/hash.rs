//! MD5, SHA-1 and SHA-256 of a file, computed as its octets pass.

use data_encoding::HEXLOWER;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The three digests of a file, under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Digests {
    md5: Md5,
    sha1: Sha1,
    sha256: Sha256,
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
        self.md5.update(data);
        self.sha1.update(data);
        self.sha256.update(data);
    }

    /// The digests, when the file is whole.
    pub(super) fn finish(self) -> HexDigests {
        HexDigests {
            md5: HEXLOWER.encode(&self.md5.finalize()),
            sha1: HEXLOWER.encode(&self.sha1.finalize()),
            sha256: HEXLOWER.encode(&self.sha256.finalize()),
        }
    }
}
