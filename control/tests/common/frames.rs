//! Frames made by code, and capture files of them.

use packet::Frame;
use pcap::{Precision, Writer};
use record::Time;

/// Time of the first frame, in nanoseconds.
const START: u64 = 1_700_000_000_000_000_000;
/// Nanoseconds from one frame to the next.
const STEP: u64 = 1_250_000;
/// `LINKTYPE_ETHERNET`.
const ETHERNET: u16 = 1;

/// Octets of a pcap file before its first record, and of a record before its frame.
pub(crate) const FILE_HEADER: usize = 24;
pub(crate) const RECORD_HEADER: usize = 16;

const SYN: u8 = 0x02;
const FIN_ACK: u8 = 0x11;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;
const PUSH_ACK: u8 = 0x18;

/// A host of 192.0.2.0/24 (its last octet), and a port.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint(pub(crate) u8, pub(crate) u16);

fn sum(octets: &[u8]) -> u32 {
    octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum()
}

/// RFC 1071.
fn checksum(mut sum: u32) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// An Ethernet frame with an IPv4 packet; `checksum_at` is the place of the checksum in `body`.
fn ipv4(protocol: u8, from: Endpoint, to: Endpoint, mut body: Vec<u8>, checksum_at: usize) -> Vec<u8> {
    let addresses = [192, 0, 2, from.0, 192, 0, 2, to.0];
    let pseudo_header = sum(&addresses) + u32::from(protocol) + body.len() as u32;
    let value = checksum(pseudo_header + sum(&body));
    body[checksum_at..checksum_at + 2].copy_from_slice(&value);

    let length = (20 + body.len() as u16).to_be_bytes();
    let mut header = [0x45, 0, length[0], length[1], 0, 1, 0x40, 0, 64, protocol, 0, 0].to_vec();
    header.extend_from_slice(&addresses);
    let value = checksum(sum(&header));
    header[10..12].copy_from_slice(&value);

    let mut frame = vec![2, 0, 0, 0, 0, to.0, 2, 0, 0, 0, 0, from.0, 0x08, 0x00];
    frame.extend_from_slice(&header);
    frame.extend_from_slice(&body);
    frame
}

fn udp(from: Endpoint, to: Endpoint, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for field in [from.1, to.1, 8 + payload.len() as u16, 0] {
        body.extend_from_slice(&field.to_be_bytes());
    }
    body.extend_from_slice(payload);
    ipv4(17, from, to, body, 6)
}

fn tcp(from: Endpoint, to: Endpoint, flags: u8, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&from.1.to_be_bytes());
    body.extend_from_slice(&to.1.to_be_bytes());
    body.extend_from_slice(&seq.to_be_bytes());
    body.extend_from_slice(&ack.to_be_bytes());
    body.extend_from_slice(&[0x50, flags, 0x10, 0, 0, 0, 0, 0]);
    body.extend_from_slice(payload);
    ipv4(6, from, to, body, 16)
}

/// A query for the address of `<label>.example`, and its answer 198.51.100.1.
pub(crate) fn lookup(client: Endpoint, id: u16, label: &str) -> [Vec<u8>; 2] {
    let server = Endpoint(53, 53);
    let mut question = vec![label.len() as u8];
    question.extend_from_slice(label.as_bytes());
    question.extend_from_slice(b"\x07example\0\0\x01\0\x01");
    let message = |flags: u16, answers: u8| {
        let mut message = [id.to_be_bytes(), flags.to_be_bytes()].concat();
        message.extend_from_slice(&[0, 1, 0, answers, 0, 0, 0, 0]);
        message.extend_from_slice(&question);
        message
    };
    let query = message(0x0100, 0);
    let mut answer = message(0x8180, 1);
    answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 198, 51, 100, 1]);
    [udp(client, server, &query), udp(server, client, &answer)]
}

/// A whole TCP connection with `request` one way and `response` the other.
pub(crate) fn connection(
    client: Endpoint,
    server: Endpoint,
    request: &[u8],
    response: &[u8],
) -> Vec<Vec<u8>> {
    let (a, b) = (1000, 5000);
    let (a_end, b_end) = (a + 1 + request.len() as u32, b + 1 + response.len() as u32);
    vec![
        tcp(client, server, SYN, a, 0, &[]),
        tcp(server, client, SYN_ACK, b, a + 1, &[]),
        tcp(client, server, ACK, a + 1, b + 1, &[]),
        tcp(client, server, PUSH_ACK, a + 1, b + 1, request),
        tcp(server, client, PUSH_ACK, b + 1, a_end, response),
        tcp(client, server, FIN_ACK, a_end, b_end, &[]),
        tcp(server, client, FIN_ACK, b_end, a_end + 1, &[]),
        tcp(client, server, ACK, a_end + 1, b_end + 1, &[]),
    ]
}

/// Lookups in [`traffic`].
pub(crate) const LOOKUPS: usize = 12;
/// TCP connections in [`traffic`].
pub(crate) const CONNECTIONS: usize = 8;

/// Lookups and connections between many pairs of hosts, for any number of workers.
pub(crate) fn traffic() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for at in 0..LOOKUPS as u8 {
        frames.extend(lookup(Endpoint(100 + at, 40_000), 7 + u16::from(at), &format!("host{at}")));
    }
    for at in 0..CONNECTIONS as u8 {
        frames.extend(connection(
            Endpoint(150 + at, 50_000),
            Endpoint(200 + at, 9999),
            b"hello",
            b"well met",
        ));
    }
    frames
}

fn time(index: usize) -> u64 {
    START + index as u64 * STEP
}

/// The frames as a pcap file.
pub(crate) fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    pcap_from(frames, 0)
}

/// As [`pcap()`], as if so many frames came before.
pub(crate) fn pcap_from(frames: &[Vec<u8>], before: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), ETHERNET, Precision::Micro).unwrap();
    for (index, data) in frames.iter().enumerate() {
        let time = Time(time(before + index));
        writer.write(&Frame { time, clock: time, number: 0, data, wire_len: data.len() as u32 }).unwrap();
    }
    writer.finish().unwrap()
}

/// The frames as a pcapng file of one section and one interface: draft-ietf-opsawg-pcapng.
pub(crate) fn pcapng(frames: &[Vec<u8>]) -> Vec<u8> {
    // Byte order, version 1.0, a section of unknown length.
    let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
    let mut file = block(0x0a0d_0d0a, &section);
    file.extend(block(1, &[ETHERNET.to_le_bytes(), [0; 2], [0; 2], [0; 2]].concat()));
    for (index, data) in frames.iter().enumerate() {
        let microseconds = time(index) / 1000;
        let mut body = Vec::new();
        let length = data.len() as u32;
        for field in [0, (microseconds >> 32) as u32, microseconds as u32, length, length] {
            body.extend_from_slice(&field.to_le_bytes());
        }
        body.extend_from_slice(data);
        body.resize(body.len().next_multiple_of(4), 0);
        file.extend(block(6, &body));
    }
    file
}

/// A block of pcapng.
pub(crate) fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (12 + body.len() as u32).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}
