//! Other programs on the same captures, each as its users run it: one file a program.
//!
//! Nobody wins by doing less: the records of every program are counted by kind, and stand beside its speed.

mod suricata;
mod tshark;
mod zeek;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use baleen_perf::results::{Document, WriteError};
use serde::Serialize;
use tempfile::TempDir;
use thiserror::Error;

use crate::machine::{Machine, first_line};
use crate::rounds::{self, Entrant, Measured, Records, RoundsError};
use crate::targets::{self, Verdict};
use crate::{sensor, terminal};

/// A program that is measured beside the sensor.
pub(crate) struct Peer {
    /// The program's name in the search path.
    program: &'static str,
    /// What makes it tell its version on the first line.
    version: &'static [&'static str],
    /// Files that its command lines name as `{name}`, with their content.
    files: &'static [(&'static str, &'static str)],
    /// The ways to run it.
    runs: &'static [PeerRun],
    /// Counts its records.
    records: fn(&Path) -> io::Result<Records>,
    /// Whether it writes a conn.log in JSON.
    has_conn_log: bool,
}

/// A way to run a program.
struct PeerRun {
    name: &'static str,
    /// `{capture}`, `{logs}` and the names of files are replaced.
    arguments: &'static [&'static str],
}

/// All that are known.
const PEERS: [&Peer; 3] = [&suricata::SURICATA, &zeek::ZEEK, &tshark::TSHARK];

/// Arguments of `baleen-perf peers`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    on: sensor::Arguments,
    /// Runs of each
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Programs that are left out though they are there
    #[arg(long, value_name = "PROGRAM")]
    without: Vec<String>,
}

/// Why nothing can be measured.
#[derive(Debug, Error)]
pub(crate) enum PeersError {
    /// A program or capture fails.
    #[error(transparent)]
    Rounds(#[from] RoundsError),
    /// The results cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A peer's configuration cannot be written.
    #[error("cannot write {file}: {source}")]
    File { file: &'static str, source: io::Error },
}

#[derive(Debug, Serialize)]
struct Settings {
    runs: u16,
    /// Versions by program.
    versions: BTreeMap<String, String>,
    /// Programs that are not there.
    skipped: Vec<String>,
    machine: Machine,
}

#[derive(Debug, Serialize)]
struct Outcome {
    #[serde(flatten)]
    measured: Measured,
    verdicts: Vec<Verdict>,
}

/// Runs the verb: a report, and whether our conn.log was true everywhere.
pub(crate) fn run(arguments: &Arguments) -> Result<(String, bool), PeersError> {
    let files = TempDir::with_prefix("baleen-peers.")
        .map_err(|source| PeersError::File { file: "a directory", source })?;
    let mut report = String::new();
    let mut versions = BTreeMap::new();
    let mut skipped = Vec::new();
    let mut entrants: Vec<Entrant> =
        [false, true].map(|file_hashes| sensor::entrant(&arguments.on.sensor, 1, file_hashes)).into();
    let own = first_line(Command::new(&arguments.on.sensor).arg("--version"));
    versions.insert("baleen".to_owned(), own.unwrap_or_default());
    for peer in PEERS {
        let wanted = !arguments.without.iter().any(|name| name == peer.program);
        match first_line(Command::new(peer.program).args(peer.version)).filter(|_| wanted) {
            Some(version) => {
                // Writing to a string cannot fail.
                let _ = writeln!(report, "{}: {version}", peer.program);
                versions.insert(peer.program.to_owned(), version);
                entrants.extend(peer.entrants(files.path())?);
            }
            None => {
                let why = if wanted { "it is not installed" } else { "it is not wanted" };
                let _ = writeln!(report, "skipped: {}: {why}", peer.program);
                skipped.push(peer.program.to_owned());
            }
        }
    }
    entrants.push(rounds::floor_entrant()?);
    report.push('\n');

    let mut results = Vec::new();
    for capture in &arguments.on.captures {
        let measured = rounds::run(&entrants, capture, arguments.runs)?;
        let verdicts = targets::of_the_peers(&measured);
        report.push_str(&terminal::of(&measured, &verdicts));
        results.push(Outcome { measured, verdicts });
    }
    let good = results.iter().all(|outcome| targets::is_true(&outcome.measured));
    let settings = Settings { runs: arguments.runs, versions, skipped, machine: Machine::this() };
    Document::new("peers", settings, results).write(arguments.on.json.as_deref())?;
    Ok((report, good))
}

impl Peer {
    /// Its runs, after its files are written into a directory.
    fn entrants(&self, directory: &Path) -> Result<Vec<Entrant>, PeersError> {
        let mut replacements = Vec::new();
        for (file, content) in self.files {
            let path = directory.join(file);
            std::fs::write(&path, content).map_err(|source| PeersError::File { file, source })?;
            replacements.push((format!("{{{file}}}"), path.to_string_lossy().into_owned()));
        }
        let word = |argument: &&str| {
            replacements.iter().fold((*argument).to_owned(), |word, (name, path)| word.replace(name, path))
        };
        let entrants = self.runs.iter().map(|run| Entrant {
            name: run.name.to_owned(),
            command: std::iter::once(self.program.to_owned()).chain(run.arguments.iter().map(word)).collect(),
            records: self.records,
            has_conn_log: self.has_conn_log,
        });
        Ok(entrants.collect())
    }
}

/// Counts the lines of a file by what `kind` finds in them.
fn count_lines(file: &Path, kind: impl Fn(&[u8]) -> Option<String>) -> io::Result<Records> {
    let mut records = Records::new();
    for line in BufReader::new(File::open(file)?).split(b'\n') {
        if let Some(kind) = kind(&line?) {
            *records.entry(kind).or_default() += 1;
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_peer_are_written_and_named_in_its_command_line() {
        let place = TempDir::new().unwrap();
        for peer in PEERS {
            for entrant in peer.entrants(place.path()).unwrap() {
                let command = entrant.command.join(" ").replace("{capture}", "").replace("{logs}", "");
                assert!(!command.contains('{'), "{command}");
            }
            assert!(peer.files.iter().all(|(file, _)| place.path().join(file).exists()));
        }
    }

    #[test]
    fn records_are_counted_by_kind() {
        let place = TempDir::new().unwrap();
        let eve = place.path().join("eve.json");
        std::fs::write(
            &eve,
            "{\"event_type\":\"dns\"}\n{\"event_type\":\"flow\"}\n{\"event_type\":\"dns\"}\n",
        )
        .unwrap();
        let expected = [("dns".to_owned(), 2), ("flow".to_owned(), 1)].into();
        assert_eq!((suricata::SURICATA.records)(place.path()).unwrap(), expected);
    }
}
