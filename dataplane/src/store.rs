//! From the workers' records to the spool: what is limited over all workers, blocks, and
//! what became of each record.

use record::RecordBuffer;
use spool::{AppendError, Block, SpoolError, SpoolWriter};
use worker::Limiter;

use crate::records::LOGS;

/// Bytes after which a block is written. Much below what the spool takes at most, so that
/// it is no more than a record longer.
const BLOCK: usize = 1 << 20;

/// Records by log, indexed by the log's number.
pub type ByLog = [u64; LOGS];

/// What became of the records that workers handed over: taken = limited + spooled +
/// pending + full + failed.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreCounters {
    /// Taken from workers.
    pub taken: ByLog,
    /// Not to be written: one of many of their kind.
    pub limited: ByLog,
    /// In the spool.
    pub spooled: ByLog,
    /// In a block that is not written yet.
    pub pending: ByLog,
    /// Dropped since the spool was full.
    pub full: ByLog,
    /// Dropped since the operating system failed.
    pub failed: ByLog,
}

/// Writes records to the spool.
#[derive(Debug)]
pub struct Store {
    writer: SpoolWriter,
    limiter: Limiter,
    block: Vec<u8>,
    counters: StoreCounters,
    /// Whether the last block was refused, so that each trouble is told once.
    refused: bool,
}

impl Store {
    /// Writes to this spool.
    pub fn new(writer: SpoolWriter) -> Self {
        Self {
            writer,
            limiter: Limiter::default(),
            block: Vec::with_capacity(BLOCK),
            counters: StoreCounters::default(),
            refused: false,
        }
    }

    /// Takes a worker's records.
    pub fn take(&mut self, records: &RecordBuffer) {
        for (entry, line) in records.iter() {
            let log = entry.log as usize;
            add(&mut self.counters.taken, log);
            if !self.limiter.admits(entry) {
                add(&mut self.counters.limited, log);
                continue;
            }
            self.block.extend_from_slice(line);
            add(&mut self.counters.pending, log);
            if self.block.len() >= BLOCK {
                self.write();
            }
        }
    }

    /// Writes what is pending, and seals a segment that is old enough.
    pub fn flush(&mut self) {
        self.write();
        if let Err(error) = self.writer.idle() {
            tracing::error!(%error, "a segment of the spool could not be sealed");
        }
    }

    /// Writes what is pending and seals the segment: the end.
    pub fn close(&mut self) -> Result<(), SpoolError> {
        self.write();
        self.writer.seal()
    }

    fn write(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.counters.pending);
        let outcome = match Block::new(&self.block) {
            Ok(block) => self.writer.append(block),
            Err(error) => {
                // Only a single record of several megabytes makes such a block.
                tracing::error!(%error, "records were dropped");
                add_all(&mut self.counters.failed, &pending);
                self.block.clear();
                return;
            }
        };
        self.block.clear();
        let became = match &outcome {
            Ok(()) => &mut self.counters.spooled,
            Err(AppendError::SpoolFull { .. }) => &mut self.counters.full,
            Err(AppendError::Spool(_)) => &mut self.counters.failed,
        };
        add_all(became, &pending);
        match &outcome {
            Ok(()) if self.refused => tracing::info!("records are written again"),
            Err(error) if !self.refused => tracing::error!(%error, "records are dropped"),
            _ => {}
        }
        self.refused = outcome.is_err();
    }

    /// What became of all records taken.
    pub fn counters(&self) -> &StoreCounters {
        &self.counters
    }

    /// The spool.
    pub fn writer(&self) -> &SpoolWriter {
        &self.writer
    }
}

fn add(counts: &mut ByLog, log: usize) {
    if let Some(count) = counts.get_mut(log) {
        *count += 1;
    }
}

fn add_all(counts: &mut ByLog, more: &ByLog) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Format, Log, LogSet, Record};
    use spool::{Item, Settings, SpoolReader, Start};

    struct Line;

    impl Record for Line {
        const LOG: Log = Log::Conn;

        fn json_members(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(b",\"uid\":\"C1\"");
        }

        fn tsv_columns(&self, _: &mut Vec<u8>) {}
    }

    fn records(count: usize) -> RecordBuffer {
        let mut buffer = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
        (0..count).for_each(|_| buffer.emit(&Line));
        buffer
    }

    const CONN: usize = Log::Conn as usize;

    #[test]
    fn records_are_in_the_spool_once_flushed() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::new(SpoolWriter::open(Settings::new(directory.path(), 1 << 20)).unwrap());
        let mut reader = SpoolReader::open(directory.path(), "test", Start::Oldest).unwrap();
        store.take(&records(3));
        assert_eq!((store.counters().pending[CONN], store.counters().spooled[CONN]), (3, 0));
        store.flush();
        assert_eq!((store.counters().pending[CONN], store.counters().spooled[CONN]), (0, 3));
        let Some(Item::Records(block)) = reader.next().unwrap() else { panic!("no block") };
        let lines: Vec<_> = block.iter().collect();
        assert_eq!(lines, [br#"{"_path":"conn","uid":"C1"}"#; 3]);
        store.close().unwrap();
    }

    #[test]
    fn records_beyond_the_spools_limit_are_counted() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::new(SpoolWriter::open(Settings::new(directory.path(), 4096)).unwrap());
        for _ in 0..10 {
            store.take(&records(50));
            store.flush();
        }
        let counters = store.counters();
        assert!(counters.spooled[CONN] > 0 && counters.full[CONN] > 0, "{counters:?}");
        assert_eq!(counters.taken[CONN], counters.spooled[CONN] + counters.full[CONN]);
    }
}
