//! The way of records from a worker to whoever stores them.
//!
//! Buffers go to and fro through two bounded queues, so nothing is allocated once they have
//! grown, and a worker never waits: when all buffers are full, the records of the one it
//! has are dropped and counted.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use record::{Format, LogSet, RecordBuffer};

/// Buffers of one worker.
const BUFFERS: usize = 64;

/// Bytes after which a buffer is handed over. Sixty-four of them are one or two seconds of
/// a busy worker.
const FULL: usize = 256 << 10;

#[derive(Debug)]
struct Shared {
    full: ArrayQueue<RecordBuffer>,
    empty: ArrayQueue<RecordBuffer>,
}

/// The worker's end.
#[derive(Debug)]
pub struct RecordSender {
    shared: Arc<Shared>,
    current: RecordBuffer,
    lost: u64,
}

/// The end of whoever stores records.
#[derive(Debug)]
pub struct RecordReceiver {
    shared: Arc<Shared>,
}

/// A way for records in this format, of these logs.
pub fn channel(format: Format, logs: LogSet) -> (RecordSender, RecordReceiver) {
    let shared = Shared { full: ArrayQueue::new(BUFFERS), empty: ArrayQueue::new(BUFFERS) };
    // One is with the worker.
    for _ in 1..BUFFERS {
        // There is room for all.
        let _ = shared.empty.push(RecordBuffer::new(format, logs));
    }
    let shared = Arc::new(shared);
    let current = RecordBuffer::new(format, logs);
    (RecordSender { shared: Arc::clone(&shared), current, lost: 0 }, RecordReceiver { shared })
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
        let full = std::mem::replace(&mut self.current, next);
        // There is room for all buffers there are.
        if let Err(full) = self.shared.full.push(full) {
            self.current = full;
            return false;
        }
        true
    }

    /// Drops the records in the buffer.
    pub fn drop_records(&mut self) {
        self.lost += self.current.len() as u64;
        self.current.clear();
    }

    /// Records dropped so far.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

impl RecordReceiver {
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
        assert_eq!(sender.lost(), 0);
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
        assert_eq!(sender.lost(), 11);
        let mut lines = 0;
        receiver.take(|buffer| lines += buffer.len());
        assert_eq!(lines, BUFFERS - 1);
        sender.buffer().emit(&Line);
        assert!(sender.try_hand_over());
    }
}
