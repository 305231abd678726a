//! Log files of one directory: `<log>.log`, made when the first record comes.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};
use record::{Format, Log, tsv_header};
use thiserror::Error;

/// Octets kept before they are written.
const BUFFER: usize = 1 << 18;

/// A log file that cannot be written.
#[derive(Debug, Error)]
#[error("cannot write {}: {source}", path.display())]
pub(crate) struct LogFileError {
    path: PathBuf,
    source: io::Error,
}

/// The open files, by log.
#[derive(Debug)]
pub(crate) struct LogFiles {
    directory: PathBuf,
    format: Format,
    files: Vec<Option<(PathBuf, BufWriter<File>)>>,
    counts: Vec<u64>,
}

impl LogFiles {
    /// Files in `directory`, which is made where it is missing, and must be writable.
    pub(crate) fn new(directory: &Path, format: Format) -> Result<Self, LogFileError> {
        let usable = std::fs::create_dir_all(directory)
            .and_then(|()| Ok(access(directory, AccessFlags::W_OK | AccessFlags::X_OK)?));
        usable.map_err(|source| LogFileError { path: directory.to_owned(), source })?;
        Ok(Self {
            directory: directory.to_owned(),
            format,
            files: Log::ALL.iter().map(|_| None).collect(),
            counts: vec![0; Log::ALL.len()],
        })
    }

    /// Appends an encoded record, its line feed included.
    pub(crate) fn write(&mut self, log: Log, line: &[u8]) -> Result<(), LogFileError> {
        let Some(place) = self.files.get_mut(log as usize) else { return Ok(()) };
        if place.is_none() {
            *place = Some(open(&self.directory, self.format, log)?);
        }
        if let Some((path, file)) = place {
            file.write_all(line).map_err(|source| LogFileError { path: path.clone(), source })?;
        }
        if let Some(count) = self.counts.get_mut(log as usize) {
            *count += 1;
        }
        Ok(())
    }

    /// Records written, by log, for logs that have any.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (Log, u64)> {
        Log::ALL.iter().copied().zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// Writes out what is kept and ends the files.
    pub(crate) fn close(&mut self) -> Result<(), LogFileError> {
        for place in &mut self.files {
            if let Some((path, mut file)) = place.take() {
                let footer =
                    if self.format == Format::Tsv { format!("#close\t{}\n", now()) } else { String::new() };
                file.write_all(footer.as_bytes())
                    .and_then(|()| file.flush())
                    .map_err(|source| LogFileError { path, source })?;
            }
        }
        Ok(())
    }
}

fn open(directory: &Path, format: Format, log: Log) -> Result<(PathBuf, BufWriter<File>), LogFileError> {
    let path = directory.join(format!("{}.log", log.name()));
    let create = || {
        let mut file = BufWriter::with_capacity(BUFFER, File::create(&path)?);
        if format == Format::Tsv {
            file.write_all(&tsv_header(log, &now()))?;
        }
        Ok(file)
    };
    match create() {
        Ok(file) => Ok((path, file)),
        Err(source) => Err(LogFileError { path, source }),
    }
}

/// The wall clock in the form of a TSV header: `YYYY-MM-DD-HH-MM-SS`, UTC.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d-%H-%M-%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_with_the_first_record_only() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = LogFiles::new(directory.path(), Format::Json).unwrap();
        files.write(Log::Dns, b"{}\n").unwrap();
        files.close().unwrap();
        assert!(directory.path().join("dns.log").exists());
        assert!(!directory.path().join("conn.log").exists());
    }
}
