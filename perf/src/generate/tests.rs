//! What whole captures are like.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use packet::{DecodeOptions, Decoded, Frame, LinkType, Packet, Transport, WeirdList, decode};
use pcap::{Burst, Precision, Reader};
use proptest::prelude::*;
use record::Time;
use tempfile::TempDir;

use super::{Amount, Generator, MIXES, Mix, Options, Pace, write_capture};

fn mix(name: &str) -> &'static Mix {
    Mix::named(name).unwrap()
}

/// FNV-1a over frames and their times.
fn digest(options: &Options) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |octets: &[u8]| {
        for octet in octets {
            digest = (digest ^ u64::from(*octet)).wrapping_mul(0x100_0000_01b3);
        }
    };
    for (time, frame) in Generator::new(options).unwrap().frames() {
        add(&time.0.to_le_bytes());
        add(&frame);
    }
    digest
}

/// Looks at every frame of a capture: with the packet that our own decoder makes of it, valid checksums required.
fn for_each_packet(options: &Options, mut look: impl FnMut(Time, &[u8], &Packet<'_>)) {
    let mut generator = Generator::new(options).unwrap();
    let mut before = 0;
    while let Some((time, data)) = generator.next_frame() {
        assert!(time.0 >= before, "time goes back");
        before = time.0;
        let wire_len = data.len() as u32;
        let frame = Frame { time, clock: time, number: 0, data, wire_len };
        let mut weirds = WeirdList::new();
        let decoded = decode(LinkType::Ethernet, &frame, &DecodeOptions::default(), &mut weirds);
        let Decoded::Flow(packet) = decoded else { panic!("no packet: {decoded:?}") };
        assert!(
            weirds.is_empty(),
            "{:?}",
            weirds.iter().map(|report| report.weird.name()).collect::<Vec<_>>()
        );
        assert!(!packet.bad_checksum && !packet.bad_header);
        assert_eq!(packet.payload.len() as u32, packet.payload_len);
        look(time, data, &packet);
    }
}

fn average(options: &Options) -> f64 {
    let (mut frames, mut octets) = (0_u64, 0_u64);
    let mut generator = Generator::new(options).unwrap();
    while let Some((_, frame)) = generator.next_frame() {
        frames += 1;
        octets += frame.len() as u64;
    }
    octets as f64 / frames as f64
}

#[test]
fn frames_of_all_mixes_are_decoded_in_order_of_time_with_valid_checksums() {
    for mix in &MIXES {
        let mut packets = 0;
        for_each_packet(&Options::new(mix, Amount::Packets(20_000), 3), |_, _, _| packets += 1);
        assert!((19_000..=20_020).contains(&packets), "{}: {packets}", mix.name);
    }
}

#[test]
fn frames_have_the_vlan_and_the_share_of_ipv6_that_was_asked_for() {
    let options =
        Options { vlan: Some(7), ipv6: Some(0.5), ..Options::new(mix("dns-flood"), Amount::Flows(4_000), 1) };
    let (mut v6, mut packets) = (0, 0);
    for_each_packet(&options, |_, _, packet| {
        assert_eq!(packet.layer2.vlan, Some(7));
        packets += 1;
        v6 += u32::from(!packet.ip.source.is_v4());
    });
    let share = f64::from(v6) / f64::from(packets);
    assert!((0.45..0.55).contains(&share), "{share}");
}

#[test]
fn the_same_seed_gives_the_same_octets_and_another_gives_others() {
    for mix in &MIXES {
        let options = |seed| Options::new(mix, Amount::Packets(3_000), seed);
        assert_eq!(digest(&options(1)), digest(&options(1)), "{}", mix.name);
        assert_ne!(digest(&options(1)), digest(&options(2)), "{}", mix.name);
    }
}

/// Figures of captures that people have made stay comparable: who changes this says so.
#[test]
fn the_octets_of_a_seed_do_not_change_unnoticed() {
    let digests: Vec<String> = MIXES
        .iter()
        .map(|mix| format!("{} {:016x}", mix.name, digest(&Options::new(mix, Amount::Packets(5_000), 1))))
        .collect();
    let expected = [
        "campus ec0080152c84e088",
        "enterprise 36c504d6355ad9e8",
        "sfr 07213032e54b62e9",
        "imix 1455523147d5e032",
        "dns-flood 267fa6fccd792853",
        "syn-scan adfda4aa78e228ad",
        "elephants cbd62d5a02613223",
        "idle 7411a0e5f42771fe",
    ];
    assert_eq!(digests, expected);
}

#[test]
fn frames_are_as_large_on_average_as_the_mix_says() {
    for (name, octets, tolerance) in
        [("campus", 863.0, 0.06), ("sfr", 437.0, 0.06), ("imix", 350.0, 0.02), ("elephants", 1_020.0, 0.03)]
    {
        let average = average(&Options::new(mix(name), Amount::Octets(500_000_000), 1));
        assert!((average / octets - 1.0).abs() < tolerance, "{name}: {average}");
    }
}

#[test]
fn a_fifth_of_the_flows_of_the_campus_are_unanswered() {
    let directory = TempDir::new().unwrap();
    let rows = truth(&Options::new(mix("campus"), Amount::Flows(10_000), 1), directory.path());
    let unanswered = rows.iter().filter(|row| row["template"] == "unanswered").count();
    assert_eq!(rows.len(), 10_000);
    assert!((1_900..2_500).contains(&unanswered), "{unanswered}");
}

#[test]
fn all_idle_flows_are_open_at_once() {
    let directory = TempDir::new().unwrap();
    let rows = truth(&Options::new(mix("idle"), Amount::Flows(5_000), 1), directory.path());
    let time = |row: &Row, name: &str| row[name].parse::<f64>().unwrap();
    let last_start = rows.iter().map(|row| time(row, "ts")).fold(0.0, f64::max);
    let first_end = rows.iter().map(|row| time(row, "ts") + time(row, "duration")).fold(f64::MAX, f64::min);
    assert!(last_start < first_end, "{last_start} {first_end}");
}

#[test]
fn flows_begin_as_fast_as_was_asked_for() {
    let seconds = |pace| {
        let options = Options { pace: Some(pace), ..Options::new(mix("syn-scan"), Amount::Flows(20_000), 1) };
        let times: Vec<u64> = Generator::new(&options).unwrap().frames().map(|(time, _)| time.0).collect();
        (times.last().unwrap() - times[0]) as f64 / 1e9
    };
    assert!((1.9..2.1).contains(&seconds(Pace::Flows(10_000.0))));
    assert!((4.7..5.3).contains(&seconds(Pace::Within(5.0))));
    // An attempt is 60 octets, every tenth is answered with as many.
    let expected = 20_000.0 * 1.1 * 60.0 * 8.0 / 1e7;
    assert!((0.9..1.1).contains(&(seconds(Pace::Bits(1e7)) / expected)));
}

#[test]
fn a_size_is_met() {
    for name in ["campus", "sfr", "syn-scan"] {
        for size in [1_000_000, 30_000_000] {
            let directory = TempDir::new().unwrap();
            let file = directory.path().join("a.pcap");
            write_capture(&Options::new(mix(name), Amount::Octets(size), 1), &file, Precision::Micro)
                .unwrap();
            let written = fs::metadata(&file).unwrap().len() as f64 / size as f64;
            assert!((0.98..1.01).contains(&written), "{name} {size}: {written}");
        }
    }
}

type Row = HashMap<String, String>;

/// Writes a capture and reads its ground truth.
fn truth(options: &Options, directory: &Path) -> Vec<Row> {
    let file = directory.join("a.pcap");
    let summary = write_capture(options, &file, Precision::Nano).unwrap();
    let text = fs::read_to_string(directory.join("a.pcap.flows.tsv")).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().trim_start_matches('#').split('\t').collect();
    let row =
        |line: &str| names.iter().map(ToString::to_string).zip(line.split('\t').map(str::to_owned)).collect();
    let rows: Vec<Row> = lines.map(row).collect();
    assert_eq!(rows.len() as u64, summary.totals.flows);
    assert_eq!(sum(&rows, "pkts", "sent_"), summary.totals.sent);
    assert_eq!(sum(&rows, "pkts", ""), summary.totals.captured);
    rows
}

/// Sum of a column of both directions.
fn sum(rows: &[Row], column: &str, prefix: &str) -> u64 {
    let value = |row: &Row, side| row[&format!("{prefix}{side}_{column}")].parse::<u64>().unwrap();
    rows.iter().map(|row| value(row, "orig") + value(row, "resp")).sum()
}

/// Packets, octets of IP and of payload in a capture file.
fn file_sums(file: &Path) -> [u64; 3] {
    let mut reader = Reader::open(file).unwrap();
    let mut sums = [0; 3];
    loop {
        let mut burst = Burst::new();
        if reader.next_burst(&mut burst).unwrap() == 0 {
            return sums;
        }
        for frame in burst.frames() {
            let mut weirds = WeirdList::new();
            let decoded = decode(LinkType::Ethernet, frame, &DecodeOptions::default(), &mut weirds);
            let Decoded::Flow(packet) = decoded else { panic!("no packet") };
            sums[0] += 1;
            sums[1] += u64::from(packet.ip.total_len);
            sums[2] += u64::from(packet.payload_len);
        }
    }
}

fn truth_sums(rows: &[Row]) -> [u64; 3] {
    ["pkts", "ip_bytes", "payload_bytes"].map(|column| sum(rows, column, ""))
}

#[test]
fn the_ground_truth_adds_up_to_what_is_in_the_capture() {
    for mix in &MIXES {
        let directory = TempDir::new().unwrap();
        let rows = truth(&Options::new(mix, Amount::Packets(10_000), 5), directory.path());
        assert_eq!(truth_sums(&rows), file_sums(&directory.path().join("a.pcap")), "{}", mix.name);
    }
}

#[test]
fn lost_packets_are_sent_but_not_captured() {
    let directory = TempDir::new().unwrap();
    let whole = Options::new(mix("campus"), Amount::Packets(50_000), 1);
    let lossy = Options { loss: 0.01, ..whole.clone() };
    let rows = truth(&lossy, directory.path());
    let (sent, captured) = (sum(&rows, "pkts", "sent_"), sum(&rows, "pkts", ""));
    let lost = (sent - captured) as f64 / sent as f64;
    assert!((0.008..0.012).contains(&lost), "{lost}");
    assert_eq!(truth_sums(&rows), file_sums(&directory.path().join("a.pcap")));
    // The traffic on the link is the same.
    let rows = truth(&whole, directory.path());
    assert_eq!(sum(&rows, "pkts", "sent_"), sent);
    assert_eq!(sum(&rows, "pkts", ""), sent);
}

#[test]
fn reordering_keeps_all_packets_and_changes_the_order_in_flows() {
    let whole = Options::new(mix("elephants"), Amount::Packets(50_000), 1);
    let inversions = |options: &Options| {
        let (mut packets, mut inversions) = (0_u64, 0_u64);
        let mut highest = HashMap::new();
        for_each_packet(options, |_, _, packet| {
            packets += 1;
            let Transport::Tcp(tcp) = packet.transport else { return };
            let key = (packet.ip.source, tcp.source_port, packet.ip.destination, tcp.destination_port);
            let before = highest.entry(key).or_insert(tcp.sequence);
            if (tcp.sequence.wrapping_sub(*before) as i32) < 0 {
                inversions += 1;
            } else {
                *before = tcp.sequence;
            }
        });
        (packets, inversions)
    };
    let (packets, none) = inversions(&whole);
    let (same, some) = inversions(&Options { reorder: 0.01, ..whole.clone() });
    assert_eq!((packets, none), (same, 0));
    let share = some as f64 / packets as f64;
    assert!((0.002..0.011).contains(&share), "{share}");
}

#[test]
fn templates_are_told_again_with_other_ends() {
    let directory = TempDir::new().unwrap();
    let templates = directory.path().join("templates");
    fs::create_dir(&templates).unwrap();
    write_capture(
        &Options::new(mix("campus"), Amount::Flows(40), 9),
        &templates.join("web.pcap"),
        Precision::Micro,
    )
    .unwrap();
    write_capture(
        &Options::new(mix("dns-flood"), Amount::Flows(1), 9),
        &templates.join("dns.pcap"),
        Precision::Micro,
    )
    .unwrap();
    fs::write(templates.join("weights.tsv"), "dns.pcap\t40\nweb.pcap\t1\n").unwrap();
    let options =
        Options { templates: Some(templates), ..Options::new(mix("campus"), Amount::Flows(3_000), 1) };
    for_each_packet(&options, |_, _, _| {});
    let rows = truth(&options, directory.path());
    assert_eq!(truth_sums(&rows), file_sums(&directory.path().join("a.pcap")));
    let dns = rows.iter().filter(|row| row["template"] == "dns").count();
    assert!((900..2_100).contains(&dns), "{dns} of {}", rows.len());
}

#[test]
fn a_profile_sets_weights_times_and_sizes() {
    let directory = TempDir::new().unwrap();
    let capture = directory.path().join("cap").join("a.pcap");
    fs::create_dir(directory.path().join("cap")).unwrap();
    let one = Options { clients: Some(1), ..Options::new(mix("dns-flood"), Amount::Flows(1), 2) };
    write_capture(&one, &capture, Precision::Micro).unwrap();
    let profile = directory.path().join("cap").join("profile.yaml");
    let text = "- duration: 10\n  generator:\n    clients_start: 16.0.0.1\n  cap_info:\n  - name: cap/a.pcap\n    cps: \
                100.0\n    ipg: 5000\n    rtt: 7000\n    label: lookup\n";
    fs::write(&profile, text).unwrap();
    let options =
        Options { templates: Some(profile.clone()), ..Options::new(mix("campus"), Amount::Flows(500), 1) };
    let rows = truth(&options, directory.path());
    assert!(rows.iter().all(|row| row["template"] == "lookup"));
    let starts = rows.iter().map(|row| row["ts"].parse::<f64>().unwrap());
    let span = starts.clone().fold(0.0, f64::max) - starts.fold(f64::MAX, f64::min);
    assert!((4.2..5.8).contains(&span), "{span}");

    fs::write(&profile, text.replace("7000", "7000000")).unwrap();
    let slow = truth(&options, directory.path());
    let longest = slow.iter().map(|row| row["duration"].parse::<f64>().unwrap()).fold(0.0, f64::max);
    assert!(longest <= options.longest + 1e-6, "{longest}");

    fs::write(&profile, text.replace("100.0", "-1")).unwrap();
    let error = Generator::new(&options).unwrap_err().to_string();
    assert!(error.ends_with("cps of cap/a.pcap is -1"), "{error}");
    fs::write(&profile, "cap_info: [").unwrap();
    let error = Generator::new(&options).unwrap_err().to_string();
    assert!(error.contains("not a profile"), "{error}");
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let nowhere = Options { templates: Some(empty), ..options };
    let error = Generator::new(&nowhere).unwrap_err().to_string();
    assert!(error.contains("no TCP or UDP flow"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_options_give_a_capture_whose_truth_adds_up(
        index in 0..MIXES.len(),
        seed: u64,
        packets in 1..3_000_u64,
        loss in 0.0..0.3,
        reorder in 0.0..0.3,
        unanswered in 0.0..0.5,
        vlan in prop::option::of(1..4095_u16),
    ) {
        let directory = TempDir::new().unwrap();
        let base = Options::new(&MIXES[index], Amount::Packets(packets), seed);
        let options = Options { loss, reorder, unanswered, vlan, ..base };
        let rows = truth(&options, directory.path());
        prop_assert_eq!(truth_sums(&rows), file_sums(&directory.path().join("a.pcap")));
    }
}
