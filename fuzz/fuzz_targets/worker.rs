//! Whole frames through a worker: one octet of link type, then frames with two octets of length each.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use packet::{DecodeOptions, Frame, LinkType};
use record::{Format, LogSet, RecordBuffer, Time};
use worker::{OffloadAction, OffloadReport, Offloaded, Settings, Worker};

fuzz_target!(|input: &[u8]| {
    let Some((&[link, flags], mut rest)) = input.split_first_chunk::<2>() else { return };
    let mut settings = Settings {
        decode: DecodeOptions { verify_checksums: flags & 1 != 0, defer_payload: flags & 128 != 0 },
        ..Settings::default()
    };
    settings.analysis.hash_files = flags & 64 == 0;
    if flags & 32 != 0 {
        settings.shunting.offload = 500;
    }
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
        let mut wishes = Vec::new();
        worker.take_offload_requests(|wish| {
            wishes.push(wish);
            true
        });
        for wish in wishes {
            let counted = Offloaded {
                uid: wish.uid,
                ends: wish.ends,
                proto: wish.proto,
                time: frame.time,
                packets: 3,
                ip_octets: 4000,
                payload: 3900,
            };
            worker.offloaded(&match wish.action {
                OffloadAction::Begin if number % 3 == 0 => OffloadReport::Refused(counted),
                OffloadAction::Begin => OffloadReport::Counted(counted),
                OffloadAction::End => OffloadReport::Ended(counted),
            });
        }
    }
    worker.finish(&mut records);
    let counters = worker.counters();
    let dropped: u64 = counters.dropped().map(|(_, count)| count).sum();
    assert_eq!(counters.received, counters.analyzed + counters.shunted + dropped);
});
