//! Lines of limited length out of a byte stream.

use std::io::{self, Read};

/// Longest line either way, newline included: 4 MiB.
pub const MAX_LINE: usize = 4 << 20;

/// Bytes read at a time.
const READ: usize = 16 << 10;

/// What was read and is not a whole line yet.
#[derive(Debug, Default)]
pub(crate) struct LineBuffer {
    bytes: Vec<u8>,
    /// Bytes that were searched for a newline already.
    searched: usize,
}

/// What one read has brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    Something,
    EndOfFile,
}

impl LineBuffer {
    /// Whether there is the beginning of a line.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether there are bytes that were not looked at yet, in which there may be a whole line.
    pub(crate) fn has_unsearched(&self) -> bool {
        self.searched < self.bytes.len()
    }

    /// Reads once.
    pub(crate) fn read(&mut self, input: &mut impl Read) -> io::Result<Brought> {
        let mut piece = [0; READ];
        let read = input.read(&mut piece)?;
        self.bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        Ok(if read == 0 { Brought::EndOfFile } else { Brought::Something })
    }

    /// Takes the next whole line, without its newline; `None` if there is none yet, `Err` if it is too long.
    pub(crate) fn next_line(&mut self) -> Result<Option<Vec<u8>>, LineTooLong> {
        let rest = self.bytes.get(self.searched..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n').map(|at| at + self.searched) else {
            self.searched = self.bytes.len();
            return if self.searched < MAX_LINE { Ok(None) } else { Err(LineTooLong) };
        };
        if end >= MAX_LINE {
            return Err(LineTooLong);
        }
        self.searched = 0;
        let after = self.bytes.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.bytes, after);
        line.pop();
        Ok(Some(line))
    }
}

/// A line is longer than [`MAX_LINE`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LineTooLong;
