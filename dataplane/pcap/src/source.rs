//! Where bytes come from: a mapped file, or a stream through one bounded buffer.

use std::{
    fmt,
    fs::File,
    io::{self, BufReader, Cursor, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use crate::{Buffer, map::Mapped, reader::MAX_BLOCK};

/// First size of the stream buffer. It grows, as bytes arrive, to what the longest block takes. Small enough to stay in a
/// core's own cache, so that whoever analyzes the frames finds them there.
const BUFFER: usize = 256 << 10;
/// Bytes of compressed input read at a time.
const COMPRESSED_BUFFER: usize = 128 << 10;
/// Largest zstd window accepted, as a power of two: 128 MiB, the `zstd` program's own default.
const ZSTD_WINDOW_LOG: u32 = 27;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How a plain file is read. Compressed files, pipes and standard input are always streamed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// Read through a buffer that stays in the cache: for frames that are looked at all over, by a fourth cheaper than a
    /// mapping, whose pages come from memory line by line. Safe for files that shrink meanwhile.
    #[default]
    Stream,
    /// Mapped, whatever the size; streamed where mapping fails. For frames of which little is looked at.
    Map,
}

/// Bytes in order, with a window on what is there now.
#[derive(Debug)]
pub(crate) enum Source {
    Mapped(Mapped),
    Stream(Stream),
}

impl Source {
    /// Opens `path`, `-` for standard input.
    pub(crate) fn open(path: &Path, access: Access) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Stream::detect(io::stdin()).map(Self::Stream);
        }
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut magic = [0; 4];
        let read = read_up_to(&mut file, &mut magic)?;
        let is_plain = metadata.is_file() && compression(magic.get(..read).unwrap_or_default()).is_none();
        if access == Access::Map
            && is_plain
            && metadata.len() > 0
            && let Ok(mapped) = file.try_clone().and_then(Mapped::new)
        {
            return Ok(Self::Mapped(mapped));
        }
        let mut stream = Stream::behind(magic, read, file)?;
        stream.size = is_plain.then_some(metadata.len());
        Ok(Self::Stream(stream))
    }

    /// The bytes that are there now, from the present position on.
    #[inline]
    pub(crate) fn window(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped.window(),
            Self::Stream(stream) => stream.window(),
        }
    }

    /// The memory that the window is in, where it can be kept.
    pub(crate) const fn buffer(&self) -> Option<&Buffer> {
        match self {
            Self::Mapped(_) => None,
            Self::Stream(stream) => Some(&stream.buffer),
        }
    }

    /// Moves the position forward by `count` bytes of the window.
    pub(crate) fn advance(&mut self, count: usize) {
        match self {
            Self::Mapped(mapped) => mapped.advance(count),
            Self::Stream(stream) => stream.advance(count),
        }
    }

    /// Makes the window at least `count` bytes long; false when the source ends before that.
    pub(crate) fn require(&mut self, count: usize) -> io::Result<bool> {
        match self {
            Self::Mapped(mapped) => Ok(mapped.window().len() >= count),
            Self::Stream(stream) => stream.require(count),
        }
    }

    /// Length of the whole source in bytes, where it is known.
    pub(crate) fn size(&self) -> Option<u64> {
        match self {
            Self::Mapped(mapped) => Some(mapped.len() as u64),
            Self::Stream(stream) => stream.size,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

fn compression(magic: &[u8]) -> Option<Compression> {
    if magic.starts_with(&GZIP_MAGIC) {
        Some(Compression::Gzip)
    } else if magic.starts_with(&ZSTD_MAGIC) {
        Some(Compression::Zstd)
    } else {
        None
    }
}

fn read_up_to(input: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// A reader behind a buffer whose unread part is kept in one piece. A buffer that somebody else holds is left to them,
/// and its unread part moved to another.
pub(crate) struct Stream {
    input: Box<dyn Read + Send>,
    buffer: Buffer,
    /// Buffers left to others, as long as they are no larger than [`BUFFER`]; used again when given up.
    left: Vec<Buffer>,
    start: usize,
    end: usize,
    finished: bool,
    /// Bytes of the file, where it is one, and not compressed.
    size: Option<u64>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("buffered", &(self.end - self.start))
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}

impl Stream {
    fn new(input: Box<dyn Read + Send>) -> Self {
        Self {
            input,
            buffer: Buffer::new(BUFFER),
            left: Vec::new(),
            start: 0,
            end: 0,
            finished: false,
            size: None,
        }
    }

    /// Looks at the first bytes for a compression, and decompresses.
    pub(crate) fn detect(mut input: impl Read + Send + 'static) -> io::Result<Self> {
        let mut magic = [0; 4];
        let read = read_up_to(&mut input, &mut magic)?;
        Self::behind(magic, read, input)
    }

    /// The stream of which the first `read` bytes are in `magic` already.
    fn behind(magic: [u8; 4], read: usize, input: impl Read + Send + 'static) -> io::Result<Self> {
        let head = magic.get(..read).unwrap_or_default().to_vec();
        let compression = compression(&head);
        let whole = Cursor::new(head).chain(input);
        let input: Box<dyn Read + Send> = match compression {
            None => Box::new(whole),
            Some(Compression::Gzip) => {
                Box::new(MultiGzDecoder::new(BufReader::with_capacity(COMPRESSED_BUFFER, whole)))
            }
            Some(Compression::Zstd) => {
                let buffered = BufReader::with_capacity(COMPRESSED_BUFFER, whole);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
        };
        Ok(Self::new(input))
    }

    fn window(&self) -> &[u8] {
        self.buffer.bytes().get(self.start..self.end).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    fn require(&mut self, count: usize) -> io::Result<bool> {
        while self.end - self.start < count {
            if self.finished {
                return Ok(false);
            }
            self.make_room();
            let free = self.buffer.unshared().and_then(|buffer| buffer.get_mut(self.end..));
            let Some(free) = free.filter(|free| !free.is_empty()) else {
                return Ok(false);
            };
            match self.input.read(free) {
                Ok(0) => self.finished = true,
                Ok(read) => self.end = self.end.saturating_add(read).min(self.buffer.bytes().len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // A decompressor that has failed must not be asked again.
                    self.finished = true;
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    /// Moves the unread part to the front, of another buffer if somebody holds this one; doubles the buffer once that
    /// part fills it.
    fn make_room(&mut self) {
        if self.buffer.unshared().is_none() {
            self.change_buffer();
        }
        let Some(buffer) = self.buffer.unshared() else { return };
        if self.start > 0 {
            buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == buffer.len() && buffer.len() < MAX_BLOCK as usize {
            let larger = buffer.len().saturating_mul(2).min(MAX_BLOCK as usize);
            buffer.resize(larger, 0);
        }
    }

    /// Leaves the buffer to those who hold it, and takes along what is unread.
    fn change_buffer(&mut self) {
        let unread = self.end - self.start;
        let fits = |buffer: &mut Buffer| buffer.unshared().is_some_and(|bytes| bytes.len() >= unread);
        let mut next = match self.left.iter_mut().position(fits) {
            Some(index) => self.left.remove(index),
            None => Buffer::new(unread.max(BUFFER)),
        };
        if let Some(to) = next.unshared().and_then(|bytes| bytes.get_mut(..unread)) {
            to.copy_from_slice(self.window());
        }
        (self.start, self.end) = (0, unread);
        let old = std::mem::replace(&mut self.buffer, next);
        if old.bytes().len() <= BUFFER {
            self.left.push(old);
        }
    }
}
