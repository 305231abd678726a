use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Collector {
    stream: Vec<u8>,
    gaps: u64,
    unwanted: bool,
    /// Octets to come that are not wanted; each that was skipped is a `-` in the stream.
    skip: u64,
}

impl Sink for Collector {
    fn wants(&self) -> bool {
        !self.unwanted
    }

    fn skip(&self) -> u64 {
        if self.unwanted { u64::MAX } else { self.skip }
    }

    fn skipped(&mut self, len: u64) {
        if !self.unwanted {
            self.skip -= len;
            self.stream.extend(std::iter::repeat_n(b'-', len as usize));
        }
    }

    fn data(&mut self, payload: &[u8]) {
        self.stream.extend_from_slice(payload);
    }

    fn gap(&mut self, len: u64) {
        self.skip = self.skip.saturating_sub(len);
        self.gaps += len;
    }
}

const FACTS: Facts = Facts { is_partial: false, nothing_acked: false, acks_unseen: false };

fn stream(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 251) as u8).collect()
}

proptest! {
    #[test]
    fn any_order_of_any_segmentation_gives_the_stream(
        len in 1..400usize,
        cuts in prop::collection::vec((0..400usize, 1..60usize), 0..60),
        acks in prop::collection::vec(0..60usize, 0..10),
    ) {
        let original = stream(len);
        // Random pieces, repetitions and overlaps; then all of it, so that nothing is missing.
        let mut pieces: Vec<(usize, usize)> = cuts
            .into_iter()
            .map(|(start, size)| (start % len, (start % len + size).min(len)))
            .collect();
        pieces.push((0, len));
        let (limits, mut counters) = (Limits::default(), Counters::default());
        let mut reassembly = Reassembly::new();
        let mut collector = Collector::default();
        for (number, (start, end)) in pieces.iter().enumerate() {
            reassembly.segment(1 + *start as u64, &original[*start..*end], FACTS, &limits, &mut counters, &mut collector);
            if acks.contains(&number) {
                // Never beyond what was delivered, so there are no gaps.
                reassembly.acked(reassembly.next(), FACTS, &mut counters, &mut collector);
            }
            prop_assert_eq!(&collector.stream[..], &original[..collector.stream.len()]);
            prop_assert_eq!(reassembly.cost(), counters.buffered_bytes);
        }
        prop_assert_eq!(collector.stream, original);
        prop_assert_eq!(collector.gaps, 0);
        prop_assert_eq!(counters.buffered_bytes, 0);
    }

    #[test]
    fn octets_delivered_and_missed_add_up(
        len in 1..300usize,
        pieces in prop::collection::vec((0..300usize, 1..40usize), 0..30),
        unwanted in any::<bool>(),
    ) {
        let original = stream(len);
        let (limits, mut counters) = (Limits::default(), Counters::default());
        let mut reassembly = Reassembly::new();
        let mut collector = Collector { unwanted, ..Collector::default() };
        let mut seen = vec![false; len];
        for (start, size) in pieces {
            let start = start % len;
            let end = (start + size).min(len);
            seen[start..end].fill(true);
            reassembly.segment(1 + start as u64, &original[start..end], FACTS, &limits, &mut counters, &mut collector);
        }
        reassembly.acked(1 + len as u64, FACTS, &mut counters, &mut collector);
        let missing = seen.iter().filter(|seen| !**seen).count();
        prop_assert_eq!(collector.gaps, missing as u64);
        if !unwanted {
            let expected: Vec<u8> =
                original.iter().zip(&seen).filter(|(_, seen)| **seen).map(|(octet, _)| *octet).collect();
            prop_assert_eq!(collector.stream, expected);
        }
        prop_assert!(!reassembly.has_unacked());
    }

    #[test]
    fn any_numbers_are_survived(
        segments in prop::collection::vec((any::<u64>(), 0..50usize, any::<bool>()), 0..40),
    ) {
        let payload = stream(64);
        let limits = Limits { buffered_bytes: 500, ..Limits::default() };
        let mut counters = Counters::default();
        let mut reassembly = Reassembly::new();
        let mut collector = Collector::default();
        for (seq, len, is_ack) in segments {
            if is_ack {
                reassembly.acked(seq, FACTS, &mut counters, &mut collector);
            } else {
                reassembly.segment(seq, &payload[..len], FACTS, &limits, &mut counters, &mut collector);
            }
            prop_assert!(reassembly.cost() <= 500);
        }
        reassembly.release(&mut counters);
        prop_assert_eq!(counters.buffered_bytes, 0);
    }
}

#[test]
fn first_data_wins() {
    let (limits, mut counters) = (Limits::default(), Counters::default());
    let mut reassembly = Reassembly::new();
    let mut collector = Collector::default();
    for (seq, payload) in [(3, "cd"), (1, "ABXX"), (4, "YYef")] {
        reassembly.segment(seq, payload.as_bytes(), FACTS, &limits, &mut counters, &mut collector);
    }
    assert_eq!(collector.stream, b"ABcdYef");
}
