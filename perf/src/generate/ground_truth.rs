//! What is true of each flow: the table beside a capture.
//!
//! One line a flow, in order of their ends; the columns of conn.log's names tell what is in the capture, those that
//! begin with `sent_` what was on the link, which is more where the capture lost packets. A flow of which nothing was
//! captured has zeros there and the time of its first packet on the link.

use std::io::{self, Write};
use std::net::IpAddr;

use itoa::Integer;

use super::flow::Flow;
use super::frame::Side;

/// Names of the columns, tab-separated.
const HEADER: &str = "#ts\tduration\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttemplate\torig_pkts\torig_ip_bytes\t\
                      orig_payload_bytes\tresp_pkts\tresp_ip_bytes\tresp_payload_bytes\tsent_orig_pkts\t\
                      sent_orig_ip_bytes\tsent_orig_payload_bytes\tsent_resp_pkts\tsent_resp_ip_bytes\t\
                      sent_resp_payload_bytes";

/// Packets of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Packets.
    pub(crate) packets: u64,
    /// Octets of IP.
    pub(crate) ip: u64,
    /// Octets of payload.
    pub(crate) payload: u64,
}

impl Count {
    fn add(&mut self, ip: u32, payload: u32) {
        self.packets += 1;
        self.ip += u64::from(ip);
        self.payload += u64::from(payload);
    }

    fn without(self, lost: Self) -> Self {
        Self {
            packets: self.packets - lost.packets,
            ip: self.ip - lost.ip,
            payload: self.payload - lost.payload,
        }
    }
}

/// Packets of a flow, the originator's first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    sent: [Count; 2],
    /// What of it is not in the capture; most flows lose nothing.
    lost: Option<Box<[Count; 2]>>,
    first: Option<u64>,
    last: u64,
}

impl Tally {
    /// Counts a packet that is captured at `time`, or lost.
    pub(crate) fn add(&mut self, side: Side, ip: u32, payload: u32, time: Option<u64>) {
        let index = side.index();
        if let Some(count) = self.sent.get_mut(index) {
            count.add(ip, payload);
        }
        match time {
            Some(time) => {
                self.first = Some(self.first.map_or(time, |first| first.min(time)));
                self.last = self.last.max(time);
            }
            None => {
                if let Some(count) = self.lost.get_or_insert_default().get_mut(index) {
                    count.add(ip, payload);
                }
            }
        }
    }

    fn captured(&self) -> [Count; 2] {
        let [orig, resp] = self.sent;
        match self.lost.as_deref() {
            Some([orig_lost, resp_lost]) => [orig.without(*orig_lost), resp.without(*resp_lost)],
            None => [orig, resp],
        }
    }
}

/// Sums over all flows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Flows that were on the link.
    pub flows: u64,
    /// Packets on the link.
    pub sent: u64,
    /// Packets in the capture.
    pub captured: u64,
}

/// Writes the table.
#[derive(Debug)]
pub(crate) struct GroundTruth<W> {
    output: W,
    totals: Totals,
    line: Vec<u8>,
}

impl<W: Write> GroundTruth<W> {
    /// Writes the header.
    pub(crate) fn new(mut output: W) -> io::Result<Self> {
        writeln!(output, "{HEADER}")?;
        Ok(Self { output, totals: Totals::default(), line: Vec::with_capacity(256) })
    }

    /// Writes the line of a flow that has ended.
    pub(crate) fn flow(&mut self, flow: &Flow) -> io::Result<()> {
        let Flow { ends, tally, start, .. } = flow;
        let [orig_port, resp_port] = ends.ports;
        let captured = tally.captured();
        let first = tally.first.unwrap_or(*start);
        let (start, duration) = (first / 1000, tally.last.max(first) / 1000 - first / 1000);
        let line = &mut self.line;
        line.clear();
        seconds(line, start);
        line.push(b'\t');
        seconds(line, duration);
        for (side, port) in [(Side::Originator, orig_port), (Side::Responder, resp_port)] {
            line.push(b'\t');
            address(line, ends.address(side));
            line.push(b'\t');
            number(line, port);
        }
        for text in [flow.protocol().name(), flow.label()] {
            line.push(b'\t');
            line.extend_from_slice(text.as_bytes());
        }
        for count in captured.iter().chain(&tally.sent) {
            for value in [count.packets, count.ip, count.payload] {
                line.push(b'\t');
                number(line, value);
            }
        }
        line.push(b'\n');
        self.totals.flows += 1;
        self.totals.sent += tally.sent.iter().map(|count| count.packets).sum::<u64>();
        self.totals.captured += captured.iter().map(|count| count.packets).sum::<u64>();
        self.output.write_all(&self.line)
    }

    /// Passes on what is buffered.
    pub(crate) fn finish(mut self) -> io::Result<Totals> {
        self.output.flush()?;
        Ok(self.totals)
    }
}

fn number(line: &mut Vec<u8>, value: impl Integer) {
    line.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Microseconds as seconds with six decimals.
fn seconds(line: &mut Vec<u8>, micros: u64) {
    number(line, micros / 1_000_000);
    line.push(b'.');
    let fraction = micros % 1_000_000;
    // A digit in front keeps the zeros.
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(fraction + 1_000_000);
    line.extend_from_slice(digits.as_bytes().get(1..).unwrap_or_default());
}

fn address(line: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    line.push(b'.');
                }
                number(line, octet);
            }
        }
        // Writing to a vector cannot fail.
        IpAddr::V6(address) => drop(write!(line, "{address}")),
    }
}
