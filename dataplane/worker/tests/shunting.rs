//! The shared captures with and without the short path: no record shows a difference, and the books balance.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packet::{DecodeOptions, LinkType};
use pcap::{Burst, Reader};
use record::{Format, LogSet, RecordBuffer};
use worker::{Counters, Settings, Shunting, Worker};

fn captures(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            captures(&path, found);
        } else if ["pcap", "pcapng", "trace", "cap"].map(OsStr::new).map(Some).contains(&path.extension()) {
            found.push(path);
        }
    }
}

/// Counters and records; `None` for what is no capture.
fn analyze(path: &Path, enabled: bool) -> Option<(Counters, Vec<String>)> {
    let mut settings = Settings {
        decode: DecodeOptions { verify_checksums: false, ..DecodeOptions::default() },
        shunting: Shunting { enabled, ..Shunting::default() },
        ..Settings::default()
    };
    // Hashes want every octet of a body.
    settings.analysis.hash_files = false;
    let mut worker = Worker::new(Arc::new(settings));
    let mut out = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
    let mut reader = Reader::open(path).ok()?;
    loop {
        let mut burst = Burst::new();
        if !matches!(reader.next_burst(&mut burst), Ok(1..)) {
            break;
        }
        worker.burst(LinkType::from_dlt(burst.link_type().into()), burst.frames(), &mut out);
    }
    worker.finish(&mut out);
    let records = out.iter().map(|(_, line)| String::from_utf8_lossy(line).into_owned()).collect();
    Some((*worker.counters(), records))
}

#[test]
fn the_short_path_leaves_no_trace_in_records() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    if !directory.is_dir() {
        println!("skipped: shunting of captures: {} is not there", directory.display());
        return;
    }
    let mut found = Vec::new();
    captures(&directory, &mut found);
    assert!(!found.is_empty(), "no capture below {}", directory.display());
    let mut sum = Counters::default();
    for path in &found {
        let Some((counters, records)) = analyze(path, true) else { continue };
        let (all, expected) = analyze(path, false).unwrap();
        assert_eq!(records, expected, "{}", path.display());
        assert_eq!((all.shunted, all.received), (0, counters.received));
        sum.add(&counters);
    }
    let dropped: u64 = sum.dropped().map(|(_, count)| count).sum();
    assert_eq!(sum.received, sum.analyzed + sum.shunted + dropped);
    assert!(sum.shunted > 0);
    println!("{} of {} octets in {} captures shunted", sum.shunted_octets, sum.octets, found.len());
}
