//! Frames of the NetBIOS session service around SMB (RFC 1002, section 4.3.1), and fields of messages.

/// Octets of a frame's header.
pub(super) const FRAME_LEN: usize = 4;

/// Octets of a message that tell whether it is of interest: the header of SMB 2.
pub(super) const BEGINNING_LEN: usize = 64;

/// Whether a message is worth to be kept until it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// More of it is needed to tell.
    Unknown,
}

/// A frame, perhaps not whole; lengths include its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'p> {
    /// A session message.
    Message {
        /// Octets of the frame.
        length: usize,
        /// What is there of the message.
        beginning: &'p [u8],
    },
    /// Another frame.
    Other {
        /// Octets of the frame.
        length: usize,
    },
}

/// Looks at the frame at the beginning of `octets`, once it has a header.
pub(super) fn frame(octets: &[u8]) -> Option<Frame<'_>> {
    let ([kind, a, b, c], rest) = octets.split_first_chunk::<FRAME_LEN>()?;
    let length = FRAME_LEN + u32::from_be_bytes([0, *a, *b, *c]) as usize;
    Some(match kind {
        0 => Frame::Message { length, beginning: rest.get(..length - FRAME_LEN).unwrap_or(rest) },
        _ => Frame::Other { length },
    })
}

/// Whether a message of SMB begins here, in its frame.
pub(super) fn begins_message(octets: &[u8]) -> bool {
    matches!(octets, [_, _, _, _, 0xfe | 0xff, b'S', b'M', b'B', ..])
}

/// A field of one octet.
pub(super) fn u8_at(octets: &[u8], offset: usize) -> Option<u8> {
    octets.get(offset).copied()
}

/// A field of two octets, little-endian.
pub(super) fn u16_at(octets: &[u8], offset: usize) -> Option<u16> {
    octets.get(offset..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

/// A field of four octets, little-endian.
pub(super) fn u32_at(octets: &[u8], offset: usize) -> Option<u32> {
    octets.get(offset..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// A field of eight octets, little-endian.
pub(super) fn u64_at(octets: &[u8], offset: usize) -> Option<u64> {
    octets.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// `length` octets from `offset`.
pub(super) fn slice(octets: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    octets.get(offset..offset.checked_add(length)?)
}
