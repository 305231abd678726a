//! The benchmark of the live path, with a few packets: that it runs, and that what it says is true.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/live-path/capture.rs"]
mod capture;
#[path = "../benches/live-path/measure.rs"]
mod measure;
#[path = "../benches/live-path/report.rs"]
mod report;
#[path = "../benches/live-path/rewrite.rs"]
mod rewrite;
#[path = "../benches/live-path/source.rs"]
mod source;
#[path = "../benches/live-path/stage.rs"]
mod stage;

use std::path::Path;

use capture::Capture;
use dpdk::{Eal, EalConfig, Memory};
use packet::Frame;
use pcap::{Precision, Writer};
use record::Time;

/// Connections of the capture; each has a question and an answer.
const CONNECTIONS: u16 = 3000;

/// A UDP datagram in an Ethernet frame, without checksum.
fn datagram(client: u16, is_answer: bool) -> Vec<u8> {
    let ends = [([10, 1, 0, 1], client), ([10, 2, 0, 1], 9999)];
    let [source, destination] = if is_answer { [ends[1], ends[0]] } else { ends };
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0, 0, 33, 0, 1, 0, 0, 64, 17, 0, 0]);
    frame.extend(source.0);
    frame.extend(destination.0);
    let sum: u32 = frame[14..].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !((sum >> 16) + (sum & 0xffff)) as u16;
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend(source.1.to_be_bytes());
    frame.extend(destination.1.to_be_bytes());
    frame.extend([0, 13, 0, 0]);
    frame.extend(b"hello");
    frame
}

fn write(file: &Path) {
    let mut writer = Writer::create(file, 1, Precision::Nano).unwrap();
    for number in 0..2 * CONNECTIONS {
        let data = datagram(1024 + number / 2, number % 2 == 1);
        let time = Time::new(1_600_000_000, u32::from(number) * 1000);
        let number = u64::from(number);
        let frame = Frame { time, clock: time, number, data: &data, wire_len: data.len() as u32 };
        writer.write(&frame).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn every_lap_has_connections_of_its_own_and_a_record_for_each() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("small.pcap");
    write(&file);
    let capture = Capture::read(&file, usize::MAX).unwrap();
    let megabytes = 64 + (capture.memory() >> 20) as u32;
    let config = EalConfig { memory: Memory::Auto { megabytes }, telemetry: false, ..EalConfig::default() };
    let eal = match Eal::init(&config) {
        Ok(eal) => eal,
        Err(error) => {
            println!(
                "skipped: every_lap_has_connections_of_its_own_and_a_record_for_each: no memory: {error}"
            );
            return;
        }
    };
    let settings = measure::Settings { laps: 2, warm_up: 2, pause: 65, ring: 127, hash_files: false };
    let measured = measure::run(eal, &capture, settings).unwrap();
    assert_eq!((measured.packets, measured.stages.len()), (6000, 7));
    for stage in &measured.stages {
        assert_eq!(stage.ns_per_packet.len(), 2);
        assert!(stage.ns_per_packet.iter().all(|ns| *ns > 0.0));
    }
    let records = measured.stages.last().unwrap().records;
    // The connections of one lap end with the next one.
    assert_eq!(records.count, 2 * u64::from(CONNECTIONS));
    for stage in &measured.stages[3..] {
        assert_eq!(stage.connections, Some(u64::from(CONNECTIONS)), "{:?}", stage.stage);
    }
    let report = report::Report::new(settings, eal.has_huge_pages(), vec![measured]);
    let json = serde_json::to_value(&report.document).unwrap();
    assert_eq!(json["benchmark"], "live-path");
    assert_eq!(json["settings"]["laps"], 2);
    assert_eq!(json["results"][3]["stage"], "flow-lookup");
    assert!(json["results"][6]["added_ns_per_packet"]["median"].is_number());
    assert!(report.to_string().contains("+ TCP reassembly"));
}

#[test]
fn a_capture_that_can_not_be_replayed_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("raw.pcap");
    let mut writer = Writer::create(&file, 101, Precision::Nano).unwrap();
    let frame = Frame { time: Time(0), clock: Time(0), number: 0, data: &[0x45; 20], wire_len: 20 };
    writer.write(&frame).unwrap();
    writer.finish().unwrap();
    let error = Capture::read(&file, 10).unwrap_err().to_string();
    assert!(error.ends_with("frames of link type 101; only Ethernet frames come from ports"), "{error}");
    Writer::create(&file, 1, Precision::Nano).unwrap().finish().unwrap();
    assert!(Capture::read(&file, 10).unwrap_err().to_string().ends_with("no frames"));
}
