//! The benchmarks of components, with tiny sizes: that they run, and that their files have the shape that they promise.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use packet::Frame;
use pcap::{Precision, Writer};
use record::Time;
use serde_json::Value;

/// Runs the program; what it printed, and its JSON file.
fn run(arguments: &[&str]) -> (String, Value) {
    let file = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_baleen-perf"))
        .args(arguments)
        .arg("--json")
        .arg(file.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let json: Value = serde_json::from_reader(file).unwrap();
    let members: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["benchmark", "results", "settings"]);
    assert_eq!(json["benchmark"], arguments[0]);
    (String::from_utf8(output.stdout).unwrap(), json)
}

fn is_positive(value: &Value) -> bool {
    value.as_f64().is_some_and(|figure| figure > 0.0)
}

#[test]
fn tables_of_all_kinds_and_sizes() {
    let (text, json) = run(&["table", "--flows", "1000,50000", "--packets", "10000", "--laps", "2"]);
    let results = json["results"].as_array().unwrap();
    let kinds: Vec<_> = results.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["tcp-attempt", "tcp-attempt", "tcp", "tcp", "udp", "udp"]);
    for line in results {
        // A small table may find room in memory that the process has already.
        assert!(line["flows"] == 1000 || is_positive(&line["octets_per_flow"]), "{line}");
        assert!(is_positive(&line["fill_ns_per_packet"]), "{line}");
        if line["kind"] != "tcp-attempt" {
            assert!(is_positive(&line["ns_per_packet"]["median"]), "{line}");
        }
        if line["kind"] == "tcp" && line["flows"] == 1000 {
            assert_eq!(line["ratio"]["median"], 1.0);
        }
        assert!(text.lines().any(|row| row.starts_with(line["kind"].as_str().unwrap())), "{text}");
    }
}

#[test]
fn a_scan_has_a_record_for_every_attempt() {
    let arguments = ["new-flows", "--flows", "5000", "--laps", "2", "--rate", "1000", "--limit", "7500"];
    let (text, json) = run(&arguments);
    let line = &json["results"][0];
    assert_eq!((&line["created"], &line["records"]), (&18_000.into(), &18_000.into()));
    assert!(is_positive(&line["flows_per_cpu_second"]["median"]));
    // Connections of the last seven seconds.
    assert!(line["open"].as_u64().unwrap() <= 7500, "{line}");
    assert!(text.contains("18000 connections in all"), "{text}");
}

#[test]
fn records_reach_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let (text, json) = run(&["records", "--records", "5000", "--laps", "2", "--directory", path]);
    let line = &json["results"][0];
    assert!(is_positive(&line["records_per_cpu_second"]["median"]));
    assert!(line["octets_per_record"].as_f64().unwrap() > 300.0, "{line}");
    assert!(text.contains("records/CPU-second"), "{text}");
    assert_eq!(directory.path().read_dir().unwrap().count(), 0, "spools are removed");
}

fn fails(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_baleen-perf")).args(arguments).output().unwrap()
}

#[test]
fn a_limit_that_is_missed_fails() {
    let slow = fails(&["records", "--records", "1000", "--laps", "1", "--at-least", "1e12"]);
    assert_eq!(slow.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&slow.stdout).contains("; UNDER 1000000000000"), "{slow:?}");
    let table = ["table", "--kind", "udp", "--flows", "100,100", "--packets", "1000", "--laps", "1"];
    let dear = fails(&[table.as_slice(), &["--at-most", "0.5"]].concat());
    assert_eq!(dear.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&dear.stdout).ends_with("OVER 0.5 times the first\n"), "{dear:?}");
    let nowhere = fails(&["records", "--records", "1000", "--directory", "/nonexistent"]);
    assert_eq!(nowhere.status.code(), Some(2));
    let told = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(told.starts_with("baleen-perf: /nonexistent: no spool can be made here"), "{told}");
}

/// The sensor's program, if it has been built beside this one.
fn sensor() -> Option<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_baleen-perf")).with_file_name("baleen");
    program.exists().then_some(program)
}

#[test]
fn workers_beside_one() {
    let Some(sensor) = sensor() else {
        println!("skipped: workers_beside_one: the program baleen has not been built");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let capture = directory.path().join("small.pcap");
    let mut writer = Writer::create(&capture, 1, Precision::Micro).unwrap();
    for number in 0..200_u64 {
        // UDP without checksum from many clients; the IP checksum is not of interest.
        let mut data =
            vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0];
        data.extend([10, 0, 0, number as u8, 10, 9, 9, 9, 0x30, 0x39, 0x27, 0x0f, 0, 8, 0, 0]);
        let time = Time(1_700_000_000_000_000_000 + number * 1000);
        writer.write(&Frame { time, clock: time, number, data: &data, wire_len: data.len() as u32 }).unwrap();
    }
    writer.finish().unwrap();
    let arguments = ["workers", "--runs", "2", "--sensor", sensor.to_str().unwrap()];
    let (text, json) = run(&[arguments.as_slice(), &[capture.to_str().unwrap()]].concat());
    let line = &json["results"][0];
    assert_eq!(line["workers"], 2);
    assert!(is_positive(&line["ratio"]["median"]));
    assert!(line["records"].as_object().is_some_and(|records| !records.is_empty()), "{line}");
    assert!(text.contains("2 pairs of runs"), "{text}");
}
