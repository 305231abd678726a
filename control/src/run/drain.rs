//! Brings the records from the spool to the log files: at least once, in order.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use spool::{Item, SpoolReader, Start, reclaim};

use super::RunError;
use crate::config::Config;
use crate::sink::FileSink;

/// Name of the cursor of the log files.
const CURSOR: &str = "files";
/// How often the cursor is stored.
const COMMIT_EVERY: Duration = Duration::from_secs(1);
/// Blocks taken in one round, so that requests are answered meanwhile.
const BLOCKS_A_ROUND: usize = 256;

/// The way from the spool to the log files.
#[derive(Debug)]
pub(super) struct Drain {
    directory: PathBuf,
    reader: SpoolReader,
    sink: FileSink,
    committed: Instant,
    skipped_bytes: u64,
}

impl Drain {
    pub(super) fn open(config: &Config) -> Result<Self, RunError> {
        let directory = config.spool.directory.clone();
        let reader = SpoolReader::open(&directory, CURSOR, Start::Oldest)?;
        if reader.cursor_was_damaged() {
            tracing::warn!("the cursor of the log files was damaged; delivering from the oldest record on");
        }
        let sink = FileSink::new(&config.logs.directory, config.logs.rotate)?;
        Ok(Self { directory, reader, sink, committed: Instant::now(), skipped_bytes: 0 })
    }

    /// Takes what is there, up to a bound; returns whether there was anything.
    pub(super) fn round(&mut self) -> Result<bool, RunError> {
        let mut blocks = 0;
        while blocks < BLOCKS_A_ROUND
            && let Some(item) = self.reader.next()?
        {
            blocks += 1;
            match item {
                Item::Records(records) => {
                    for record in records.iter() {
                        self.sink.write(record)?;
                    }
                }
                Item::Skipped(skip) => {
                    tracing::error!(bytes = skip.bytes, reason = ?skip.reason, segment = skip.from.segment,
                        offset = skip.from.offset, "damage in the spool was passed over");
                    self.skipped_bytes += skip.bytes;
                }
            }
        }
        self.sink.flush()?;
        if self.committed.elapsed() >= COMMIT_EVERY {
            self.commit()?;
        }
        Ok(blocks > 0)
    }

    fn commit(&mut self) -> Result<(), RunError> {
        self.committed = Instant::now();
        let position = self.reader.position();
        if position != self.reader.committed() {
            self.reader.commit(position)?;
            reclaim(&self.directory)?;
        }
        Ok(())
    }

    /// Takes everything that is left, after the dataplane has ended.
    pub(super) fn finish(&mut self) -> Result<(), RunError> {
        while self.round()? {}
        self.commit()
    }

    pub(super) fn delivered(&self) -> u64 {
        self.sink.delivered()
    }

    pub(super) fn refused(&self) -> u64 {
        self.sink.refused()
    }

    pub(super) const fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    pub(super) fn backlog_bytes(&self) -> u64 {
        self.reader.backlog().unwrap_or(0)
    }
}
