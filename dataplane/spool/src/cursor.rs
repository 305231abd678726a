//! How far a sink has got, kept in a file.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    SpoolError,
    directory::{at, create_directory, lock, new_file},
};

const FOLDER: &str = "cursors";
const MAX_NAME: usize = 64;
/// A cursor file is far shorter; more is not read.
const MAX_FILE: u64 = 4096;

/// A place in the spool, at the start of a block or the end of a segment.
///
/// Places of one spool directory are in order, and a place is never given twice: segment numbers are not reused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Number of the segment: milliseconds since the epoch when it was begun, or more.
    pub segment: u64,
    /// Bytes from the segment's start.
    pub offset: u64,
}

/// A cursor file's content.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(rename = "_spool")]
    kind: String,
    version: u32,
    #[serde(flatten)]
    cursor: Cursor,
}

/// What a cursor file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    Missing,
    Damaged,
    At(Cursor),
}

/// The files of one cursor.
#[derive(Debug)]
pub(crate) struct CursorFile {
    path: PathBuf,
    temporary: PathBuf,
    _lock: nix::fcntl::Flock<File>,
}

impl CursorFile {
    /// Takes the cursor of this name for this process.
    pub(crate) fn open(directory: &Path, name: &str) -> Result<Self, SpoolError> {
        let folder = directory.join(FOLDER);
        create_directory(&folder)?;
        let path = file_path(directory, name, "json")?;
        let lock = lock(&file_path(directory, name, "lock")?, "reader of this name")?;
        Ok(Self { path, temporary: file_path(directory, name, "new")?, _lock: lock })
    }

    pub(crate) fn load(&self) -> Result<Stored, SpoolError> {
        load(&self.path)
    }

    /// Replaces the stored place; once this returns, a power cut leaves this one or the one before.
    pub(crate) fn save(&self, cursor: Cursor) -> Result<(), SpoolError> {
        let line = Line { kind: "cursor".to_owned(), version: crate::block::VERSION, cursor };
        let mut bytes =
            serde_json::to_vec(&line).map_err(|error| at(&self.temporary)(io::Error::other(error)))?;
        bytes.push(b'\n');
        let write = || {
            let mut file = new_file().create(true).truncate(true).open(&self.temporary)?;
            file.write_all(&bytes)?;
            file.sync_data()
        };
        write().map_err(at(&self.temporary))?;
        fs::rename(&self.temporary, &self.path).map_err(at(&self.path))
    }
}

fn load(path: &Path) -> Result<Stored, SpoolError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::Missing),
        other => other.map_err(at(path))?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(at(path))?;
    Ok(match serde_json::from_slice::<Line>(&bytes) {
        Ok(line) if line.kind == "cursor" => Stored::At(line.cursor),
        _ => Stored::Damaged,
    })
}

fn file_path(directory: &Path, name: &str, extension: &str) -> Result<PathBuf, SpoolError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('.') || !name.bytes().all(allowed) {
        return Err(SpoolError::Name { name: name.to_owned() });
    }
    Ok(directory.join(FOLDER).join(format!("{name}.{extension}")))
}

/// Every registered cursor; one that cannot be made out counts as being at the very start.
pub(crate) fn registered(directory: &Path) -> Result<Vec<Cursor>, SpoolError> {
    let folder = directory.join(FOLDER);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(at(&folder))?,
    };
    let mut cursors = Vec::new();
    for entry in entries {
        let path = entry.map_err(at(&folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            match load(&path)? {
                Stored::Missing => {}
                Stored::Damaged => cursors.push(Cursor::default()),
                Stored::At(cursor) => cursors.push(cursor),
            }
        }
    }
    Ok(cursors)
}

/// Forgets a sink that will not come back, so that segments do not wait for it. Fails while its reader is open.
pub fn unregister(directory: impl AsRef<Path>, name: &str) -> Result<(), SpoolError> {
    let cursor = CursorFile::open(directory.as_ref(), name)?;
    match fs::remove_file(&cursor.path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&cursor.path)(error)),
        _ => Ok(()),
    }
}
