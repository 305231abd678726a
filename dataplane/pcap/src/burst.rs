//! Frames handed out together.

use packet::Frame;
use record::Time;

use crate::Buffer;

/// Most frames in one burst.
pub const BURST: usize = 64;

/// Up to [`BURST`] frames of one link type, borrowed from the reader until it is asked for the next.
///
/// Lives on the stack, allocates nothing. Make a new one for every burst: the borrow ends with it.
#[derive(Debug)]
pub struct Burst<'r> {
    frames: [Frame<'r>; BURST],
    offsets: [u64; BURST],
    len: usize,
    link_type: u16,
    buffer: Option<&'r Buffer>,
}

impl<'r> Burst<'r> {
    const NO_FRAME: Frame<'r> = Frame { time: Time(0), clock: Time(0), number: 0, data: &[], wire_len: 0 };

    /// An empty burst.
    pub const fn new() -> Self {
        Self { frames: [Self::NO_FRAME; BURST], offsets: [0; BURST], len: 0, link_type: 0, buffer: None }
    }

    /// The frames, in the order of the file.
    pub fn frames(&self) -> &[Frame<'r>] {
        self.frames.get(..self.len).unwrap_or_default()
    }

    /// Where each frame's record starts: bytes from the start of the file, after decompression.
    pub fn offsets(&self) -> &[u64] {
        self.offsets.get(..self.len).unwrap_or_default()
    }

    /// The memory that all these frames stand in, for who keeps them; none if they are those of a mapping.
    pub const fn buffer(&self) -> Option<&'r Buffer> {
        self.buffer
    }

    /// Link type of all these frames (`LINKTYPE_` number); 0 in an empty burst.
    pub const fn link_type(&self) -> u16 {
        self.link_type
    }

    /// Number of frames.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no frame.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.link_type = 0;
        self.buffer = None;
    }

    /// Says where the frames that follow stand.
    pub(crate) const fn stand_in(&mut self, buffer: Option<&'r Buffer>) {
        self.buffer = buffer;
    }

    /// Takes the frame, unless the burst is full or of another link type.
    #[inline]
    pub(crate) fn push(&mut self, link_type: u16, frame: Frame<'r>, offset: u64) -> bool {
        if self.len > 0 && self.link_type != link_type {
            return false;
        }
        let (Some(frame_slot), Some(offset_slot)) =
            (self.frames.get_mut(self.len), self.offsets.get_mut(self.len))
        else {
            return false;
        };
        *frame_slot = frame;
        *offset_slot = offset;
        self.link_type = link_type;
        self.len += 1;
        true
    }
}

impl Default for Burst<'_> {
    fn default() -> Self {
        Self::new()
    }
}
