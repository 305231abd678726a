//! Programs measured in turn on one capture: A B C, C B A, B C A, and so on.
//!
//! What the machine does besides changes from minute to minute; so figures are compared within a round, and the rounds
//! tell how much that varies. Each round has another order: what a program leaves in caches and memory makes a
//! difference to the next. Logs go to memory, so that no disk is measured, into a directory that is made for each
//! run.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use baleen_perf::cpu::{self, RunError};
use baleen_perf::generate::truth_file;
use baleen_perf::spread::Spread;
use packet::Frame;
use pcap::{Precision, WriteError, Writer};
use record::Time;
use serde::Serialize;
use tempfile::TempDir;
use thiserror::Error;

use crate::floor::{self, Floor, FloorError};
use crate::truth::{self, Comparison, TruthError};

/// Memory file system.
const TMPFS: &str = "/dev/shm";
/// Link type of Ethernet.
const ETHERNET: u16 = 1;

/// Counts of records by log.
pub(crate) type Records = BTreeMap<String, u64>;

/// A program with its options.
pub(crate) struct Entrant {
    /// What the rows are called.
    pub(crate) name: String,
    /// How it is run: `{capture}` and `{logs}` are replaced; standard output goes to `{logs}/output`.
    pub(crate) command: Vec<String>,
    /// Counts what it wrote into a directory.
    pub(crate) records: fn(&Path) -> io::Result<Records>,
    /// Whether it writes a conn.log that can be compared with the ground truth.
    pub(crate) has_conn_log: bool,
}

/// Why nothing can be measured.
#[derive(Debug, Error)]
pub(crate) enum RoundsError {
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A capture is damaged.
    #[error(transparent)]
    Floor(#[from] FloorError),
    /// The ground truth or the log is damaged.
    #[error("{}: {source}", file.display())]
    Truth { file: PathBuf, source: TruthError },
    /// The capture of one frame cannot be written.
    #[error("cannot write a capture of one frame: {0}")]
    Shortest(#[from] WriteError),
    /// A file or directory cannot be used.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RoundsError {
    move |source| RoundsError::File { path: path.to_owned(), source }
}

/// A capture, and what every program took for it.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    /// Name of the mix: the file's name without extension.
    pub(crate) mix: String,
    /// Frames.
    pub(crate) packets: u64,
    /// Captured octets of frames.
    pub(crate) octets: u64,
    /// One entry a program, in the order in which they ran.
    pub(crate) programs: Vec<Row>,
}

/// What a program took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Command line.
    pub(crate) command: String,
    /// User and system time of each run, in seconds.
    pub(crate) cpu_seconds: Vec<f64>,
    /// The same for a capture of one frame.
    pub(crate) startup_cpu_seconds: Vec<f64>,
    pub(crate) microseconds_per_packet: Spread,
    pub(crate) packets_per_cpu_second: f64,
    pub(crate) octets_per_cpu_second: f64,
    pub(crate) records_per_cpu_second: f64,
    /// Records by log.
    pub(crate) records: Records,
    /// How conn.log compares with the ground truth, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) truth: Option<Comparison>,
}

impl Measured {
    /// The row of a program.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.programs.iter().find(|row| row.name == name)
    }

    /// How many times the CPU time of another program one takes.
    pub(crate) fn ratio(&self, name: &str, to: &str) -> Option<Spread> {
        Some(Spread::of_ratios(&self.row(name)?.cpu_seconds, &self.row(to)?.cpu_seconds))
    }

    /// The same without what both take to start.
    pub(crate) fn ratio_without_startup(&self, name: &str, to: &str) -> Option<Spread> {
        Some(Spread::of_ratios(&self.row(name)?.without_startup(), &self.row(to)?.without_startup()))
    }
}

impl Row {
    fn without_startup(&self) -> Vec<f64> {
        let startup = Spread::of(self.startup_cpu_seconds.iter().copied()).median;
        self.cpu_seconds.iter().map(|seconds| seconds - startup).collect()
    }

    /// All records.
    pub(crate) fn total_records(&self) -> u64 {
        self.records.values().sum()
    }
}

/// The floor as an entrant.
pub(crate) fn floor_entrant() -> Result<Entrant, RoundsError> {
    let this = std::env::current_exe().map_err(at(Path::new("baleen-perf")))?;
    let command = vec![this.to_string_lossy().into_owned(), "floor".to_owned(), "{capture}".to_owned()];
    Ok(Entrant { name: "floor".to_owned(), command, records: |_| Ok(Records::new()), has_conn_log: false })
}

/// Runs every program so many times on a capture.
pub(crate) fn run(entrants: &[Entrant], capture: &Path, runs: u16) -> Result<Measured, RoundsError> {
    // Also brings the file into memory.
    let floor = floor::run(capture)?;
    // The programs run in directories of their own.
    let capture = &std::path::absolute(capture).map_err(at(capture))?;
    let place = directory()?;
    let shortest = place.path().join("shortest.pcap");
    write_shortest(&shortest)?;

    let mut startups = vec![Vec::new(); entrants.len()];
    let mut times = vec![Vec::new(); entrants.len()];
    for round in 0..usize::from(runs) {
        for (number, entrant) in in_turn(entrants, round) {
            let logs = place.path().join(number.to_string());
            for (capture, seconds) in [(shortest.as_path(), &mut startups), (capture.as_path(), &mut times)] {
                let taken = entrant.time(capture, &logs)?;
                if let Some(list) = seconds.get_mut(number) {
                    list.push(taken);
                }
            }
        }
    }
    let truth = Truth::of(capture)?;
    let mut programs = Vec::new();
    for (number, (entrant, (cpu_seconds, startup))) in
        entrants.iter().zip(times.into_iter().zip(startups)).enumerate()
    {
        let logs = place.path().join(number.to_string());
        programs.push(entrant.row(&floor, &logs, truth.as_ref(), cpu_seconds, startup)?);
    }
    Ok(Measured { mix: mix(capture), packets: floor.packets, octets: floor.octets, programs })
}

/// A capture that takes a program no more than to start and end: one ARP frame, since not all take one without any.
pub(crate) fn write_shortest(file: &Path) -> Result<(), WriteError> {
    let mut data = [0; 60];
    if let Some(ethertype) = data.get_mut(12..14) {
        ethertype.copy_from_slice(&[0x08, 0x06]);
    }
    let mut writer = Writer::create(file, ETHERNET, Precision::Micro)?;
    let time = Time(1_700_000_000_000_000_000);
    writer.write(&Frame { time, clock: time, number: 0, data: &data, wire_len: 60 })?;
    writer.finish()?;
    Ok(())
}

/// The name of a capture's mix. The capture of the SFR profile is named for its use.
pub(crate) fn mix(capture: &Path) -> String {
    let stem = capture.file_stem().unwrap_or_default().to_string_lossy();
    if stem == "emix" { "sfr".to_owned() } else { stem.into_owned() }
}

/// The programs in the order of a round: each is first in its turn, and none is always after the same one.
fn in_turn(entrants: &[Entrant], round: usize) -> Vec<(usize, &Entrant)> {
    let mut order: Vec<_> = entrants.iter().enumerate().collect();
    let is_reversed = round % 2 == 1;
    order.rotate_left((round + usize::from(is_reversed)) % entrants.len().max(1));
    if is_reversed {
        order.reverse();
    }
    order
}

impl Entrant {
    /// Runs it on a capture; its CPU time in seconds. What was in the directory for its logs is removed before.
    pub(crate) fn time(&self, capture: &Path, logs: &Path) -> Result<f64, RoundsError> {
        if logs.exists() {
            fs::remove_dir_all(logs).map_err(at(logs))?;
        }
        fs::create_dir(logs).map_err(at(logs))?;
        let (capture, logs_text) = (capture.to_string_lossy(), logs.to_string_lossy());
        let mut words =
            self.command.iter().map(|word| word.replace("{capture}", &capture).replace("{logs}", &logs_text));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).current_dir(logs);
        let output = logs.join("output");
        command.stdout(File::create(&output).map_err(at(&output))?);
        Ok(cpu::time(&mut command)?.as_secs_f64())
    }

    /// Counts what it wrote.
    pub(crate) fn count(&self, logs: &Path) -> Result<Records, RoundsError> {
        (self.records)(logs).map_err(at(logs))
    }

    fn row(
        &self,
        floor: &Floor,
        logs: &Path,
        truth: Option<&Truth>,
        cpu_seconds: Vec<f64>,
        startup_cpu_seconds: Vec<f64>,
    ) -> Result<Row, RoundsError> {
        let packets = floor.packets.max(1) as f64;
        let median = Spread::of(cpu_seconds.iter().copied()).median;
        let records = self.count(logs)?;
        let total: u64 = records.values().sum();
        let truth = truth.filter(|_| self.has_conn_log).map(|truth| truth.compare(logs)).transpose()?;
        Ok(Row {
            name: self.name.clone(),
            command: self.command.iter().map(|word| program_name(word)).collect::<Vec<_>>().join(" "),
            microseconds_per_packet: Spread::of(cpu_seconds.iter().map(|seconds| seconds * 1e6 / packets)),
            packets_per_cpu_second: floor.packets as f64 / median,
            octets_per_cpu_second: floor.octets as f64 / median,
            records_per_cpu_second: total as f64 / median,
            cpu_seconds,
            startup_cpu_seconds,
            records,
            truth,
        })
    }
}

/// A word of a command line without the directories of this machine.
fn program_name(word: &str) -> &str {
    let is_path = word.starts_with('/') && !word.starts_with("/dev/") && !word.starts_with("/etc/");
    if is_path { word.rsplit('/').next().unwrap_or(word) } else { word }
}

/// The ground truth beside a capture.
struct Truth {
    file: PathBuf,
    text: String,
}

impl Truth {
    fn of(capture: &Path) -> Result<Option<Self>, RoundsError> {
        let file = truth_file(capture);
        match fs::read_to_string(&file) {
            Ok(text) => Ok(Some(Self { file, text })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&file)(error)),
        }
    }

    fn compare(&self, logs: &Path) -> Result<Comparison, RoundsError> {
        let log = logs.join("conn.log");
        let log = fs::read_to_string(&log).map_err(at(&log))?;
        truth::compare(&self.text, &log)
            .map_err(|source| RoundsError::Truth { file: self.file.clone(), source })
    }
}

/// Counts the lines of each `*.log` file.
pub(crate) fn count_logs(directory: &Path) -> io::Result<Records> {
    let mut records = Records::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let lines = memchr::memchr_iter(b'\n', &fs::read(&path)?).count();
            records.insert(path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), lines as u64);
        }
    }
    Ok(records)
}

/// A directory for logs, in memory where there is a file system for that.
pub(crate) fn directory() -> Result<TempDir, RoundsError> {
    TempDir::with_prefix_in("baleen-perf.", TMPFS)
        .or_else(|_| TempDir::with_prefix("baleen-perf."))
        .map_err(at(&std::env::temp_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_run_in_turn_and_their_logs_are_counted() {
        let place = TempDir::new().unwrap();
        let capture = place.path().join("emix.pcap");
        write_shortest(&capture).unwrap();
        let script = "test -f \"$1\" && echo a >\"$2/conn.log\" && echo out";
        let entrant = Entrant {
            name: "shell".to_owned(),
            command: ["sh", "-c", script, "sh", "{capture}", "{logs}"].map(str::to_owned).to_vec(),
            records: count_logs,
            has_conn_log: true,
        };
        let measured = run(&[floor_entrant().unwrap(), entrant], &capture, 3).unwrap();
        assert_eq!(measured.mix, "sfr");
        let row = measured.row("shell").unwrap();
        assert_eq!((row.cpu_seconds.len(), row.startup_cpu_seconds.len(), row.total_records()), (3, 3, 1));
        assert_eq!(row.truth, None, "there is no ground truth beside it");
        assert!(measured.ratio("shell", "nobody").is_none());
    }

    #[test]
    fn every_program_is_first_in_its_turn() {
        let entrant = |name: &str| Entrant {
            name: name.to_owned(),
            command: Vec::new(),
            records: count_logs,
            has_conn_log: false,
        };
        let entrants = ["a", "b", "c"].map(entrant);
        let order =
            |round| in_turn(&entrants, round).iter().map(|(_, e)| e.name.as_str()).collect::<String>();
        assert_eq!([0, 1, 2, 3].map(order), ["abc", "bac", "cab", "acb"]);
    }

    #[test]
    fn command_lines_tell_nothing_of_this_machine() {
        assert_eq!(program_name("/somewhere/target/release/baleen"), "baleen");
        assert_eq!(program_name("--output"), "--output");
        assert_eq!(program_name("/dev/null"), "/dev/null");
    }
}
