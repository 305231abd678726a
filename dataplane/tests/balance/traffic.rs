//! Traffic of which one worker has most.

use packet::{Frame, LinkType};
use record::Time;

use crate::bench::{RECEIVERS, WORKERS};

/// Numbers that look random, from a seed (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// What comes in, when, and at which receiver.
pub(crate) struct Packet {
    pub(crate) data: Vec<u8>,
    pub(crate) time: Time,
    pub(crate) receiver: usize,
    pub(crate) bucket: u16,
}

pub(crate) fn sum(octets: &[u8]) -> u32 {
    octets.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum()
}

/// An Ethernet frame with a TCP segment.
pub(crate) fn tcp(
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    seq: u32,
    ack: u32,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend(((40 + payload.len()) as u16).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(from.0);
    frame.extend(to.0);
    let total = sum(&frame[14..34]);
    let checksum = !((total & 0xffff) + (total >> 16)) as u16;
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame.extend(from.1.to_be_bytes());
    frame.extend(to.1.to_be_bytes());
    frame.extend(seq.to_be_bytes());
    frame.extend(ack.to_be_bytes());
    frame.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

pub(crate) fn bucket_of(data: &[u8]) -> u16 {
    let frame = Frame { time: Time(0), clock: Time(0), number: 0, data, wire_len: data.len() as u32 };
    worker::bucket(LinkType::Ethernet, &frame)
}

/// Two hosts that talk, connection after connection.
pub(crate) struct Pair {
    client: [u8; 4],
    server: [u8; 4],
    /// How often it has its turn.
    weight: usize,
    connections: u16,
    /// Of the connection at hand, the last first.
    segments: Vec<Vec<u8>>,
}

impl Pair {
    /// The next segment. Connections are HTTP with a long answer, of which some segments come in the wrong order.
    pub(crate) fn next(&mut self, random: &mut Random) -> Vec<u8> {
        if let Some(segment) = self.segments.pop() {
            return segment;
        }
        self.connections += 1;
        let client = (self.client, 20000 + self.connections);
        let server = (self.server, 80);
        let mut to_server = 1000;
        let mut to_client = 5000;
        let mut segments = vec![
            tcp(client, server, 999, 0, 2, b""),
            tcp(server, client, 4999, 1000, 0x12, b""),
            tcp(client, server, 1000, 5000, 0x10, b""),
        ];
        for round in 0..=random.below(3) {
            let request = format!("GET /{round} HTTP/1.1\r\nHost: a.example\r\n\r\n");
            segments.push(tcp(client, server, to_server, to_client, 0x18, request.as_bytes()));
            to_server += request.len() as u32;
            let body = [b'x'; 300];
            let mut answer =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
            answer.extend(body);
            let first = segments.len();
            for piece in answer.chunks(60) {
                segments.push(tcp(server, client, to_client, to_server, 0x10, piece));
                to_client += piece.len() as u32;
            }
            let swapped = first + random.below(segments.len() - first - 1);
            segments.swap(swapped, swapped + 1);
            segments.push(tcp(client, server, to_server, to_client, 0x10, b""));
        }
        segments.push(tcp(client, server, to_server, to_client, 0x11, b""));
        segments.push(tcp(server, client, to_client, to_server + 1, 0x11, b""));
        segments.push(tcp(client, server, to_server + 1, to_client + 1, 0x10, b""));
        segments.reverse();
        self.segments = segments;
        self.next(random)
    }
}

/// Traffic of which the first worker has most without moves, and how uneven that is: packets of the busiest worker as a
/// multiple of the mean.
pub(crate) fn skewed_traffic(packets: usize, seed: u64) -> (Vec<Packet>, f64) {
    let mut random = Random(seed);
    let mut pairs: Vec<Pair> = (0..200_usize)
        .map(|number| {
            let (client, server) = ([10, 1, 0, number as u8], [192, 0, 2, random.below(250) as u8]);
            let probe = tcp((client, 1), (server, 80), 0, 0, 2, b"");
            let weight = if usize::from(bucket_of(&probe)) % WORKERS == 0 { 12 } else { 3 + random.below(3) };
            Pair { client, server, weight, connections: 0, segments: Vec::new() }
        })
        .collect();
    let turns: Vec<usize> =
        pairs.iter().enumerate().flat_map(|(number, pair)| vec![number; pair.weight]).collect();
    let mut shares = [0; WORKERS];
    let traffic: Vec<Packet> = (0..packets)
        .map(|number| {
            let pair = turns[random.below(turns.len())];
            let data = pairs[pair].next(&mut random);
            let bucket = bucket_of(&data);
            shares[usize::from(bucket) % WORKERS] += 1;
            let time = Time(1_700_000_000_000_000_000 + number as u64 * 10_000);
            Packet { data, time, receiver: pair % RECEIVERS, bucket }
        })
        .collect();
    (traffic, imbalance(&shares))
}

pub(crate) fn imbalance(shares: &[u64]) -> f64 {
    let sum: u64 = shares.iter().sum();
    shares.iter().copied().max().unwrap_or(0) as f64 * shares.len() as f64 / sum.max(1) as f64
}
