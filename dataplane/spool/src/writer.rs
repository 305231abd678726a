//! Appends blocks to the active segment.

use std::{
    fs::{self, File},
    io::{self, IoSlice, Write as _},
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::fcntl::Flock;
use thiserror::Error;

use crate::{
    Block, SpoolError,
    block::VERSION,
    cursor,
    directory::{active_path, at, create_directory, lock, new_file, sealed_path, segments},
};

/// A full spool looks for removed segments at most this often.
const RECOUNT_AFTER: Duration = Duration::from_millis(200);

/// How a spool is written.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The spool directory; made if missing.
    pub directory: PathBuf,
    /// Most bytes of all segments together.
    pub limit: u64,
    /// A segment is sealed when it has this many bytes. One block more may be in it.
    pub segment_bytes: u64,
    /// A segment is sealed when it is this old, so that it can go away once it is read.
    pub segment_age: Duration,
    /// Who writes, for the segment's first line; name and version. Cut to 64 bytes.
    pub writer: String,
}

impl Settings {
    /// For this directory and limit: segments of 64 MiB, or a sixteenth of the limit if that is less, and of a minute.
    pub fn new(directory: impl Into<PathBuf>, limit: u64) -> Self {
        Self {
            directory: directory.into(),
            limit,
            segment_bytes: (limit / 16).min(64 << 20),
            segment_age: Duration::from_secs(60),
            writer: String::new(),
        }
    }
}

/// Why a block was not taken. The caller counts its records as dropped.
#[derive(Debug, Error)]
pub enum AppendError {
    /// The segments have as many bytes as they may; readers are behind or gone.
    #[error("the spool is full: {used} of {limit} bytes")]
    SpoolFull {
        /// Bytes of all segments.
        used: u64,
        /// Most bytes allowed.
        limit: u64,
    },
    /// The operating system refused; among others when the disk is full.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// What a writer has done since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Blocks taken.
    pub blocks: u64,
    /// Records in them.
    pub records: u64,
    /// Their bytes, without the spool's own lines.
    pub bytes: u64,
    /// Segments begun.
    pub segments: u64,
    /// Blocks refused because the spool was full.
    pub refused: u64,
    /// Blocks refused because the operating system failed.
    pub failed: u64,
}

#[derive(Debug)]
struct Active {
    number: u64,
    path: PathBuf,
    file: File,
    /// Bytes of whole blocks.
    bytes: u64,
    begun: Instant,
}

/// The one writer of a spool.
#[derive(Debug)]
pub struct SpoolWriter {
    settings: Settings,
    active: Option<Active>,
    /// Bytes of all segments, as far as known: readers may have removed some.
    used: u64,
    recounted: Instant,
    last_number: u64,
    counters: Counters,
    header: Vec<u8>,
    _lock: Flock<File>,
}

impl SpoolWriter {
    /// Opens the spool for writing. Segments that a writer before left unfinished are sealed as they are; this one
    /// begins a new one with its first block.
    pub fn open(settings: Settings) -> Result<Self, SpoolError> {
        let directory = &settings.directory;
        create_directory(directory)?;
        let lock = lock(&directory.join("writer.lock"), "writer")?;
        let mut used = 0;
        let mut last_number =
            cursor::registered(directory)?.iter().map(|cursor| cursor.segment).max().unwrap_or(0);
        for segment in segments(directory)? {
            used += segment.bytes;
            last_number = last_number.max(segment.number);
            if !segment.sealed {
                let path = active_path(directory, segment.number);
                fs::rename(&path, sealed_path(directory, segment.number)).map_err(at(&path))?;
            }
        }
        Ok(Self {
            settings,
            active: None,
            used,
            recounted: Instant::now(),
            last_number,
            counters: Counters::default(),
            header: Vec::new(),
            _lock: lock,
        })
    }

    /// Appends a block, or refuses it at once: never waits for room.
    ///
    /// Once this returns `Ok`, readers see the block, and the end of this process does not lose it.
    pub fn append(&mut self, block: Block<'_>) -> Result<(), AppendError> {
        let mut header = std::mem::take(&mut self.header);
        let outcome = self.append_with(block, &mut header);
        self.header = header;
        match &outcome {
            Ok(()) => {
                self.counters.blocks += 1;
                self.counters.records += u64::from(block.count());
                self.counters.bytes += block.records().len() as u64;
            }
            Err(AppendError::SpoolFull { .. }) => self.counters.refused += 1,
            Err(AppendError::Spool(_)) => self.counters.failed += 1,
        }
        outcome
    }

    fn append_with(&mut self, block: Block<'_>, header: &mut Vec<u8>) -> Result<(), AppendError> {
        block.write_header(header).map_err(at(&self.settings.directory))?;
        let bytes = (header.len() + block.records().len()) as u64;
        self.make_room(bytes)?;
        let due = |active: &Active| {
            active.bytes >= self.settings.segment_bytes || active.begun.elapsed() >= self.settings.segment_age
        };
        if self.active.as_ref().is_some_and(due) {
            self.seal()?;
        }
        let active = match &mut self.active {
            Some(active) => active,
            None => {
                let active = self.begin()?;
                self.used += active.bytes;
                self.active.insert(active)
            }
        };
        match write_both(&mut active.file, header, block.records()) {
            Ok(()) => {
                active.bytes += bytes;
                self.used += bytes;
                Ok(())
            }
            Err(error) => {
                // What there is of the block stays, for readers to skip: they may have read it already.
                let error = at(&active.path)(error);
                self.used += bytes;
                self.seal()?;
                Err(error.into())
            }
        }
    }

    /// Seals the active segment when it is old enough. To be called now and then when nothing is appended.
    pub fn idle(&mut self) -> Result<(), SpoolError> {
        match &self.active {
            Some(active) if active.begun.elapsed() >= self.settings.segment_age => self.seal(),
            _ => Ok(()),
        }
    }

    /// Seals the active segment; the next block begins a new one.
    pub fn seal(&mut self) -> Result<(), SpoolError> {
        let Some(active) = self.active.take() else {
            return Ok(());
        };
        fs::rename(&active.path, sealed_path(&self.settings.directory, active.number))
            .map_err(at(&active.path))
    }

    /// Bytes of all segments when last counted, and since then written.
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// What was done so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    fn make_room(&mut self, bytes: u64) -> Result<(), AppendError> {
        let limit = self.settings.limit;
        let fits = |used: u64| used.saturating_add(bytes) <= limit;
        if fits(self.used) {
            return Ok(());
        }
        if self.recounted.elapsed() >= RECOUNT_AFTER {
            self.recounted = Instant::now();
            // Only what is sealed can go away.
            self.seal()?;
            self.used = segments(&self.settings.directory)?.iter().map(|segment| segment.bytes).sum();
            if fits(self.used) {
                return Ok(());
            }
        }
        Err(AppendError::SpoolFull { used: self.used, limit })
    }

    fn begin(&mut self) -> Result<Active, SpoolError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // Numbers go up even if the clock does not, and are not used again when the directory was emptied.
        let number = self.last_number.saturating_add(1).max(now.as_millis() as u64);
        let path = active_path(&self.settings.directory, number);
        let writer: String = self
            .settings
            .writer
            .chars()
            .filter(|letter| letter.is_ascii_graphic() || *letter == ' ')
            .filter(|letter| !matches!(letter, '"' | '\\'))
            .take(64)
            .collect();
        let line = format!(
            r#"{{"_spool":"segment","version":{VERSION},"segment":{number},"created":{}.{:06},"writer":"{writer}"}}"#,
            now.as_secs(),
            now.subsec_micros(),
        ) + "\n";
        let mut file = new_file().create_new(true).open(&path).map_err(at(&path))?;
        if let Err(error) = file.write_all(line.as_bytes()) {
            // An empty segment would only be in the way.
            let _ = fs::remove_file(&path);
            return Err(at(&path)(error));
        }
        self.last_number = number;
        self.counters.segments += 1;
        Ok(Active { number, path, file, bytes: line.len() as u64, begun: Instant::now() })
    }
}

impl Drop for SpoolWriter {
    /// Seals the active segment. Where that fails, the next writer does it.
    fn drop(&mut self) {
        let _ = self.seal();
    }
}

/// Writes header and records in one system call where the system takes them in one.
fn write_both(file: &mut File, header: &[u8], records: &[u8]) -> io::Result<()> {
    let written = loop {
        match file.write_vectored(&[IoSlice::new(header), IoSlice::new(records)]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if written == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    file.write_all(header.get(written..).unwrap_or_default())?;
    file.write_all(records.get(written.saturating_sub(header.len())..).unwrap_or_default())
}
