//! From packets in DPDK's memory to the frames that the analysis borrows.

use dpdk::Mbuf;
use packet::Frame;
use record::Time;

use crate::BURST;
use crate::clock::PacketClock;

/// A frame of no bytes, to fill an array with.
const EMPTY: Frame<'static> = Frame { time: Time(0), clock: Time(0), number: 0, data: &[], wire_len: 0 };

/// Makes frames of packets: borrows those that lie in one piece, copies the others
/// together. Numbers them as they come.
#[derive(Debug, Default)]
pub struct FrameBuilder {
    /// Packets of the current burst that lay in several pieces, one behind the other.
    /// Keeps its memory: at most a burst of the largest packets.
    joined: Vec<u8>,
    next_number: u64,
    /// Latest time so far.
    clock: Time,
}

impl FrameBuilder {
    /// Calls `analyze` with the frames of a burst, of which only the first [`BURST`] are
    /// taken.
    #[inline]
    pub fn with_frames(
        &mut self,
        packets: &[Mbuf],
        clock: PacketClock,
        burst: Time,
        analyze: impl FnOnce(&[Frame<'_>]),
    ) {
        self.joined.clear();
        // The end of what each packet has in `joined`.
        let mut ends = [0; BURST];
        for (packet, end) in packets.iter().zip(&mut ends) {
            packet.prefetch();
            if !packet.is_contiguous() {
                packet.copy_to(&mut self.joined);
            }
            *end = self.joined.len();
        }
        let mut frames = [EMPTY; BURST];
        let mut start = 0;
        for ((packet, end), frame) in packets.iter().zip(ends).zip(&mut frames) {
            let data = if packet.is_contiguous() {
                packet.data()
            } else {
                self.joined.get(start..end).unwrap_or_default()
            };
            start = end;
            let wire_len = packet.packet_len() as u32;
            let time = clock.time_of(packet, burst);
            self.clock = self.clock.max(time);
            *frame = Frame { time, clock: self.clock, number: self.next_number, data, wire_len };
            self.next_number += 1;
        }
        analyze(frames.get(..packets.len()).unwrap_or(&frames));
    }
}

/// The frame of one packet as far as its first piece goes, which holds all headers: enough
/// to choose a worker.
#[inline]
pub fn headers(packet: &Mbuf) -> Frame<'_> {
    Frame {
        time: Time(0),
        clock: Time(0),
        number: 0,
        data: packet.data(),
        wire_len: packet.packet_len() as u32,
    }
}
