//! The documents of results in a directory, by benchmark. Fields keep the order in which they were written.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use minijinja::value::{Value, ValueKind};
use serde::Deserialize;
use thiserror::Error;

/// A document; several may be of one benchmark, one a mix.
#[derive(Debug, Deserialize)]
struct Document {
    benchmark: String,
    settings: Value,
    results: Vec<Value>,
}

/// All of a directory.
#[derive(Debug, Default)]
pub(super) struct Documents(BTreeMap<String, (Value, Vec<Value>)>);

/// Results that cannot be read.
#[derive(Debug, Error)]
pub(crate) enum DocumentError {
    /// A file or the directory.
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    /// Not the form that results have.
    #[error("{}: {source}", file.display())]
    Form { file: PathBuf, source: serde_json::Error },
}

impl Documents {
    /// Reads every `.json` file, in the order of their names.
    pub(super) fn read(directory: &Path) -> Result<Self, DocumentError> {
        let at = |file: &Path| {
            let file = file.to_owned();
            move |source| DocumentError::File { file, source }
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(at(directory))? {
            let file = entry.map_err(at(directory))?.path();
            if file.extension().is_some_and(|extension| extension == "json") {
                files.push(file);
            }
        }
        files.sort();
        let mut documents = Self::default();
        for file in files {
            let text = fs::read_to_string(&file).map_err(at(&file))?;
            let Document { benchmark, settings, results } = serde_json::from_str(&text)
                .map_err(|source| DocumentError::Form { file: file.clone(), source })?;
            documents.0.entry(benchmark).or_insert_with(|| (settings, Vec::new())).1.extend(results);
        }
        Ok(documents)
    }

    /// The results of a benchmark; none where it did not run.
    pub(super) fn results(&self, benchmark: &str) -> &[Value] {
        self.0.get(benchmark).map(|(_, results)| results.as_slice()).unwrap_or_default()
    }

    /// How a benchmark was run, by its first document.
    pub(super) fn settings(&self, benchmark: &str) -> Value {
        self.0.get(benchmark).map(|(settings, _)| settings.clone()).unwrap_or_default()
    }

    /// The benchmarks that are not in a list, with settings and results.
    pub(super) fn others(&self, known: &[&str]) -> impl Iterator<Item = (&str, &Value, &[Value])> {
        let others = self.0.iter().filter(move |(name, _)| !known.contains(&name.as_str()));
        others.map(|(name, (settings, results))| (name.as_str(), settings, results.as_slice()))
    }

    /// The machines that results are from, each once.
    pub(super) fn machines(&self) -> Vec<Value> {
        let mut machines = Vec::new();
        for machine in self.0.values().map(|(settings, _)| member(settings, "machine")) {
            if !machine.is_undefined() && !machines.contains(&machine) {
                machines.push(machine);
            }
        }
        machines
    }
}

/// A member of an object; undefined where there is none.
pub(super) fn member(value: &Value, name: &str) -> Value {
    value.get_attr(name).unwrap_or_default()
}

/// The members of an object in their order; none of anything else.
pub(super) fn members(value: &Value) -> Vec<(String, Value)> {
    if value.kind() != ValueKind::Map {
        return Vec::new();
    }
    let keys = value.try_iter().into_iter().flatten();
    keys.map(|key| (key.to_string(), value.get_item(&key).unwrap_or_default())).collect()
}

/// The items of a list; none of anything else.
pub(super) fn items(value: &Value) -> Vec<Value> {
    if value.kind() != ValueKind::Seq {
        return Vec::new();
    }
    value.try_iter().into_iter().flatten().collect()
}

/// A number.
pub(super) fn number(value: &Value) -> Option<f64> {
    if value.is_number() { f64::try_from(value.clone()).ok() } else { None }
}
