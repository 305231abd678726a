//! Follows a spool, block by block, from a cursor on.

use std::{
    cmp::Ordering,
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    Cursor, MAX_BLOCK, MAX_HEADER, SpoolError,
    block::{Look, VERSION, look, next_candidate},
    cursor::{CursorFile, Stored},
    directory::{active_path, at, create_directory, sealed_path, segments},
};

/// Bytes read at a time, beyond what a block needs.
const READ: usize = 256 << 10;
/// Damaged bytes that are checked for sound blocks within a segment before the rest of it is given up: it keeps the
/// time that a segment takes in proportion to its length, whatever is in it.
const MAX_CHECKED: u64 = 64 * MAX_BLOCK as u64;

/// Where a new sink starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the oldest record that is there.
    Oldest,
    /// With what is written from now on.
    Newest,
}

/// Why bytes of a segment were passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The segment ends within a block: its writer was killed or its disk was full.
    Torn,
    /// A line where a block's line should be is none.
    Header,
    /// The checksum is wrong.
    Checksum,
    /// The block does not have the records that it claims.
    Count,
    /// The segment is shorter than the cursor says: a power cut took what was read already.
    Shrunk,
}

impl SkipReason {
    /// The reason's name in metrics and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Torn => "torn",
            Self::Header => "header",
            Self::Checksum => "checksum",
            Self::Count => "count",
            Self::Shrunk => "shrunk",
        }
    }
}

/// Bytes that were passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skip {
    /// Where they start.
    pub from: Cursor,
    /// How many.
    pub bytes: u64,
    /// What was wrong with the first of them.
    pub reason: SkipReason,
}

/// The records of a block.
#[derive(Debug, Clone, Copy)]
pub struct Records<'r> {
    bytes: &'r [u8],
    count: u32,
    start: Cursor,
    end: Cursor,
}

impl<'r> Records<'r> {
    /// The lines, each ended by a newline.
    pub const fn as_bytes(&self) -> &'r [u8] {
        self.bytes
    }

    /// The lines without their newlines.
    pub fn iter(&self) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        self.bytes.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
    }

    /// How many records.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Where the block starts. With a record's number in the block, this names it for ever.
    pub const fn start(&self) -> Cursor {
        self.start
    }

    /// Where the next block starts: what to commit when all these records are delivered.
    pub const fn end(&self) -> Cursor {
        self.end
    }
}

/// What comes next in the spool.
#[derive(Debug, Clone, Copy)]
pub enum Item<'r> {
    /// Records.
    Records(Records<'r>),
    /// Damage, passed over.
    Skipped(Skip),
}

/// A segment being read.
#[derive(Debug)]
struct Open {
    number: u64,
    path: PathBuf,
    file: File,
    /// Whether no more is added to it.
    sealed: bool,
    /// Where the buffer's start is in the file.
    offset: u64,
    /// Start and reason of what is being passed over.
    damage: Option<(u64, SkipReason)>,
    /// Bytes checked in vain.
    checked: u64,
}

/// Bytes read and not yet passed.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
}

impl Buffer {
    fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn len(&self) -> usize {
        self.bytes.len().saturating_sub(self.start)
    }

    fn pass(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// Appends up to `count` bytes of the file from `offset` on.
    fn read(&mut self, mut file: &File, offset: u64, count: usize) -> io::Result<usize> {
        self.bytes.drain(..self.start);
        self.start = 0;
        file.seek(SeekFrom::Start(offset))?;
        file.take(count as u64).read_to_end(&mut self.bytes)
    }
}

/// What [`SpoolReader::step`] found at the buffer's start.
enum Found {
    Block {
        header: usize,
        len: usize,
        count: u32,
    },
    Skipped(Skip),
    /// The end of a sealed segment.
    End,
    /// The end of what is written so far.
    Wait,
}

/// One sink's reader.
#[derive(Debug)]
pub struct SpoolReader {
    directory: PathBuf,
    cursor_file: CursorFile,
    committed: Cursor,
    cursor_damaged: bool,
    /// Up to where everything was handed out.
    position: Cursor,
    open: Option<Open>,
    buffer: Buffer,
}

impl SpoolReader {
    /// Opens the cursor of this name, or registers it. From then on, segments wait for it.
    ///
    /// A damaged cursor starts with the oldest record: twice is better than never.
    pub fn open(directory: impl Into<PathBuf>, name: &str, start: Start) -> Result<Self, SpoolError> {
        let directory = directory.into();
        create_directory(&directory)?;
        let cursor_file = CursorFile::open(&directory, name)?;
        let stored = cursor_file.load()?;
        let position = match (stored, start) {
            (Stored::At(cursor), _) => cursor,
            (Stored::Missing, Start::Newest) => segments(&directory)?
                .last()
                .map_or_else(Cursor::default, |last| Cursor { segment: last.number, offset: 0 }),
            _ => Cursor::default(),
        };
        if !matches!(stored, Stored::At(_)) {
            cursor_file.save(position)?;
        }
        let mut reader = Self {
            directory,
            cursor_file,
            committed: position,
            cursor_damaged: stored == Stored::Damaged,
            position,
            open: None,
            buffer: Buffer::default(),
        };
        if stored == Stored::Missing && start == Start::Newest {
            reader.pass_what_is_there()?;
        }
        Ok(reader)
    }

    /// Goes to the end of the last whole block.
    fn pass_what_is_there(&mut self) -> Result<(), SpoolError> {
        let Some(last) = segments(&self.directory)?.last().copied() else { return Ok(()) };
        let end = Cursor { segment: last.number, offset: last.bytes };
        while self.position < end && self.next()?.is_some() {}
        self.commit(self.position)
    }

    /// Whether the stored cursor could not be read, so that this reader began with the oldest record.
    pub const fn cursor_was_damaged(&self) -> bool {
        self.cursor_damaged
    }

    /// Up to where everything was handed out.
    pub const fn position(&self) -> Cursor {
        self.position
    }

    /// The stored cursor.
    pub const fn committed(&self) -> Cursor {
        self.committed
    }

    /// Stores how far the sink has got; synchronous, some milliseconds on a disk. A cursor before the stored one, or
    /// beyond what was handed out, is brought into that range.
    pub fn commit(&mut self, cursor: Cursor) -> Result<(), SpoolError> {
        let cursor = cursor.min(self.position).max(self.committed);
        if cursor != self.committed {
            self.cursor_file.save(cursor)?;
            self.committed = cursor;
        }
        Ok(())
    }

    /// Goes back to the stored cursor, to deliver again what was not committed.
    pub fn rewind(&mut self) {
        self.position = self.committed;
        self.open = None;
        self.buffer.clear();
    }

    /// Bytes of segments that were not handed out yet.
    pub fn backlog(&self) -> Result<u64, SpoolError> {
        let left = segments(&self.directory)?.into_iter().map(|segment| {
            match segment.number.cmp(&self.position.segment) {
                Ordering::Less => 0,
                Ordering::Equal => segment.bytes.saturating_sub(self.position.offset),
                Ordering::Greater => segment.bytes,
            }
        });
        Ok(left.sum())
    }

    /// The next block, or what had to be passed over; `None` when there is nothing new now. Does not wait.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, SpoolError> {
        loop {
            if self.open.is_none() && !self.open_next()? {
                return Ok(None);
            }
            match self.step()? {
                Found::Block { header, len, count } => {
                    let start = self.position;
                    let whole = header + len;
                    self.position.offset += whole as u64;
                    if let Some(open) = &mut self.open {
                        open.offset += whole as u64;
                    }
                    self.buffer.pass(whole);
                    let end = self.buffer.start;
                    let bytes = self.buffer.bytes.get(end - len..end).unwrap_or_default();
                    return Ok(Some(Item::Records(Records { bytes, count, start, end: self.position })));
                }
                Found::Skipped(skip) => return Ok(Some(Item::Skipped(skip))),
                Found::Wait => return Ok(None),
                Found::End => {
                    let Some(open) = &self.open else { return Ok(None) };
                    // The end stays open until there is a next one, to be found again by the cursor.
                    let after = open.number.saturating_add(1);
                    if !segments(&self.directory)?.iter().any(|segment| segment.number >= after) {
                        return Ok(None);
                    }
                    self.position = Cursor { segment: after, offset: 0 };
                    self.open = None;
                    self.buffer.clear();
                }
            }
        }
    }

    /// Opens the segment of the position, or else the next one that is there.
    fn open_next(&mut self) -> Result<bool, SpoolError> {
        for segment in segments(&self.directory)? {
            if segment.number < self.position.segment {
                continue;
            }
            let Some((file, path, sealed)) = open_segment(&self.directory, segment.number)? else {
                continue;
            };
            let offset = if segment.number == self.position.segment { self.position.offset } else { 0 };
            self.position = Cursor { segment: segment.number, offset };
            self.buffer.clear();
            self.open =
                Some(Open { number: segment.number, path, file, sealed, offset, damage: None, checked: 0 });
            return Ok(true);
        }
        Ok(false)
    }

    /// Looks at the buffer's start, reading more as needed.
    fn step(&mut self) -> Result<Found, SpoolError> {
        let Some(open) = &mut self.open else { return Ok(Found::End) };
        let buffer = &mut self.buffer;
        loop {
            if open.checked > MAX_CHECKED {
                open.discard(buffer, buffer.len());
                if !open.fill(buffer, 1, &self.directory)? {
                    return Ok(open.at_end(buffer, &mut self.position));
                }
                continue;
            }
            match look(buffer.as_slice()) {
                Look::Block { header, len, count } => {
                    return Ok(match open.skipped(&mut self.position) {
                        Some(skip) => Found::Skipped(skip),
                        None => Found::Block { header, len, count },
                    });
                }
                Look::Segment { header, version } if open.offset == 0 => {
                    if version > VERSION {
                        return Err(SpoolError::Version { path: open.path.clone(), version });
                    }
                    open.discard(buffer, header);
                    self.position.offset = open.offset;
                }
                Look::NeedMore(needed) => {
                    if open.fill(buffer, needed, &self.directory)? {
                        continue;
                    }
                    if !open.sealed || buffer.len() == 0 {
                        return Ok(open.at_end(buffer, &mut self.position));
                    }
                    open.pass(buffer, SkipReason::Torn);
                }
                Look::Segment { .. } => open.pass(buffer, SkipReason::Header),
                Look::Damaged { reason, checked } => {
                    open.checked += checked as u64;
                    open.pass(buffer, reason);
                }
            }
        }
    }
}

impl Open {
    /// Reads on until the buffer has `needed` bytes. False when there is nothing more to read; a segment is known to
    /// be sealed only after everything in it was read.
    fn fill(&mut self, buffer: &mut Buffer, needed: usize, directory: &Path) -> Result<bool, SpoolError> {
        let needed = needed.min(MAX_BLOCK + MAX_HEADER);
        let before = buffer.len();
        while buffer.len() < needed {
            let from = self.offset.saturating_add(buffer.len() as u64);
            let room = (needed - buffer.len()).max(READ);
            if buffer.read(&self.file, from, room).map_err(at(&self.path))? > 0 {
                continue;
            }
            if self.sealed {
                break;
            }
            // The name goes with the sealing; the file itself may be reclaimed by then.
            let active = active_path(directory, self.number);
            self.sealed = !active.try_exists().map_err(at(&active))?;
            if !self.sealed {
                break;
            }
        }
        Ok(buffer.len() > before)
    }

    /// Drops bytes from the buffer's start.
    fn discard(&mut self, buffer: &mut Buffer, count: usize) {
        let count = count.min(buffer.len());
        buffer.pass(count);
        self.offset += count as u64;
    }

    /// Goes on to the next place where a block could start.
    fn pass(&mut self, buffer: &mut Buffer, reason: SkipReason) {
        self.damage.get_or_insert((self.offset, reason));
        let count = match next_candidate(buffer.as_slice()) {
            Ok(candidate) => candidate,
            Err(without) => without.max(1),
        };
        self.discard(buffer, count);
    }

    /// What was passed over up to here, once.
    fn skipped(&mut self, position: &mut Cursor) -> Option<Skip> {
        let (from, reason) = self.damage.take()?;
        position.offset = self.offset;
        Some(Skip {
            from: Cursor { segment: self.number, offset: from },
            bytes: self.offset.saturating_sub(from),
            reason,
        })
    }

    /// With nothing more to read: the end of a sealed segment, after what was passed over before it.
    fn at_end(&mut self, buffer: &Buffer, position: &mut Cursor) -> Found {
        if !self.sealed || buffer.len() > 0 {
            return Found::Wait;
        }
        if let Some(skip) = self.skipped(position) {
            return Found::Skipped(skip);
        }
        match self.file.metadata() {
            Ok(metadata) if metadata.len() < self.offset => {
                let from = Cursor { segment: self.number, offset: metadata.len() };
                let bytes = self.offset - metadata.len();
                self.offset = metadata.len();
                *position = from;
                Found::Skipped(Skip { from, bytes, reason: SkipReason::Shrunk })
            }
            _ => Found::End,
        }
    }
}

/// Opens a segment by either of its names; `None` when it is gone.
fn open_segment(directory: &Path, number: u64) -> Result<Option<(File, PathBuf, bool)>, SpoolError> {
    // Sealed once more at the end: it may be renamed between the first two.
    for (path, sealed) in [
        (sealed_path(directory, number), true),
        (active_path(directory, number), false),
        (sealed_path(directory, number), true),
    ] {
        match File::open(&path) {
            Ok(file) => return Ok(Some((file, path, sealed))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&path)(error)),
        }
    }
    Ok(None)
}
