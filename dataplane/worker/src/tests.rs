//! Whole frames through a worker.

mod elephants;

use std::sync::Arc;

use packet::{DecodeOptions, Frame, LinkType};
use record::{Entry, Format, Interval, Limit, Log, LogSet, RecordBuffer, Time};
use serde_json::Value;

use crate::{Limiter, Settings, Worker, flow_hash};

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [192, 0, 2, 53];

/// An Ethernet frame with an IPv4 packet.
fn ipv4(source: [u8; 4], destination: [u8; 4], protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let length = (20 + payload.len()) as u16;
    frame.extend_from_slice(&[0x45, 0]);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&[0, 7]);
    frame.extend_from_slice(&fragment.to_be_bytes());
    frame.extend_from_slice(&[64, protocol, 0, 0]);
    frame.extend_from_slice(&source);
    frame.extend_from_slice(&destination);
    frame.extend_from_slice(payload);
    frame
}

/// A UDP datagram.
fn udp(source_port: u16, destination_port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend_from_slice(&source_port.to_be_bytes());
    datagram.extend_from_slice(&destination_port.to_be_bytes());
    datagram.extend_from_slice(&((8 + payload.len()) as u16).to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.extend_from_slice(payload);
    datagram
}

/// Runs frames, a second apart, and gives the worker and its records with their log's name.
fn run(frames: &[Vec<u8>]) -> (Worker, Vec<Value>) {
    let settings = Settings {
        decode: DecodeOptions { verify_checksums: false, ..DecodeOptions::default() },
        ..Settings::default()
    };
    let mut worker = Worker::new(Arc::new(settings));
    let mut out = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
    for (number, data) in frames.iter().enumerate() {
        let time = Time::new(1_700_000_000 + number as u64, 0);
        let frame = Frame { time, clock: time, number: number as u64, data, wire_len: data.len() as u32 };
        worker.burst(LinkType::Ethernet, &[frame], &mut out);
    }
    worker.finish(&mut out);
    let records = out.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect();
    (worker, records)
}

fn of_log<'r>(records: &'r [Value], log: &str) -> Vec<&'r Value> {
    records.iter().filter(|record| record["_path"] == log).collect()
}

#[test]
fn two_datagrams_are_one_connection() {
    let (_, records) = run(&[
        ipv4(CLIENT, SERVER, 17, 0, &udp(40000, 9999, b"question")),
        ipv4(SERVER, CLIENT, 17, 0, &udp(9999, 40000, b"answer")),
    ]);
    let conns = of_log(&records, "conn");
    assert_eq!(conns.len(), 1);
    assert_eq!(conns[0]["conn_state"], "SF");
    assert_eq!(conns[0]["history"], "Dd");
    assert_eq!((&conns[0]["orig_bytes"], &conns[0]["resp_bytes"]), (&8.into(), &6.into()));
}

#[test]
fn every_frame_is_analyzed_or_dropped_for_a_reason() {
    let arp = [[2u8, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6].as_slice(), &[0; 28]].concat();
    let cut = ipv4(CLIENT, SERVER, 17, 0, &udp(1, 2, b"x"))[..20].to_vec();
    let (worker, _) = run(&[arp, cut, ipv4(CLIENT, SERVER, 17, 0, &udp(1, 2, b"x"))]);
    let counters = worker.counters();
    let dropped: u64 = counters.dropped().map(|(_, count)| count).sum();
    assert_eq!((counters.received, counters.analyzed, dropped), (3, 1, 2));
}

#[test]
fn what_a_tunnel_carries_names_it_as_parent() {
    let inner = ipv4([172, 16, 0, 1], [172, 16, 0, 2], 17, 0, &udp(5000, 6000, b"inside"));
    let vxlan = [&[8, 0, 0, 0, 0, 0, 42, 0], inner.as_slice()].concat();
    let (_, records) = run(&[ipv4(CLIENT, SERVER, 17, 0, &udp(40000, 4789, &vxlan))]);
    let conns = of_log(&records, "conn");
    let outer = conns.iter().find(|conn| conn["service"] == "vxlan").unwrap();
    let inner = conns.iter().find(|conn| conn["id.resp_p"] == 6000).unwrap();
    assert_eq!(inner["tunnel_parents"][0], outer["uid"]);
    let tunnels = of_log(&records, "tunnel");
    assert_eq!(tunnels.len(), 2);
    assert_eq!(
        (&tunnels[0]["action"], &tunnels[1]["action"]),
        (&"Tunnel::DISCOVER".into(), &"Tunnel::CLOSE".into())
    );
}

#[test]
fn fragments_are_one_packet_of_their_connection() {
    let datagram = udp(40000, 9999, &[b'x'; 100]);
    let (first, last) = datagram.split_at(64);
    let (_, records) = run(&[ipv4(CLIENT, SERVER, 17, 0x2000, first), ipv4(CLIENT, SERVER, 17, 8, last)]);
    let conns = of_log(&records, "conn");
    assert_eq!(conns.len(), 1);
    assert_eq!(conns[0]["orig_pkts"], 1);
}

#[test]
fn silence_ends_a_connection_in_packet_time() {
    let frame = ipv4(CLIENT, SERVER, 17, 0, &udp(40000, 9999, b"x"));
    let other = ipv4(CLIENT, SERVER, 17, 0, &udp(40001, 9999, b"x"));
    let mut frames = vec![frame.clone()];
    frames.extend(std::iter::repeat_n(other, 70));
    frames.push(frame);
    let (_, records) = run(&frames);
    let ended = of_log(&records, "conn").iter().filter(|conn| conn["id.orig_p"] == 40000).count();
    assert_eq!(ended, 2);
}

#[test]
fn both_directions_and_all_fragments_have_the_same_hash() {
    let hash = |data: &[u8]| {
        let frame = Frame { time: Time(0), clock: Time(0), number: 0, data, wire_len: data.len() as u32 };
        flow_hash(LinkType::Ethernet, &frame)
    };
    let there = hash(&ipv4(CLIENT, SERVER, 17, 0, &udp(1, 2, b"x")));
    assert!(there.is_some());
    assert_eq!(there, hash(&ipv4(SERVER, CLIENT, 17, 0, &udp(2, 1, b"x"))));
    assert_eq!(there, hash(&ipv4(CLIENT, SERVER, 17, 0x2008, b"fragment")));
    assert_ne!(there, hash(&ipv4([10, 0, 0, 2], SERVER, 17, 0, &udp(1, 2, b"x"))));
}

#[test]
fn a_limited_record_is_written_again_after_its_period() {
    let mut limiter = Limiter::default();
    let entry = |seconds| Entry {
        log: Log::Weird,
        end: 0,
        frame: 0,
        time: Time::new(seconds, 0),
        limit: Limit { key: 7, period: Interval::from_secs(600) },
    };
    assert!(limiter.admits(&entry(0)));
    assert!(!limiter.admits(&entry(599)));
    assert!(limiter.admits(&entry(600)));
    assert!(limiter.admits(&Entry { limit: Limit::default(), ..entry(600) }));
}
