//! `baleen process`: capture files in, log files out.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use record::LogSet;

use super::{FAILED, UNUSABLE, fail};
use crate::analysis::{Analysis, AnalysisError};
use crate::log_files::LogFiles;

/// Arguments of `baleen process`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Capture files: pcap or pcapng, plain, gzip or zstd; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Directory for the logs, one file each
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    output: PathBuf,
    /// How to write records
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    format: LogFormat,
    /// Threads that analyze; the logs do not depend on it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Analyze packets with wrong checksums too (captures of a host with checksum offload)
    #[arg(long)]
    ignore_checksums: bool,
    /// Do not compute MD5, SHA-1 and SHA-256 of files
    #[arg(long)]
    no_file_hashes: bool,
    /// Make the unique ids repeatable
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Do not show progress
    #[arg(short, long)]
    quiet: bool,
}

/// Encodings of log files.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    /// One JSON object a line
    Json,
    /// Zeek's tab-separated values
    Tsv,
}

impl From<LogFormat> for record::Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Json => Self::Json,
            LogFormat::Tsv => Self::Tsv,
        }
    }
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let format = arguments.format.into();
    let settings = match settings(arguments) {
        Ok(settings) => settings,
        Err(error) => return fail(UNUSABLE, &error),
    };
    let logs = match LogFiles::new(&arguments.output, format) {
        Ok(logs) => logs,
        Err(error) => return fail(UNUSABLE, &error),
    };
    let mut analysis = Analysis::start(settings, usize::from(arguments.workers), format, LogSet::ALL, logs);
    let mut status = ExitCode::SUCCESS;
    for file in &arguments.files {
        let progress = Progress::new(file, arguments.quiet);
        match analyze(&mut analysis, file, &progress) {
            Ok(()) => {}
            Err(error @ AnalysisError::Open(_)) => {
                status = fail(FAILED, &error);
            }
            Err(error @ AnalysisError::Damage { .. }) => {
                status = fail(FAILED, &error);
            }
            Err(error) => return fail(FAILED, &error),
        }
        progress.finish();
    }
    match analysis.finish() {
        Ok(summary) => {
            let flows = &summary.counters.flows;
            if flows.bad_checksums > flows.packets / 2 {
                eprintln!(
                    "baleen: {} of {} packets have wrong checksums and were not analyzed, as in captures of a host with \
                     checksum offload; --ignore-checksums analyzes them too",
                    flows.bad_checksums, flows.packets
                );
            }
            if !arguments.quiet && std::io::stderr().is_terminal() {
                // Whoever closes the terminal meanwhile has the logs all the same.
                let _ = write!(std::io::stderr(), "{summary}");
            }
            status
        }
        Err(error) => fail(FAILED, &error),
    }
}

fn settings(arguments: &Arguments) -> Result<worker::Settings, getrandom::Error> {
    let id_key = match arguments.seed {
        Some(seed) => worker::seeded_id_key(seed),
        None => random_key()?,
    };
    let mut settings = worker::Settings {
        decode: packet::DecodeOptions {
            verify_checksums: !arguments.ignore_checksums,
            ..packet::DecodeOptions::default()
        },
        id_key,
        table_seed: getrandom::u64()?,
        ..worker::Settings::default()
    };
    settings.analysis.hash_files = !arguments.no_file_hashes;
    Ok(settings)
}

fn random_key() -> Result<[u8; 16], getrandom::Error> {
    let mut key = [0; 16];
    getrandom::fill(&mut key)?;
    Ok(key)
}

fn analyze(analysis: &mut Analysis, file: &Path, progress: &Progress) -> Result<(), AnalysisError> {
    let mut input = analysis.open(file)?;
    progress.length(input.size());
    while analysis.step(&mut input)? {
        progress.position(input.position());
    }
    Ok(())
}

/// A progress bar on terminals, for files that take a while.
#[derive(Debug)]
struct Progress(Option<ProgressBar>);

impl Progress {
    /// Files that are done sooner show nothing.
    const PATIENCE: Duration = Duration::from_millis(700);

    fn new(file: &Path, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::no_length().with_message(file.display().to_string());
        Self(Some(bar))
    }

    fn length(&self, size: Option<u64>) {
        let Some(bar) = &self.0 else { return };
        let template = match size {
            Some(size) => {
                bar.set_length(size);
                "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} left"
            }
            None => "{msg} {bytes} {bytes_per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    }

    fn position(&self, octets: u64) {
        if let Some(bar) = &self.0
            && bar.elapsed() > Self::PATIENCE
        {
            bar.set_position(octets);
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
