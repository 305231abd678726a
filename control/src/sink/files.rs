//! Log files: `<log>.log` while it is written, `<log>.<time>.log` after rotation.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

/// Octets kept before they are written.
const BUFFER: usize = 1 << 17;
/// What every record of the spool begins with, up to the name of its log.
const PATH_MEMBER: &[u8] = b"{\"_path\":\"";

/// A log file that cannot be written.
#[derive(Debug, Error)]
#[error("cannot write {}: {source}", path.display())]
pub(crate) struct SinkError {
    path: PathBuf,
    source: io::Error,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: BufWriter<File>,
}

/// Writes records to files of one directory.
#[derive(Debug)]
pub(crate) struct FileSink {
    directory: PathBuf,
    rotate: Duration,
    opened: Instant,
    files: HashMap<Vec<u8>, Open>,
    delivered: u64,
    refused: u64,
}

impl FileSink {
    /// Files in `directory`, which is made where it is missing; they get their archive name after `rotate`, or never
    /// when that is zero.
    pub(crate) fn new(directory: &Path, rotate: Duration) -> Result<Self, SinkError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| SinkError { path: directory.to_owned(), source })?;
        Ok(Self {
            directory: directory.to_owned(),
            rotate,
            opened: Instant::now(),
            files: HashMap::new(),
            delivered: 0,
            refused: 0,
        })
    }

    /// Appends a record of the spool, without its line feed. What is no record with a log's name is counted and left
    /// out.
    pub(crate) fn write(&mut self, record: &[u8]) -> Result<(), SinkError> {
        let Some((log, members)) = split(record) else {
            self.refused += 1;
            return Ok(());
        };
        if !self.files.contains_key(log) {
            let open = open(&self.directory, log)?;
            self.files.insert(log.to_owned(), open);
        }
        let Some(Open { path, file }) = self.files.get_mut(log) else { return Ok(()) };
        let written =
            file.write_all(b"{").and_then(|()| file.write_all(members)).and_then(|()| file.write_all(b"\n"));
        written.map_err(|source| SinkError { path: path.clone(), source })?;
        self.delivered += 1;
        Ok(())
    }

    /// Hands everything to the operating system, and rotates when it is time.
    pub(crate) fn flush(&mut self) -> Result<(), SinkError> {
        for Open { path, file } in self.files.values_mut() {
            file.flush().map_err(|source| SinkError { path: path.clone(), source })?;
        }
        if !self.rotate.is_zero() && self.opened.elapsed() >= self.rotate {
            self.rotate()?;
        }
        Ok(())
    }

    /// Gives every file its archive name.
    fn rotate(&mut self) -> Result<(), SinkError> {
        let time = jiff::Zoned::now().strftime("%Y-%m-%d-%H-%M-%S").to_string();
        for (log, Open { path, mut file }) in self.files.drain() {
            let archive = self.directory.join(format!("{}.{time}.log", String::from_utf8_lossy(&log)));
            file.flush()
                .and_then(|()| std::fs::rename(&path, &archive))
                .map_err(|source| SinkError { path, source })?;
        }
        self.opened = Instant::now();
        Ok(())
    }

    /// Records written.
    pub(crate) const fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Lines of the spool that are no records.
    pub(crate) const fn refused(&self) -> u64 {
        self.refused
    }
}

/// The name of the record's log, and its members without the opening brace.
fn split(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = record.strip_prefix(PATH_MEMBER)?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let (log, rest) = rest.split_at(end);
    // A name becomes a file's name: nothing but what names of logs are made of.
    let sound = !log.is_empty() && log.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    sound.then_some((log, rest.strip_prefix(b"\",")?))
}

fn open(directory: &Path, log: &[u8]) -> Result<Open, SinkError> {
    let path = directory.join(format!("{}.log", String::from_utf8_lossy(log)));
    match OpenOptions::new().append(true).create(true).open(&path) {
        Ok(file) => Ok(Open { path, file: BufWriter::with_capacity(BUFFER, file) }),
        Err(source) => Err(SinkError { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_goes_to_the_file_of_its_log_without_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = FileSink::new(directory.path(), Duration::ZERO).unwrap();
        sink.write(b"{\"_path\":\"dns\",\"ts\":1.0,\"query\":\"a\"}").unwrap();
        sink.flush().unwrap();
        let text = std::fs::read_to_string(directory.path().join("dns.log")).unwrap();
        assert_eq!(text, "{\"ts\":1.0,\"query\":\"a\"}\n");
        assert_eq!(sink.delivered(), 1);
    }

    #[test]
    fn a_name_that_leaves_the_directory_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = FileSink::new(directory.path(), Duration::ZERO).unwrap();
        sink.write(b"{\"_path\":\"../x\",\"ts\":1.0}").unwrap();
        sink.write(b"garbage").unwrap();
        assert_eq!((sink.delivered(), sink.refused()), (0, 2));
    }

    #[test]
    fn rotation_leaves_an_archive_and_starts_anew() {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = FileSink::new(directory.path(), Duration::from_nanos(1)).unwrap();
        sink.write(b"{\"_path\":\"dns\",\"ts\":1.0}").unwrap();
        sink.flush().unwrap();
        let names: Vec<String> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names.len(), 1);
        assert!(names[0].starts_with("dns.20"), "{names:?}");
    }
}
