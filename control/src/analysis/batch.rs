//! What goes to a worker's thread and back: frames on the way there, their records on the way back.

use std::ops::Range;

use packet::{Frame, LinkType};
use pcap::{BURST, Buffer};
use record::{RecordBuffer, Time};
use worker::Worker;

/// Frames that are fetched at a time: no more than a core's nearest cache takes.
const PART: usize = 16;
/// Octets of a cache line.
const CACHE_LINE: usize = 64;

/// What a worker is to do with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Analyze the frames.
    Analyze,
    /// End some of the connections that are open, after the frames.
    Finish,
}

/// One worker's part of a round. Used again once its records are written, so that nothing in it grows for long.
#[derive(Debug)]
pub(super) struct Batch {
    frames: Vec<KeptFrame>,
    /// The memory that the frames stand in.
    buffers: Vec<Buffer>,
    /// Octets of `buffers`.
    held: usize,
    /// What the worker has to say to it.
    pub(super) records: RecordBuffer,
    /// Whether the worker has nothing more to say.
    pub(super) is_last: bool,
    pub(super) order: Order,
    /// Packet time at the end of the round.
    pub(super) now: Time,
}

/// A frame in one of a batch's buffers.
#[derive(Debug, Clone)]
struct KeptFrame {
    time: Time,
    clock: Time,
    number: u64,
    start: usize,
    len: u32,
    wire_len: u32,
    /// Index of its buffer.
    buffer: u32,
    link: LinkType,
}

impl Batch {
    pub(super) const fn new(records: RecordBuffer) -> Self {
        Self {
            frames: Vec::new(),
            buffers: Vec::new(),
            held: 0,
            records,
            is_last: false,
            order: Order::Analyze,
            now: Time(0),
        }
    }

    /// Octets of the memory that is kept for the frames.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Adds the frame that stands at `range` of `buffer`.
    #[inline]
    pub(super) fn push(&mut self, link: LinkType, frame: &Frame<'_>, buffer: &Buffer, range: &Range<usize>) {
        if !self.buffers.last().is_some_and(|last| last.is(buffer)) {
            self.buffers.push(buffer.clone());
            self.held = self.held.saturating_add(buffer.bytes().len());
        }
        self.frames.push(KeptFrame {
            time: frame.time,
            clock: frame.clock,
            number: frame.number,
            start: range.start,
            // Frames are no longer than `MAX_SNAPLEN`, batches no longer than rounds.
            len: range.len() as u32,
            wire_len: frame.wire_len,
            buffer: (self.buffers.len() - 1) as u32,
            link,
        });
    }

    /// Has `worker` do what is ordered, and gives up the frames.
    pub(super) fn carry_out(&mut self, worker: &mut Worker) {
        for run in self.frames.chunk_by(|a, b| a.link == b.link) {
            let Some(first) = run.first() else { continue };
            for burst in run.chunks(BURST) {
                for part in burst.chunks(PART) {
                    let mut frames =
                        [Frame { time: Time(0), clock: Time(0), number: 0, data: &[], wire_len: 0 }; PART];
                    for (frame, kept) in frames.iter_mut().zip(part) {
                        *frame = kept.frame(&self.buffers);
                    }
                    fetch(&frames);
                    worker.part(first.link, frames.get(..part.len()).unwrap_or_default(), &mut self.records);
                }
                if let Some(last) = burst.last() {
                    worker.idle(last.clock, &mut self.records);
                }
            }
        }
        // Without buffers the reader would have to take others.
        self.frames.clear();
        self.buffers.clear();
        self.held = 0;
        match self.order {
            Order::Analyze => worker.idle(self.now, &mut self.records),
            Order::Finish => self.is_last = !worker.finish_some(&mut self.records),
        }
    }
}

/// Reads from every cache line of the frames. They are in the cache of the core that has read them from the file: asked
/// for all at once they arrive together, while the analysis would wait for one after the other.
fn fetch(frames: &[Frame<'_>]) {
    let mut octets = 0;
    for frame in frames {
        let (lines, rest) = frame.data.as_chunks::<CACHE_LINE>();
        for [octet, ..] in lines {
            octets ^= octet;
        }
        octets ^= rest.last().copied().unwrap_or_default();
    }
    std::hint::black_box(octets);
}

impl KeptFrame {
    #[inline]
    fn frame<'b>(&self, buffers: &'b [Buffer]) -> Frame<'b> {
        let data = buffers
            .get(self.buffer as usize)
            .and_then(|buffer| buffer.bytes().get(self.start..self.start.saturating_add(self.len as usize)));
        Frame {
            time: self.time,
            clock: self.clock,
            number: self.number,
            data: data.unwrap_or_default(),
            wire_len: self.wire_len,
        }
    }
}
