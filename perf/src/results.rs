//! The form of every benchmark's results: a JSON document that `baleen-perf report` reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

/// A document of results.
#[derive(Debug, Serialize)]
pub(crate) struct Document<S, R> {
    /// Name of the benchmark.
    pub(crate) benchmark: &'static str,
    /// How it was run, and where.
    pub(crate) settings: S,
    /// One entry for each thing measured.
    pub(crate) results: Vec<R>,
}

/// Results that cannot be written.
#[derive(Debug, Error)]
#[error("{}: {source}", file.display())]
pub(crate) struct WriteError {
    file: PathBuf,
    source: io::Error,
}

impl<S: Serialize, R: Serialize> Document<S, R> {
    /// Writes the document; directories that are missing are made.
    pub(crate) fn write(&self, file: &Path) -> Result<(), WriteError> {
        let write = || {
            if let Some(directory) = file.parent() {
                fs::create_dir_all(directory)?;
            }
            let mut text = serde_json::to_string_pretty(self)?;
            text.push('\n');
            fs::write(file, text)
        };
        write().map_err(|source| WriteError { file: file.to_owned(), source })
    }
}
