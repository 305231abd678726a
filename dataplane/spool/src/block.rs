//! Blocks and their header lines: pure functions on bytes.

use std::io::Write as _;

use serde::Deserialize;
use thiserror::Error;

use crate::SkipReason;

/// Most bytes of records in one block, 8 MiB. What a reader keeps in memory.
pub const MAX_BLOCK: usize = 8 << 20;
/// Longest line of the spool's own, newline included.
pub const MAX_HEADER: usize = 256;

/// Version of the format that is written, and the highest that is read.
pub(crate) const VERSION: u32 = 1;
/// What every line of the spool's own starts with.
const MARK: &[u8] = b"{\"_spool\":\"";
/// What a block's line starts with.
const BLOCK_MARK: &[u8] = b"{\"_spool\":\"block\"";

/// Records to be appended together.
#[derive(Debug, Clone, Copy)]
pub struct Block<'b> {
    records: &'b [u8],
    count: u32,
}

/// Why bytes are no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockError {
    /// There are none.
    #[error("a block without records")]
    Empty,
    /// The last record does not end with a newline.
    #[error("a block whose last record does not end with a newline")]
    Unterminated,
    /// There are more than [`MAX_BLOCK`] bytes.
    #[error("a block of {length} bytes, over the limit of {MAX_BLOCK}")]
    TooLong {
        /// How many bytes there are.
        length: usize,
    },
}

impl<'b> Block<'b> {
    /// Records as lines of JSON, each ended by a newline and having none within.
    pub fn new(records: &'b [u8]) -> Result<Self, BlockError> {
        if records.len() > MAX_BLOCK {
            return Err(BlockError::TooLong { length: records.len() });
        }
        match records.last() {
            None => Err(BlockError::Empty),
            Some(b'\n') => Ok(Self { records, count: count_lines(records) }),
            Some(_) => Err(BlockError::Unterminated),
        }
    }

    /// The records.
    pub const fn records(&self) -> &'b [u8] {
        self.records
    }

    /// How many records.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Writes the header line into `line`, which is emptied first.
    pub(crate) fn write_header(&self, line: &mut Vec<u8>) -> std::io::Result<()> {
        line.clear();
        let crc = crc32c::crc32c(self.records);
        writeln!(
            line,
            r#"{{"_spool":"block","len":{},"count":{},"crc32c":"{crc:08x}"}}"#,
            self.records.len(),
            self.count
        )
    }
}

fn count_lines(records: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', records).count()).unwrap_or(u32::MAX)
}

/// A block's header line.
#[derive(Debug, Deserialize)]
struct Header<'h> {
    #[serde(rename = "_spool")]
    kind: &'h str,
    len: usize,
    count: u32,
    crc32c: &'h str,
}

/// A segment's first line.
#[derive(Debug, Deserialize)]
struct SegmentHeader<'h> {
    #[serde(rename = "_spool")]
    kind: &'h str,
    version: u32,
}

/// What the bytes at a place are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A sound block: the length of its line, of its records, and their number.
    Block { header: usize, len: usize, count: u32 },
    /// The line that starts a segment, of this length.
    Segment { header: usize, version: u32 },
    /// Not to be known before there are this many bytes.
    NeedMore(usize),
    /// Neither; `checked` bytes were read to know it.
    Damaged { reason: SkipReason, checked: usize },
}

/// Looks at the start of `bytes`, which is the start of a line.
pub(crate) fn look(bytes: &[u8]) -> Look {
    let damaged = |reason| Look::Damaged { reason, checked: MAX_HEADER };
    let head = bytes.get(..MAX_HEADER).unwrap_or(bytes);
    let marked = head.get(..MARK.len()).unwrap_or(head);
    if !MARK.starts_with(marked) {
        return damaged(SkipReason::Header);
    }
    let Some(header) = memchr::memchr(b'\n', head).map(|end| end + 1) else {
        return if head.len() < MAX_HEADER {
            Look::NeedMore(MAX_HEADER)
        } else {
            damaged(SkipReason::Header)
        };
    };
    let (line, records) = bytes.split_at_checked(header).unwrap_or((bytes, &[]));
    let Ok(fields) = serde_json::from_slice::<Header<'_>>(line) else {
        return match serde_json::from_slice::<SegmentHeader<'_>>(line) {
            Ok(SegmentHeader { kind: "segment", version }) => Look::Segment { header, version },
            _ => damaged(SkipReason::Header),
        };
    };
    let Ok(crc) = u32::from_str_radix(fields.crc32c, 16) else {
        return damaged(SkipReason::Header);
    };
    if fields.kind != "block" || fields.len == 0 || fields.len > MAX_BLOCK {
        return damaged(SkipReason::Header);
    }
    let Some(records) = records.get(..fields.len) else {
        return Look::NeedMore(header + fields.len);
    };
    let checked = header + fields.len;
    if crc32c::crc32c(records) != crc {
        return Look::Damaged { reason: SkipReason::Checksum, checked };
    }
    if !records.ends_with(b"\n") || count_lines(records) != fields.count {
        return Look::Damaged { reason: SkipReason::Count, checked };
    }
    Look::Block { header, len: fields.len, count: fields.count }
}

/// Where the next thing that looks like a block's line starts, beyond the first byte. `Err` is how many bytes hold none.
///
/// The newline before it is not asked for, since that may be what is damaged.
pub(crate) fn next_candidate(bytes: &[u8]) -> Result<usize, usize> {
    let rest = bytes.get(1..).unwrap_or_default();
    memchr::memmem::find(rest, BLOCK_MARK)
        .map(|at| at + 1)
        .ok_or(bytes.len().saturating_sub(BLOCK_MARK.len() - 1))
}
