//! The way of records from a worker to whoever stores them.
//!
//! Buffers go to and fro through two bounded queues, so nothing is allocated once they have
//! grown, and a worker never waits: when all buffers are full, the records of the one it
//! has are dropped and counted.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use record::{Format, Log, LogSet, RecordBuffer};

use crate::stats::Counter;

/// Buffers of one worker.
const BUFFERS: usize = 64;

/// Bytes after which a buffer is handed over. Sixty-four of them are one or two seconds of
/// a busy worker.
const FULL: usize = 256 << 10;

/// Number of logs.
pub const LOGS: usize = Log::ALL.len();

/// Records of one worker by log, indexed by the log's number. Written by the worker when it
/// hands a buffer over.
#[derive(Debug)]
#[repr(align(128))]
pub struct LogCounters {
    /// Records made.
    pub made: [Counter; LOGS],
    /// Of those, dropped since all buffers were full.
    pub lost: [Counter; LOGS],
}

impl Default for LogCounters {
    fn default() -> Self {
        let none = || std::array::from_fn(|_| Counter::default());
        Self { made: none(), lost: none() }
    }
}

#[derive(Debug)]
struct Shared {
    full: ArrayQueue<RecordBuffer>,
    empty: ArrayQueue<RecordBuffer>,
    counters: LogCounters,
}

/// The worker's end.
#[derive(Debug)]
pub struct RecordSender {
    shared: Arc<Shared>,
    current: RecordBuffer,
}

/// The end of whoever stores records.
#[derive(Debug)]
pub struct RecordReceiver {
    shared: Arc<Shared>,
}

/// A way for records in this format, of these logs.
pub fn channel(format: Format, logs: LogSet) -> (RecordSender, RecordReceiver) {
    let shared = Shared {
        full: ArrayQueue::new(BUFFERS),
        empty: ArrayQueue::new(BUFFERS),
        counters: LogCounters::default(),
    };
    // One is with the worker.
    for _ in 1..BUFFERS {
        // There is room for all.
        let _ = shared.empty.push(RecordBuffer::new(format, logs));
    }
    let shared = Arc::new(shared);
    let current = RecordBuffer::new(format, logs);
    (RecordSender { shared: Arc::clone(&shared), current }, RecordReceiver { shared })
}

impl RecordSender {
    /// Where to write records.
    #[inline]
    pub fn buffer(&mut self) -> &mut RecordBuffer {
        &mut self.current
    }

    /// Whether the buffer should be [handed over](Self::hand_over).
    #[inline]
    pub fn is_full(&self) -> bool {
        self.current.byte_len() >= FULL
    }

    /// Hands the records in the buffer over, or drops them if there is no other buffer.
    pub fn hand_over(&mut self) {
        if !self.try_hand_over() {
            self.drop_records();
        }
    }

    /// Hands the records in the buffer over, if there is another buffer to go on with.
    pub fn try_hand_over(&mut self) -> bool {
        if self.current.is_empty() {
            return true;
        }
        let Some(next) = self.shared.empty.pop() else { return false };
        self.count(&self.shared.counters.made);
        let full = std::mem::replace(&mut self.current, next);
        // There is room for all buffers there are.
        let _ = self.shared.full.push(full);
        true
    }

    /// Drops the records in the buffer.
    pub fn drop_records(&mut self) {
        self.count(&self.shared.counters.made);
        self.count(&self.shared.counters.lost);
        self.current.clear();
    }

    fn count(&self, counters: &[Counter; LOGS]) {
        for (entry, _) in self.current.iter() {
            if let Some(counter) = counters.get(entry.log as usize) {
                counter.add(1);
            }
        }
    }
}

impl RecordReceiver {
    /// What the worker made and lost.
    pub fn counters(&self) -> &LogCounters {
        &self.shared.counters
    }

    /// Calls `store` with each buffer that was handed over; how many there were.
    pub fn take(&mut self, mut store: impl FnMut(&RecordBuffer)) -> usize {
        let mut taken = 0;
        while let Some(mut buffer) = self.shared.full.pop() {
            store(&buffer);
            buffer.clear();
            // There is room for all buffers there are.
            let _ = self.shared.empty.push(buffer);
            taken += 1;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Log, Record};

    struct Line;

    impl Record for Line {
        const LOG: Log = Log::Weird;

        fn json_members(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(b",\"name\":\"x\"");
        }

        fn tsv_columns(&self, _: &mut Vec<u8>) {}
    }

    #[test]
    fn counters_share_no_cache_line_with_the_queues() {
        assert_eq!((align_of::<LogCounters>(), size_of::<LogCounters>() % 128), (128, 0));
    }

    #[test]
    fn records_arrive_in_order_and_buffers_come_back() {
        let (mut sender, mut receiver) = channel(Format::Json, LogSet::ALL);
        for round in 1..=3 * BUFFERS {
            for _ in 0..round {
                sender.buffer().emit(&Line);
            }
            sender.hand_over();
            let mut lines = 0;
            assert_eq!(receiver.take(|buffer| lines += buffer.len()), 1);
            assert_eq!(lines, round);
        }
        assert_eq!(receiver.counters().lost[Log::Weird as usize].get(), 0);
        sender.hand_over();
        assert_eq!(receiver.take(|_| ()), 0);
    }

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let (mut sender, mut receiver) = channel(Format::Json, LogSet::ALL);
        for _ in 0..BUFFERS + 10 {
            sender.buffer().emit(&Line);
            sender.hand_over();
        }
        let counters = receiver.counters();
        assert_eq!(counters.made[Log::Weird as usize].get(), BUFFERS as u64 + 10);
        assert_eq!(counters.lost[Log::Weird as usize].get(), 11);
        assert_eq!(counters.made[Log::Conn as usize].get(), 0);
        let mut lines = 0;
        receiver.take(|buffer| lines += buffer.len());
        assert_eq!(lines, BUFFERS - 1);
        sender.buffer().emit(&Line);
        assert!(sender.try_hand_over());
    }
}
