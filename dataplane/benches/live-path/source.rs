//! What stands in for the network: a capture in DPDK's memory, from which the rings of a port are filled.

use baleen_dataplane::BURST;
use baleen_dataplane::clock::PacketClock;
use dpdk::{Eal, MbufArray, PreloadedPool, Producer, Timestamps};

use crate::capture::Capture;
use crate::rewrite::Rewrite;

/// Time of the first packet: 2023, so that certificates of the captures are neither old nor new.
const START: u64 = 1_700_000_000_000_000_000;

/// The packets of a capture, going round.
#[derive(Debug)]
pub(crate) struct Source {
    pool: PreloadedPool,
    stamps: Timestamps,
    packets: Vec<Waiting>,
    /// Of `packets`, the next one that comes out of the pool.
    next: usize,
    /// Time of a lap.
    lap_time: u64,
    burst: MbufArray<BURST>,
}

/// What a packet of the pool is, and how it was left there.
#[derive(Debug)]
struct Waiting {
    time: u64,
    length: usize,
    rewrite: Rewrite,
    /// What its addresses are combined with.
    bits: u16,
}

/// Packets did not come out of the pool in the order in which they were put into it.
#[derive(Debug, thiserror::Error)]
#[error("packet {0} of the capture did not come when it was its turn: the consumer changes the order")]
pub(crate) struct OutOfOrder(usize);

impl Source {
    /// Loads a capture. `pause` is the packet time between two laps, in seconds.
    pub(crate) fn new(eal: Eal, capture: &Capture, pause: u32) -> Result<Self, Box<dyn std::error::Error>> {
        let pool = PreloadedPool::new(eal, &capture.frames, None)?;
        let packets = capture.frames.iter().zip(&capture.times).map(|(frame, time)| Waiting {
            time: *time,
            length: frame.len(),
            rewrite: Rewrite::of(frame),
            bits: 0,
        });
        Ok(Self {
            pool,
            stamps: Timestamps::register(eal)?,
            packets: packets.collect(),
            next: 0,
            lap_time: capture.span() + u64::from(pause) * 1_000_000_000,
            burst: MbufArray::new(),
        })
    }

    /// How the packets carry their time.
    pub(crate) fn clock(&self) -> PacketClock {
        PacketClock::Stamped { stamps: self.stamps, unit: 1 }
    }

    /// Packets of a lap.
    pub(crate) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Moves packets of lap `lap` into the ring, until it is full or `most` are in it; how many.
    pub(crate) fn feed(&mut self, ring: &mut Producer, lap: u16, most: usize) -> Result<usize, OutOfOrder> {
        let mut fed = 0;
        while fed < most {
            if self.burst.is_empty() {
                if most - fed < BURST {
                    // The rest of a lap.
                    let mut rest = MbufArray::<1>::new();
                    self.pool.take(&mut rest);
                    for packet in rest.drain() {
                        // There is room: the array is empty.
                        let _ = self.burst.push(packet);
                    }
                } else {
                    self.pool.take(&mut self.burst);
                }
                self.prepare(lap)?;
            }
            let moved = ring.enqueue(&mut self.burst);
            if moved == 0 {
                break;
            }
            fed += moved;
        }
        Ok(fed)
    }

    /// Gives the packets at hand the addresses and times of the lap.
    fn prepare(&mut self, lap: u16) -> Result<(), OutOfOrder> {
        let lap_start = START + u64::from(lap) * self.lap_time;
        for packet in self.burst.iter_mut() {
            let index = self.next;
            let waiting = self.packets.get_mut(index).ok_or(OutOfOrder(index))?;
            if packet.packet_len() != waiting.length {
                return Err(OutOfOrder(index));
            }
            waiting.rewrite.apply(packet.data_mut(), waiting.bits ^ lap);
            waiting.bits = lap;
            self.stamps.set(packet, lap_start + waiting.time);
            self.next = if index + 1 < self.packets.len() { index + 1 } else { 0 };
        }
        Ok(())
    }
}
