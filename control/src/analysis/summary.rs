//! What an analysis did, for people.

use std::fmt;

use record::Log;
use worker::Counters;

/// Frames and records of an analysis.
#[derive(Debug)]
pub(crate) struct Summary {
    /// Of all workers together.
    pub(crate) counters: Counters,
    /// Records written, by log.
    pub(crate) records: Vec<(Log, u64)>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} frames, {} bytes", self.counters.received, self.counters.octets)?;
        let Counters { shunted, shunted_octets, .. } = self.counters;
        if shunted > 0 {
            writeln!(f, "  shunted: {shunted} frames, {shunted_octets} bytes")?;
        }
        for (reason, count) in self.counters.dropped() {
            if count > 0 {
                writeln!(f, "  not analyzed: {count} ({reason})")?;
            }
        }
        for (log, count) in &self.records {
            writeln!(f, "{count:>10} {}", log.name())?;
        }
        Ok(())
    }
}
