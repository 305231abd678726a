//! Whole frames through a worker: one octet of link type, then frames with two octets of length each.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use packet::{DecodeOptions, Frame, LinkType};
use record::{Format, LogSet, RecordBuffer, Time};
use worker::{Settings, Worker};

fuzz_target!(|input: &[u8]| {
    let Some((&[link, flags], mut rest)) = input.split_first_chunk::<2>() else { return };
    let settings =
        Settings { decode: DecodeOptions { verify_checksums: flags & 1 != 0, defer_payload: flags & 128 != 0 }, ..Settings::default() };
    let mut worker = Worker::new(Arc::new(settings));
    let mut records = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
    let mut number = 0;
    while let Some((&[high, low], after)) = rest.split_first_chunk::<2>() {
        let (data, after) = after.split_at(usize::from(u16::from_be_bytes([high, low])).min(after.len()));
        rest = after;
        number += 1;
        let frame = Frame {
            time: Time(number * 700_000_000),
            clock: Time(number * 700_000_000),
            number,
            data,
            wire_len: data.len() as u32 + u32::from(flags & 2),
        };
        worker.burst(LinkType::from_dlt(u32::from(link)), &[frame], &mut records);
    }
    worker.finish(&mut records);
    let counters = worker.counters();
    let dropped: u64 = counters.dropped().map(|(_, count)| count).sum();
    assert_eq!(counters.received, counters.analyzed + dropped);
});
