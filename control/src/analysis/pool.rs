//! Several workers, one thread each.
//!
//! The records are those of one worker, but for what [`flow_hash`] cannot keep together, and in another order: records
//! of one frame keep its place, what time-outs bring comes at the end of its round. So of two records under one limit,
//! of which only the first is written, several workers may choose the other if one of them comes from a time-out.
//!
//! A round is a batch for each worker. Frames are not copied: a batch keeps the memory that they were read into until
//! its worker is done with it. Then it comes back with the records, which are written round by round, and is filled
//! again. Memory is bounded by the rounds that may be under way, [`ROUNDS`], and what a round may hold.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use packet::{Frame, LinkType};
use pcap::{Buffer, Burst};
use record::{Format, LogSet, RecordBuffer, Time};
use worker::{Counters, Settings, Worker, flow_hash};

use super::batch::{Batch, Order};
use super::{AnalysisError, Output};
use crate::log_files::LogFileError;

/// Rounds that may be under way: sent, and not written yet. The reader waits for the oldest when there are more.
const ROUNDS: usize = 3;
/// Most frames of a round.
const ROUND_FRAMES: usize = 4096;
/// Octets of frames after which a round ends: so many that handing it over costs little beside the work, and so few that
/// all rounds under way stay in the cache.
const ROUND_OCTETS: usize = 1 << 20;
/// Octets of the reader's memory that one batch may keep before its round ends; one buffer more at most. More than the
/// frames have where the reader gets less at a time than a buffer takes, as from a pipe.
const KEPT_OCTETS: usize = 4 << 20;

struct Thread {
    batches: SyncSender<Batch>,
    answers: Receiver<Batch>,
    handle: JoinHandle<Counters>,
    /// Its last answer has been written.
    has_ended: bool,
}

/// The workers.
pub(super) struct Pool {
    threads: Vec<Thread>,
    /// The round that is being filled, a batch a worker.
    filling: Vec<Batch>,
    /// Answers to the oldest round that is not complete, a place a worker.
    answers: Vec<Option<Batch>>,
    /// Batches to be used again.
    spare: Vec<Batch>,
    /// Rounds sent and not written yet.
    under_way: usize,
    /// Frames in the round that is being filled.
    round_len: usize,
    /// Octets of these frames.
    round_octets: usize,
    now: Time,
    format: Format,
    logs: LogSet,
}

impl Pool {
    /// Starts `count` workers, who write records of `logs`.
    pub(super) fn start(settings: &Arc<Settings>, count: usize, format: Format, logs: LogSet) -> Self {
        let threads = (0..count)
            .map(|_| {
                // No worker has more than all rounds, so that neither side ever waits for room.
                let (batches, inbox) = sync_channel(ROUNDS);
                let (outbox, answers) = sync_channel(ROUNDS);
                let settings = Arc::clone(settings);
                let handle = std::thread::spawn(move || work(settings, &inbox, &outbox));
                Thread { batches, answers, handle, has_ended: false }
            })
            .collect();
        Self {
            threads,
            filling: (0..count).map(|_| Batch::new(RecordBuffer::new(format, logs))).collect(),
            answers: (0..count).map(|_| None).collect(),
            spare: Vec::new(),
            under_way: 0,
            round_len: 0,
            round_octets: 0,
            now: Time(0),
            format,
            logs,
        }
    }

    /// Adds the frames of a burst to the round, and sends it when it is full.
    pub(super) fn add(
        &mut self,
        link: LinkType,
        burst: &Burst<'_>,
        output: &mut Output,
    ) -> Result<(), AnalysisError> {
        if let Some(buffer) = burst.buffer() {
            self.deal(link, burst.frames(), buffer);
        } else {
            for frame in burst.frames() {
                let copy = Buffer::holding(frame.data.to_vec());
                self.deal(link, &[Frame { data: copy.bytes(), ..*frame }], &copy);
            }
        }
        let is_full = |batch: &Batch| batch.held() >= KEPT_OCTETS;
        if self.round_len >= ROUND_FRAMES
            || self.round_octets >= ROUND_OCTETS
            || self.filling.iter().any(is_full)
        {
            self.send(Order::Analyze, output)?;
        }
        Ok(())
    }

    /// Gives each frame, all of which stand in `buffer`, to its worker's batch.
    fn deal(&mut self, link: LinkType, frames: &[Frame<'_>], buffer: &Buffer) {
        for frame in frames {
            let worker = flow_hash(link, frame).map_or(0, |hash| share(hash, self.filling.len()));
            if let (Some(batch), Some(range)) = (self.filling.get_mut(worker), buffer.range_of(frame.data)) {
                batch.push(link, frame, buffer, &range);
            }
            self.now = self.now.max(frame.clock);
            self.round_octets += frame.data.len();
        }
        self.round_len += frames.len();
    }

    /// Sends what there is of the round to the workers, and writes what they have answered.
    pub(super) fn flush(&mut self, output: &mut Output) -> Result<(), AnalysisError> {
        self.send(Order::Analyze, output)
    }

    fn send(&mut self, order: Order, output: &mut Output) -> Result<(), AnalysisError> {
        while self.has_answers()? {
            self.write_round(output)?;
        }
        while self.under_way >= ROUNDS {
            self.wait_for_answers()?;
            self.write_round(output)?;
        }
        for (thread, filling) in self.threads.iter().zip(&mut self.filling) {
            if thread.has_ended {
                continue;
            }
            let next =
                self.spare.pop().unwrap_or_else(|| Batch::new(RecordBuffer::new(self.format, self.logs)));
            let mut batch = std::mem::replace(filling, next);
            batch.now = self.now;
            batch.order = order;
            // A worker whose last answer is still to be read has ended already.
            if thread.batches.send(batch).is_err() && order == Order::Analyze {
                return Err(AnalysisError::Worker);
            }
        }
        self.round_len = 0;
        self.round_octets = 0;
        self.under_way += 1;
        Ok(())
    }

    /// Whether the oldest round is complete; does not wait.
    fn has_answers(&mut self) -> Result<bool, AnalysisError> {
        if self.under_way == 0 {
            return Ok(false);
        }
        for (place, thread) in self.answers.iter_mut().zip(&self.threads) {
            if place.is_none() && !thread.has_ended {
                match thread.answers.try_recv() {
                    Ok(batch) => *place = Some(batch),
                    Err(TryRecvError::Empty) => return Ok(false),
                    Err(TryRecvError::Disconnected) => return Err(AnalysisError::Worker),
                }
            }
        }
        Ok(true)
    }

    /// Waits until the oldest round is complete.
    fn wait_for_answers(&mut self) -> Result<(), AnalysisError> {
        for (place, thread) in self.answers.iter_mut().zip(&self.threads) {
            if place.is_none() && !thread.has_ended {
                *place = Some(thread.answers.recv().map_err(|_| AnalysisError::Worker)?);
            }
        }
        Ok(())
    }

    /// Writes the oldest round, which is complete; its batches are spare then.
    fn write_round(&mut self, output: &mut Output) -> Result<(), AnalysisError> {
        merge(&self.answers, output)?;
        self.under_way -= 1;
        for (place, thread) in self.answers.iter_mut().zip(&mut self.threads) {
            if let Some(mut batch) = place.take() {
                thread.has_ended = batch.is_last;
                batch.records.clear();
                self.spare.push(batch);
            }
        }
        Ok(())
    }

    /// Ends the workers and writes everything they still have: some connections a round, until none has any more.
    pub(super) fn finish(mut self, output: &mut Output) -> Result<Counters, AnalysisError> {
        self.flush(output)?;
        while self.threads.iter().any(|thread| !thread.has_ended) {
            self.send(Order::Finish, output)?;
        }
        let mut counters = Counters::default();
        for thread in self.threads {
            counters.add(&thread.handle.join().map_err(|_| AnalysisError::Worker)?);
        }
        Ok(counters)
    }
}

/// A worker's share of a hash: equal parts of its range.
fn share(hash: u64, workers: usize) -> usize {
    ((u128::from(hash) * workers as u128) >> 64) as usize
}

/// One worker's thread: an answer to every batch, up to the one that says that it is the last.
fn work(settings: Arc<Settings>, inbox: &Receiver<Batch>, outbox: &SyncSender<Batch>) -> Counters {
    let mut worker = Worker::new(settings);
    for mut batch in inbox {
        batch.carry_out(&mut worker);
        let is_last = batch.is_last;
        // The receiver is gone only when the whole analysis has failed already.
        if outbox.send(batch).is_err() || is_last {
            break;
        }
    }
    *worker.counters()
}

/// Writes the records of several workers in the order of the frames that caused them.
fn merge(answers: &[Option<Batch>], output: &mut Output) -> Result<(), LogFileError> {
    let mut sources: Vec<_> = answers.iter().flatten().map(|batch| batch.records.iter().peekable()).collect();
    loop {
        // The source whose turn it is, and the place in the order from which on it is another's.
        let mut turn = None;
        let mut until = None;
        for (index, source) in sources.iter_mut().enumerate() {
            if let Some((entry, _)) = source.peek() {
                let key = (entry.frame, index);
                if turn.is_none_or(|first| key < first) {
                    until = turn.replace(key);
                } else if until.is_none_or(|next| key < next) {
                    until = Some(key);
                }
            }
        }
        let Some((_, index)) = turn else { return Ok(()) };
        let Some(source) = sources.get_mut(index) else { return Ok(()) };
        let is_due = |frame: u64| until.is_none_or(|next| (frame, index) < next);
        while let Some((entry, line)) = source.next_if(|(entry, _)| is_due(entry.frame)) {
            output.write_one(entry, line)?;
        }
    }
}
