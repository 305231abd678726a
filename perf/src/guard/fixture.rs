//! A small capture for the guard, always the same: lookups, transfers over HTTP, attempts without an answer.

use std::net::Ipv4Addr;
use std::path::Path;

use packet::Frame;
use pcap::{Precision, WriteError, Writer};
use record::Time;

/// Times that each kind of flow occurs.
const ROUNDS: u16 = 1500;
/// Nanoseconds between two frames.
const GAP: u64 = 10_000;

const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x18;
const FIN: u8 = 0x11;

const QUERY: &[u8] =
    b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04host\x07example\x00\x00\x01\x00\x01";
const ANSWER: &[u8] =
    b"\x12\x34\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x04host\x07example\x00\x00\x01\x00\x01\
    \xc0\x0c\x00\x01\x00\x01\x00\x00\x01\x2c\x00\x04\xc6\x33\x64\x05";
const REQUEST: &[u8] = b"GET /index.html HTTP/1.1\r\nHost: host.example\r\nUser-Agent: fixture\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11200\r\n\r\n";
const SEGMENTS: u32 = 8;
const SEGMENT: usize = 1400;

/// Writes the capture.
pub(super) fn write(file: &Path) -> Result<(), WriteError> {
    let mut capture = Capture { writer: Writer::create(file, 1, Precision::Micro)?, number: 0 };
    for round in 0..ROUNDS {
        let [high, low] = round.to_be_bytes();
        let client = Ipv4Addr::new(10, 1, high, low);
        let port = 20_000 + round;
        capture.lookup(client, port)?;
        capture.transfer(client, port)?;
        capture.attempt(client, port)?;
    }
    capture.writer.finish()?;
    Ok(())
}

struct Capture {
    writer: Writer<std::io::BufWriter<std::fs::File>>,
    number: u64,
}

/// The two ends, sender first.
type Ends = [(Ipv4Addr, u16); 2];

impl Capture {
    fn lookup(&mut self, client: Ipv4Addr, port: u16) -> Result<(), WriteError> {
        let (client, server) = ((client, port), (Ipv4Addr::new(192, 0, 2, 53), 53));
        self.udp([client, server], QUERY)?;
        self.udp([server, client], ANSWER)
    }

    fn transfer(&mut self, client: Ipv4Addr, port: u16) -> Result<(), WriteError> {
        let (client, server) = ((client, port), (Ipv4Addr::new(198, 51, 100, 5), 80));
        let (up, down) = ([client, server], [server, client]);
        let asked = 1001 + REQUEST.len() as u32;
        self.tcp(up, SYN, [1000, 0], &[])?;
        self.tcp(down, SYN_ACK, [5000, 1001], &[])?;
        self.tcp(up, ACK, [1001, 5001], &[])?;
        self.tcp(up, PUSH, [1001, 5001], REQUEST)?;
        self.tcp(down, PUSH, [5001, asked], RESPONSE)?;
        let mut sent = 5001 + RESPONSE.len() as u32;
        for segment in 0..SEGMENTS {
            self.tcp(down, ACK, [sent, asked], &[b'a' + segment as u8; SEGMENT])?;
            sent += SEGMENT as u32;
            self.tcp(up, ACK, [asked, sent], &[])?;
        }
        self.tcp(down, FIN, [sent, asked], &[])?;
        self.tcp(up, FIN, [asked, sent + 1], &[])?;
        self.tcp(down, ACK, [sent + 1, asked + 1], &[])
    }

    fn attempt(&mut self, client: Ipv4Addr, port: u16) -> Result<(), WriteError> {
        self.tcp([(client, port), (Ipv4Addr::new(203, 0, 113, 7), 22)], SYN, [1, 0], &[])
    }

    fn udp(&mut self, ends: Ends, payload: &[u8]) -> Result<(), WriteError> {
        let [(_, from), (_, to)] = ends;
        let length = 8 + payload.len() as u16;
        let header = [from.to_be_bytes(), to.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
        self.ipv4(ends, 17, header, 6, payload)
    }

    fn tcp(&mut self, ends: Ends, flags: u8, [seq, ack]: [u32; 2], payload: &[u8]) -> Result<(), WriteError> {
        let [(_, from), (_, to)] = ends;
        let mut header = [from.to_be_bytes(), to.to_be_bytes()].concat();
        header.extend([seq.to_be_bytes(), ack.to_be_bytes(), [0x50, flags, 0xff, 0xff], [0; 4]].concat());
        self.ipv4(ends, 6, header, 16, payload)
    }

    /// Writes a packet whose transport header has a checksum of zero at an offset.
    fn ipv4(
        &mut self,
        [(from, _), (to, _)]: Ends,
        protocol: u8,
        mut transport: Vec<u8>,
        checksum_at: usize,
        payload: &[u8],
    ) -> Result<(), WriteError> {
        transport.extend(payload);
        let length = transport.len() as u16;
        let pseudo =
            [&from.octets()[..], &to.octets(), &[0, protocol], &length.to_be_bytes(), &transport].concat();
        fill(&mut transport, checksum_at, checksum(&pseudo));
        let mut network = vec![0x45, 0];
        network.extend((length + 20).to_be_bytes());
        network.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
        network.extend([from.octets(), to.octets()].concat());
        let sum = checksum(&network);
        fill(&mut network, 10, sum);
        let ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
        let data = [&ethernet[..], &network, &transport].concat();
        let time = Time(1_700_000_000_000_000_000 + self.number * GAP);
        self.writer.write(&Frame {
            time,
            clock: time,
            number: self.number,
            data: &data,
            wire_len: data.len() as u32,
        })?;
        self.number += 1;
        Ok(())
    }
}

fn fill(octets: &mut [u8], at: usize, value: u16) {
    if let Some(place) = octets.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// RFC 1071.
fn checksum(octets: &[u8]) -> u16 {
    let word =
        |pair: &[u8]| pair.iter().zip([8, 0]).map(|(octet, shift)| u32::from(*octet) << shift).sum::<u32>();
    let mut sum: u32 = octets.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
