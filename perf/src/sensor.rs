//! `baleen process` as its users run it.

use std::path::{Path, PathBuf};

use crate::rounds::{Entrant, count_logs};

/// Arguments of every verb that runs the sensor on captures.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Capture files; FILE.flows.tsv beside one is its ground truth
    #[arg(required = true, value_name = "FILE")]
    pub(crate) captures: Vec<PathBuf>,
    /// The sensor's program
    #[arg(long, value_name = "PROGRAM", default_value = "target/release/baleen")]
    pub(crate) sensor: PathBuf,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// The sensor with so many workers, with or without hashes of files.
pub(crate) fn entrant(program: &Path, workers: u16, file_hashes: bool) -> Entrant {
    let mut command = vec![absolute(program)];
    command.extend(["process", "--quiet"].map(str::to_owned));
    if workers > 1 {
        command.extend(["--workers".to_owned(), workers.to_string()]);
    }
    if !file_hashes {
        command.push("--no-file-hashes".to_owned());
    }
    command.extend(["--output", "{logs}", "{capture}"].map(str::to_owned));
    Entrant { name: name(workers, file_hashes), command, records: count_logs, has_conn_log: true }
}

/// What its rows are called.
pub(crate) fn name(workers: u16, file_hashes: bool) -> String {
    let workers = if workers > 1 { format!(", {workers} workers") } else { String::new() };
    let hashes = if file_hashes { ", file hashes" } else { "" };
    format!("baleen{workers}{hashes}")
}

/// Programs run in directories of their own.
fn absolute(program: &Path) -> String {
    std::path::absolute(program).unwrap_or_else(|_| program.to_owned()).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_what_differs() {
        let plain = entrant(Path::new("/baleen"), 1, true);
        assert_eq!(plain.command.join(" "), "/baleen process --quiet --output {logs} {capture}");
        let two = entrant(Path::new("/baleen"), 2, false);
        assert!(two.command.join(" ").contains("--workers 2 --no-file-hashes"));
        assert_eq!((plain.name.as_str(), two.name.as_str()), ("baleen, file hashes", "baleen, 2 workers"));
    }
}
