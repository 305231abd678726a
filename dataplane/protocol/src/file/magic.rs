//! MIME type of a file by its content.

use super::signatures::SIGNATURES;
use super::text;

/// The MIME type that the beginning of a file shows: that of the strongest signature, of equally strong ones the
/// first by name. `None` where no signature matches, which is so for most files of fewer than ten octets.
pub(crate) fn mime_type(beginning: &[u8]) -> Option<&'static str> {
    let mut best: Option<(i16, &'static str)> = SIGNATURES
        .iter()
        .find(|signature| signature.matches(beginning))
        .map(|signature| (signature.strength, signature.mime));
    text::scan(beginning, |strength, mime| {
        let better = best.is_none_or(|(other, name)| strength > other || (strength == other && mime < name));
        if better {
            best = Some((strength, mime));
        }
    });
    best.map(|(_, mime)| mime)
}
