//! What was accepted, in a file that is kept with the code.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::callgrind::Profile;

/// Functions below this share of the instructions are left out, so that the file stays small.
const LEAST_SHARE: f64 = 0.002;

const HEADER: &str = "\
# Instructions that the sensor may take: `make guard` fails when a packet takes more than 5 % more.
# Written by `make guard-accept`; a change of it belongs into the commit that causes it, with the reason.

";

/// Instruction counts.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    /// The compiler; another one makes other code.
    pub(super) rustc: String,
    /// Instructions to start and end, which are not in the others.
    pub(super) startup: u64,
    /// By mix.
    #[serde(default)]
    pub(super) mix: BTreeMap<String, Mix>,
}

/// Those of a mix.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mix {
    pub(super) packets: u64,
    pub(super) instructions_per_packet: f64,
    /// Of functions that take more than a little: what they take themselves, without those that they call.
    pub(super) functions: BTreeMap<String, f64>,
}

/// A file that cannot be used.
#[derive(Debug, Error)]
pub(crate) enum BaselineError {
    /// Not read or written.
    #[error("{}: {source}", file.display())]
    File { file: PathBuf, source: io::Error },
    /// Not understood.
    #[error("{}: {source}", file.display())]
    Syntax { file: PathBuf, source: Box<toml::de::Error> },
    /// Not put into words.
    #[error("cannot write counts as TOML: {0}")]
    Write(#[from] toml::ser::Error),
}

impl Baseline {
    /// Reads the file.
    pub(super) fn read(file: &Path) -> Result<Self, BaselineError> {
        let text = fs::read_to_string(file);
        let text = text.map_err(|source| BaselineError::File { file: file.to_owned(), source })?;
        toml::from_str(&text)
            .map_err(|source| BaselineError::Syntax { file: file.to_owned(), source: Box::new(source) })
    }

    /// Writes the file.
    pub(super) fn write(&self, file: &Path) -> Result<(), BaselineError> {
        let text = HEADER.to_owned() + &toml::to_string(self)?;
        fs::write(file, text).map_err(|source| BaselineError::File { file: file.to_owned(), source })
    }

    /// A line a mix.
    pub(super) fn summary(&self) -> String {
        let line = |(name, mix): (&String, &Mix)| {
            format!("{name}: {:.0} instructions a packet accepted\n", mix.instructions_per_packet)
        };
        self.mix.iter().map(line).collect()
    }
}

impl Mix {
    /// From a run without its start.
    pub(super) fn new(packets: u64, profile: &Profile) -> Self {
        let total = profile.total() as f64;
        let per_packet = |instructions: f64| (instructions * 10.0 / packets.max(1) as f64).round() / 10.0;
        let functions = profile.functions().filter(|(_, cost)| *cost as f64 >= total * LEAST_SHARE);
        Self {
            packets,
            instructions_per_packet: per_packet(total),
            functions: functions.map(|(name, cost)| (name.to_owned(), per_packet(cost as f64))).collect(),
        }
    }

    /// Functions that take more than they did, with what they take and took; what grew most comes first. What is too
    /// little to be in a list counts as nothing.
    pub(super) fn growth<'m>(&'m self, before: &Self) -> Vec<(&'m str, f64, f64)> {
        let mut grown: Vec<_> = self
            .functions
            .iter()
            .map(|(name, now)| (name.as_str(), *now, before.functions.get(name).copied().unwrap_or(0.0)))
            .filter(|(_, now, before)| now > before)
            .collect();
        grown.sort_by_key(|(_, now, before)| Reverse(((now - before) * 10.0).round() as i64));
        grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let place = tempfile::TempDir::new().unwrap();
        let file = place.path().join("baseline.toml");
        let profile = Profile::of([("<a as b>::c", 90_000), ("small", 1)]);
        let mix = [("campus".to_owned(), Mix::new(1000, &profile))].into();
        let baseline = Baseline { rustc: "rustc 1".to_owned(), startup: 5, mix };
        baseline.write(&file).unwrap();
        assert_eq!(Baseline::read(&file).unwrap(), baseline);
        assert_eq!(baseline.mix.values().next().map(|mix| mix.functions.len()), Some(1));
        fs::write(&file, "rustc = 1").unwrap();
        assert!(Baseline::read(&file).unwrap_err().to_string().contains("baseline.toml: "));
    }
}
