//! The form of every benchmark's results: a JSON document that `baleen-perf report` reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A document of results: `{ "benchmark": ..., "settings": {...}, "results": [...] }`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Document<S, R> {
    /// Name of the benchmark.
    pub benchmark: String,
    /// How it was run, and where.
    pub settings: S,
    /// One entry for each thing measured.
    pub results: Vec<R>,
}

/// Results that cannot be written.
#[derive(Debug, Error)]
#[error("{}: {source}", file.display())]
pub struct WriteError {
    file: PathBuf,
    source: io::Error,
}

impl<S: Serialize, R: Serialize> Document<S, R> {
    /// What a benchmark found.
    pub fn new(benchmark: &str, settings: S, results: Vec<R>) -> Self {
        Self { benchmark: benchmark.to_owned(), settings, results }
    }

    /// Writes it to a file, if one was asked for; directories that are missing are made.
    pub fn write(&self, file: Option<&Path>) -> Result<(), WriteError> {
        let Some(file) = file else { return Ok(()) };
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::spread::Spread;

    #[test]
    fn the_file_has_the_shape_that_all_have() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("results/test.json");
        let settings = BTreeMap::from([("laps", 3)]);
        Document::new("test", settings, vec![Spread::of([1.0])]).write(Some(&file)).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.ends_with("}\n"));
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["benchmark"], "test");
        assert_eq!(json["settings"]["laps"], 3);
        assert_eq!(json["results"][0], serde_json::json!({ "median": 1.0, "least": 1.0, "most": 1.0 }));
        let taken = Document::new("test", (), vec![1]).write(Some(place.path())).unwrap_err();
        assert!(taken.to_string().starts_with(&place.path().display().to_string()));
    }
}
