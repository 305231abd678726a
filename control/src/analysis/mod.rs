//! The analysis of capture files inside this process: reads bursts, drives one or several workers, writes logs.
//!
//! One worker runs where the frames are read, on borrowed memory. Several share the reader's memory, in rounds: every
//! worker answers every round with one buffer of records, and the answers of a round are merged by frame number.
//! So the order of records, and what is limited over all workers, does not depend on the threads' pace.

mod batch;
mod pool;
mod summary;

use std::path::{Path, PathBuf};

use packet::LinkType;
use pcap::{Burst, Reader};
use record::{Entry, Format, LogSet, RecordBuffer, Time};
use thiserror::Error;
use worker::{Limiter, Settings, Worker};

use crate::log_files::{LogFileError, LogFiles};
use pool::Pool;
pub(crate) use summary::Summary;

/// Why an analysis ends early.
#[derive(Debug, Error)]
pub(crate) enum AnalysisError {
    /// The file cannot be read at all.
    #[error(transparent)]
    Open(#[from] pcap::OpenError),
    /// The file is damaged; what stands before the damage has been analyzed.
    #[error("{}: {damage}; everything before was analyzed", file.display())]
    Damage { file: PathBuf, damage: pcap::Damage },
    /// Logs cannot be written.
    #[error(transparent)]
    Logs(#[from] LogFileError),
    /// A worker thread ended.
    #[error("a worker stopped unexpectedly; the logs are incomplete")]
    Worker,
}

/// A capture file being read.
#[derive(Debug)]
pub(crate) struct Input {
    path: PathBuf,
    reader: Reader,
}

impl Input {
    /// Octets of the file, where known.
    pub(crate) fn size(&self) -> Option<u64> {
        self.reader.size()
    }

    /// Octets read, after decompression.
    pub(crate) fn position(&self) -> u64 {
        self.reader.position()
    }
}

/// Workers, and where their records go.
pub(crate) struct Analysis {
    engine: Engine,
    output: Output,
    /// Frames so far, of all files.
    frames: u64,
    /// Latest time so far, of all files.
    clock: Time,
}

enum Engine {
    Single { worker: Box<Worker>, records: RecordBuffer },
    Pool(Pool),
}

/// The log files, behind the limits that hold over all workers.
pub(crate) struct Output {
    limiter: Limiter,
    files: LogFiles,
}

impl Output {
    fn write(&mut self, records: &RecordBuffer) -> Result<(), LogFileError> {
        for (entry, line) in records.iter() {
            self.write_one(entry, line)?;
        }
        Ok(())
    }

    fn write_one(&mut self, entry: &Entry, line: &[u8]) -> Result<(), LogFileError> {
        if self.limiter.admits(entry) { self.files.write(entry.log, line) } else { Ok(()) }
    }
}

impl Analysis {
    /// Workers with these settings, writing into `files`.
    pub(crate) fn start(
        settings: Settings,
        workers: usize,
        format: Format,
        logs: LogSet,
        files: LogFiles,
    ) -> Self {
        let engine = if workers <= 1 {
            let worker = Box::new(Worker::new(settings.into()));
            Engine::Single { worker, records: RecordBuffer::new(format, logs) }
        } else {
            Engine::Pool(Pool::start(&settings.into(), workers, format, logs))
        };
        Self { engine, output: Output { limiter: Limiter::default(), files }, frames: 0, clock: Time(0) }
    }

    /// Opens the next file: its frames follow those of the files before.
    pub(crate) fn open(&self, path: &Path) -> Result<Input, AnalysisError> {
        let mut reader = Reader::open(path)?;
        reader.continue_from(self.frames, self.clock);
        Ok(Input { path: path.to_owned(), reader })
    }

    /// Analyzes the next frames; false at the end of the file.
    pub(crate) fn step(&mut self, input: &mut Input) -> Result<bool, AnalysisError> {
        let mut burst = Burst::new();
        let count = match input.reader.next_burst(&mut burst) {
            Ok(count) => count,
            Err(damage) => return Err(AnalysisError::Damage { file: input.path.clone(), damage }),
        };
        let link = LinkType::from_dlt(u32::from(burst.link_type()));
        match &mut self.engine {
            Engine::Single { worker, records } => {
                worker.burst(link, burst.frames(), records);
                if !records.is_empty() {
                    self.output.write(records)?;
                    records.clear();
                }
            }
            Engine::Pool(pool) => {
                pool.add(link, &burst, &mut self.output)?;
                if count == 0 {
                    pool.flush(&mut self.output)?;
                }
            }
        }
        if let Some(last) = burst.frames().last() {
            self.frames = last.number + 1;
            self.clock = last.clock;
        }
        Ok(count > 0)
    }

    /// Ends all connections, writes what is open and tells what was done.
    pub(crate) fn finish(mut self) -> Result<Summary, AnalysisError> {
        let counters = match self.engine {
            Engine::Single { mut worker, mut records } => {
                loop {
                    let more = worker.finish_some(&mut records);
                    self.output.write(&records)?;
                    records.clear();
                    if !more {
                        break;
                    }
                }
                *worker.counters()
            }
            Engine::Pool(pool) => pool.finish(&mut self.output)?,
        };
        self.output.files.close()?;
        Ok(Summary { counters, records: self.output.files.counts().collect() })
    }
}
