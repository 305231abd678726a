//! Several workers, one thread each.
//!
//! The records are those of one worker, but for what [`flow_hash`] cannot keep together, and in another order: records
//! of one frame keep its place, what time-outs bring comes at the end of its round. So of two records under one limit,
//! of which only the first is written, several workers may choose the other if one of them comes from a time-out.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use packet::{Frame, LinkType};
use record::{RecordBuffer, Time};
use worker::{Counters, Settings, Worker, flow_hash};

use super::{AnalysisError, Output};
use crate::log_files::LogFileError;

/// Rounds that a worker may be ahead of the slowest.
const ROUNDS_AHEAD: usize = 4;
/// Answers that may wait to be collected: more than rounds can be under way, so that no worker waits for long.
const ANSWERS_AHEAD: usize = 2 * ROUNDS_AHEAD + 2;

/// Frames for one worker, copied out of the reader's memory.
#[derive(Debug, Default)]
struct Batch {
    frames: Vec<BatchFrame>,
    bytes: Vec<u8>,
    /// Packet time at the end of the round.
    now: Time,
}

#[derive(Debug, Clone, Copy)]
struct BatchFrame {
    link: LinkType,
    time: Time,
    clock: Time,
    number: u64,
    end: usize,
    wire_len: u32,
}

impl Batch {
    fn push(&mut self, link: LinkType, frame: &Frame<'_>) {
        self.bytes.extend_from_slice(frame.data);
        self.frames.push(BatchFrame {
            link,
            time: frame.time,
            clock: frame.clock,
            number: frame.number,
            end: self.bytes.len(),
            wire_len: frame.wire_len,
        });
    }

    /// Gives the frames to `worker`, burst by burst.
    fn feed(&self, worker: &mut Worker, records: &mut RecordBuffer) {
        let mut start = 0;
        for run in self.frames.chunk_by(|a, b| a.link == b.link) {
            let Some(first) = run.first() else { continue };
            for chunk in run.chunks(pcap::BURST) {
                let mut frames =
                    [Frame { time: Time(0), clock: Time(0), number: 0, data: &[], wire_len: 0 }; pcap::BURST];
                for (frame, at) in frames.iter_mut().zip(chunk) {
                    let data = self.bytes.get(start..at.end).unwrap_or_default();
                    *frame = Frame {
                        time: at.time,
                        clock: at.clock,
                        number: at.number,
                        data,
                        wire_len: at.wire_len,
                    };
                    start = at.end;
                }
                worker.burst(first.link, frames.get(..chunk.len()).unwrap_or_default(), records);
            }
        }
        worker.idle(self.now, records);
    }
}

struct Thread {
    batches: SyncSender<Batch>,
    answers: Receiver<RecordBuffer>,
    handle: JoinHandle<Counters>,
}

/// The workers.
pub(super) struct Pool {
    threads: Vec<Thread>,
    /// The round that is being filled, a batch a worker.
    batches: Vec<Batch>,
    /// Answers to the oldest round that is not complete, a place a worker.
    answers: Vec<Option<RecordBuffer>>,
    round_len: usize,
    now: Time,
}

impl Pool {
    /// Starts `count` workers; `records` makes their buffers.
    pub(super) fn start(
        settings: &Arc<Settings>,
        count: usize,
        records: impl Fn() -> RecordBuffer + Clone + Send + 'static,
    ) -> Self {
        let threads = (0..count)
            .map(|_| {
                let (batches, inbox) = sync_channel(ROUNDS_AHEAD);
                let (outbox, answers) = sync_channel(ANSWERS_AHEAD);
                let settings = Arc::clone(settings);
                let records = records.clone();
                let handle = std::thread::spawn(move || work(settings, &inbox, &outbox, records));
                Thread { batches, answers, handle }
            })
            .collect();
        Self {
            threads,
            batches: (0..count).map(|_| Batch::default()).collect(),
            answers: (0..count).map(|_| None).collect(),
            round_len: 0,
            now: Time(0),
        }
    }

    /// Frames in the round that is being filled.
    pub(super) const fn round_len(&self) -> usize {
        self.round_len
    }

    /// Adds the frames of a burst to the round.
    pub(super) fn add(&mut self, link: LinkType, frames: &[Frame<'_>]) {
        for frame in frames {
            let worker = flow_hash(link, frame).map_or(0, |hash| share(hash, self.batches.len()));
            if let Some(batch) = self.batches.get_mut(worker) {
                batch.push(link, frame);
            }
            self.now = self.now.max(frame.clock);
        }
        self.round_len += frames.len();
    }

    /// Sends the round to the workers.
    pub(super) fn send(&mut self) -> Result<(), AnalysisError> {
        self.round_len = 0;
        for (thread, batch) in self.threads.iter().zip(&mut self.batches) {
            batch.now = self.now;
            thread.batches.send(std::mem::take(batch)).map_err(|_| AnalysisError::Worker)?;
        }
        Ok(())
    }

    /// Writes the answers of every round that all workers have answered; does not wait.
    pub(super) fn collect(&mut self, output: &mut Output) -> Result<(), AnalysisError> {
        loop {
            for (place, thread) in self.answers.iter_mut().zip(&self.threads) {
                if place.is_none() {
                    match thread.answers.try_recv() {
                        Ok(records) => *place = Some(records),
                        Err(TryRecvError::Empty) => return Ok(()),
                        Err(TryRecvError::Disconnected) => return Err(AnalysisError::Worker),
                    }
                }
            }
            self.write_round(output)?;
        }
    }

    fn write_round(&mut self, output: &mut Output) -> Result<(), AnalysisError> {
        let buffers: Vec<RecordBuffer> = self.answers.iter_mut().filter_map(Option::take).collect();
        Ok(merge(&buffers, output)?)
    }

    /// Ends the workers and writes everything they still have.
    pub(super) fn finish(mut self, output: &mut Output) -> Result<Counters, AnalysisError> {
        self.send()?;
        let mut counters = Counters::default();
        let mut handles = Vec::new();
        let mut inboxes = Vec::new();
        for thread in std::mem::take(&mut self.threads) {
            // Without a sender the worker ends after what it has been sent.
            drop(thread.batches);
            inboxes.push(thread.answers);
            handles.push(thread.handle);
        }
        // Every worker has answered the same number of rounds, and one more with what it had open.
        while self.wait_round(&inboxes) {
            self.write_round(output)?;
        }
        for handle in handles {
            counters.add(&handle.join().map_err(|_| AnalysisError::Worker)?);
        }
        Ok(counters)
    }

    /// Waits for the answers of one round; false when no worker answers any more.
    fn wait_round(&mut self, inboxes: &[Receiver<RecordBuffer>]) -> bool {
        for (place, inbox) in self.answers.iter_mut().zip(inboxes) {
            if place.is_none() {
                *place = inbox.recv().ok();
            }
        }
        self.answers.iter().any(Option::is_some)
    }
}

/// A worker's share of a hash: equal parts of its range.
fn share(hash: u64, workers: usize) -> usize {
    ((u128::from(hash) * workers as u128) >> 64) as usize
}

/// One worker's thread: a buffer of records for every batch, then one for all that was open.
fn work(
    settings: Arc<Settings>,
    inbox: &Receiver<Batch>,
    outbox: &SyncSender<RecordBuffer>,
    records: impl Fn() -> RecordBuffer,
) -> Counters {
    let mut worker = Worker::new(settings);
    for batch in inbox {
        let mut answer = records();
        batch.feed(&mut worker, &mut answer);
        if outbox.send(answer).is_err() {
            return *worker.counters();
        }
    }
    let mut answer = records();
    worker.finish(&mut answer);
    // The receiver is gone only when the whole analysis has failed already.
    let _ = outbox.send(answer);
    *worker.counters()
}

/// Writes the records of several workers in the order of the frames that caused them.
fn merge(buffers: &[RecordBuffer], output: &mut Output) -> Result<(), LogFileError> {
    let mut sources: Vec<_> = buffers.iter().map(|buffer| buffer.iter().peekable()).collect();
    loop {
        let next = sources
            .iter_mut()
            .enumerate()
            .filter_map(|(index, source)| source.peek().map(|(entry, _)| (entry.frame, index)))
            .min();
        let Some((_, index)) = next else { return Ok(()) };
        if let Some((entry, line)) = sources.get_mut(index).and_then(Iterator::next) {
            output.write_one(entry, line)?;
        }
    }
}
