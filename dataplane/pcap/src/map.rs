//! The one place with `unsafe`: mapping a regular file for reading.
//!
//! Reads ahead in stretches of [`READ_AHEAD`] bytes: the next stretch is asked from the disk while the present one is
//! worked on, and its pages are entered into the page table in one call instead of one fault for each.
#![allow(unsafe_code)]

use std::{fs::File, io};

use memmap2::{Advice, Mmap, MmapOptions};

/// Bytes of a mapped file that are read ahead at a time, and after which its length is checked again.
pub const READ_AHEAD: usize = 4 << 20;

/// A regular file mapped whole, with a position.
#[derive(Debug)]
pub(crate) struct Mapped {
    map: Mmap,
    file: File,
    /// Start of the window.
    position: usize,
    /// End of what may be read: the file's length when it was last looked at, never over the map's.
    end: usize,
    /// End of the stretch that has been read ahead.
    ahead: usize,
}

impl Mapped {
    /// Maps the file as long as it is now.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        // SAFETY: the mapping is private to this struct, read-only, and only handed out as shared slices that end
        // with it. The kernel, not the compiler, decides what those bytes are: another process may write to the file
        // meanwhile. That cannot break memory safety of the users, because every length read from the map is copied
        // into a local once and checked against the map's own length, which does not change, before it is used, and
        // no type with invalid bit patterns is ever made from the bytes. Pages cut off the file raise SIGBUS, which
        // ends the process rather than reading stray memory; `advance` keeps that window small.
        let map = unsafe { MmapOptions::new().map(&file)? };
        let end = map.len();
        // Advice is only that: a kernel that does not know it reads just as right.
        let _ = map.advise(Advice::Sequential);
        let mut mapped = Self { map, file, position: 0, end, ahead: 0 };
        mapped.read_ahead();
        Ok(mapped)
    }

    /// Length of the file, as far as it may be read.
    pub(crate) const fn len(&self) -> usize {
        self.end
    }

    /// What is left of the file.
    pub(crate) fn window(&self) -> &[u8] {
        self.map.get(self.position..self.end).unwrap_or_default()
    }

    /// Moves the window's start forward.
    pub(crate) fn advance(&mut self, count: usize) {
        self.position = self.position.saturating_add(count).min(self.end);
        if self.position >= self.ahead {
            self.read_ahead();
        }
    }

    fn read_ahead(&mut self) {
        match self.file.metadata() {
            Ok(metadata) => {
                self.end = self.end.min(usize::try_from(metadata.len()).unwrap_or(usize::MAX));
            }
            // The file cannot be looked at any more: nothing says that its pages are still there.
            Err(_) => self.end = self.end.min(self.position),
        }
        self.position = self.position.min(self.end);
        let start = self.position & !0xfff;
        let len = (2 * READ_AHEAD).min(self.end - start);
        if len > READ_AHEAD {
            let _ = self.map.advise_range(Advice::WillNeed, start + READ_AHEAD, len - READ_AHEAD);
        }
        let _ = self.map.advise_range(Advice::PopulateRead, start, len.min(READ_AHEAD));
        // Renewed a little before its end, which a burst that starts within it may pass.
        self.ahead = start.saturating_add(READ_AHEAD - READ_AHEAD / 8);
    }
}
