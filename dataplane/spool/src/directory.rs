//! Names and files of a spool directory, and the removal of what every sink has read.

use std::{
    cmp::Reverse,
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use thiserror::Error;

use crate::cursor;

const SEALED: &str = ".ndjson";
const ACTIVE: &str = ".ndjson.active";
const DIRECTORY_MODE: u32 = 0o750;
const FILE_MODE: u32 = 0o640;

/// Why a spool could not be opened, or read on.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another process, or another part of this one, holds the lock.
    #[error("{} is held by another {role}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// `writer`, or `reader of this name`.
        role: &'static str,
    },
    /// A sink's name is not one to 64 letters, digits, `-`, `_` or `.`, or starts with a dot.
    #[error("{name:?} is no name for a cursor: use letters, digits, '-', '_' and '.'")]
    Name {
        /// The name.
        name: String,
    },
    /// A segment of a format that this version cannot read. It is kept.
    #[error("{} has format version {version}, which this program is too old to read", path.display())]
    Version {
        /// The segment.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

/// Adds the path to an I/O error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { path, source }
}

/// A segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) number: u64,
    pub(crate) sealed: bool,
    /// Length when it was listed.
    pub(crate) bytes: u64,
}

pub(crate) fn sealed_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}{SEALED}"))
}

pub(crate) fn active_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:020}{ACTIVE}"))
}

/// All segments by number.
///
/// A directory that is read while a file in it is renamed may show the file under both names or under none. So it is
/// read twice: a segment is renamed once, and one that was missed before is there now.
pub(crate) fn segments(directory: &Path) -> Result<Vec<Segment>, SpoolError> {
    let mut found = Vec::new();
    for _ in 0..2 {
        for entry in fs::read_dir(directory).map_err(at(directory))? {
            let entry = entry.map_err(at(directory))?;
            let Some((number, sealed)) = parse_name(&entry.file_name()) else {
                continue;
            };
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => {
                    found.push(Segment { number, sealed, bytes: metadata.len() });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(at(&entry.path())(error)),
            }
        }
    }
    found.sort_unstable_by_key(|segment| (segment.number, !segment.sealed, Reverse(segment.bytes)));
    found.dedup_by_key(|segment| segment.number);
    Ok(found)
}

fn parse_name(name: &OsStr) -> Option<(u64, bool)> {
    let name = name.to_str()?;
    let (digits, sealed) = match name.strip_suffix(ACTIVE) {
        Some(digits) => (digits, false),
        None => (name.strip_suffix(SEALED)?, true),
    };
    if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, sealed))
}

/// Makes the directory and those above it, readable by owner and group.
pub(crate) fn create_directory(path: &Path) -> Result<(), SpoolError> {
    fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path).map_err(at(path))
}

/// Options for a new file, readable by owner and group.
pub(crate) fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    options
}

/// Takes a lock that ends with the process, whatever ends it.
pub(crate) fn lock(path: &Path, role: &'static str) -> Result<Flock<File>, SpoolError> {
    let file = new_file().create(true).truncate(false).open(path).map_err(at(path))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        nix::errno::Errno::EWOULDBLOCK => SpoolError::Locked { path: path.to_owned(), role },
        errno => SpoolError::Io { path: path.to_owned(), source: errno.into() },
    })
}

/// What [`reclaim`] removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reclaimed {
    /// Segments.
    pub segments: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Removes the sealed segments that every registered cursor has passed. Without any cursor, or as long as one cannot
/// be read, nothing is removed.
pub fn reclaim(directory: impl AsRef<Path>) -> Result<Reclaimed, SpoolError> {
    let directory = directory.as_ref();
    let mut reclaimed = Reclaimed::default();
    let Some(slowest) = cursor::registered(directory)?.into_iter().min() else {
        return Ok(reclaimed);
    };
    for segment in segments(directory)? {
        let passed = segment.number < slowest.segment
            || (segment.number == slowest.segment && segment.bytes <= slowest.offset);
        if !passed || !segment.sealed {
            continue;
        }
        let path = sealed_path(directory, segment.number);
        match fs::remove_file(&path) {
            Ok(()) => {
                reclaimed.segments += 1;
                reclaimed.bytes += segment.bytes;
            }
            // Writer and readers may all do this at the same time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(&path)(error)),
        }
    }
    Ok(reclaimed)
}
