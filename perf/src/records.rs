//! Records from their values to the disk: encoded as JSON, appended to a spool, flushed.
//!
//! Does what the worker and the housekeeping thread of the sensor do with a record, in one thread. Beside it, in
//! turn, the same octets in the same blocks, without encoding: what only writing costs.

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use baleen_perf::cpu;
use baleen_perf::results::Document;
use baleen_perf::spread::Spread;
use record::{
    Addr, Conn, Endpoints, Format, IdSource, Interval, LogSet, Proto, RecordBuffer, Time, Uid, community_id,
};
use serde::Serialize;
use spool::{Block, SpoolWriter};
use tempfile::TempDir;
use worker::{Limiter, seeded_id_key};

use crate::Outcome;
use crate::synthetic::Random;
use crate::terminal;

/// Octets after which a worker hands its records over, as in the sensor.
const FULL: usize = 256 << 10;
/// Octets after which a block is written, as in the sensor.
const BLOCK: usize = 1 << 20;
/// Different connections that records are made of; times differ in all.
const CONNECTIONS: usize = 4096;
/// Time of the first record.
const START: u64 = 1_700_000_000_000_000_000;

/// Arguments of `baleen-perf records`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Records of a lap
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u32).range(1..))]
    records: u32,
    /// Laps
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    laps: u16,
    /// Where spools are made, and removed again: on the disk to be measured. By default where temporary files are
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Fail when there are fewer records per CPU-second (median)
    #[arg(long, value_name = "N")]
    at_least: Option<f64>,
    /// Write the results here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Settings {
    records: u32,
    laps: u16,
}

#[derive(Debug, Serialize)]
struct Line {
    records_per_cpu_second: Spread,
    /// CPU time of a record, in nanoseconds: encoded, in the spool, on the disk.
    ns_per_record: Spread,
    /// The same of ready-made records.
    ns_per_ready_record: Spread,
    /// The one as so many times the other, in the same lap.
    ratio: Spread,
    /// Octets of a record.
    octets_per_record: f64,
}

/// Runs the verb.
pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let Arguments { records, laps, .. } = *arguments;
    let directory = arguments.directory.clone().unwrap_or_else(std::env::temp_dir);
    let connections = connections();
    let mut octets = 0;
    let (mut costs, mut ready_costs) = (Vec::new(), Vec::new());
    for lap in 0..laps {
        let (time, written) = measured(&directory, |spool| encode(spool, &connections, records, lap))?;
        octets = written;
        costs.push(cpu::nanoseconds_each(time, records.into()));
        let block = ready_made(&connections);
        let (time, _) = measured(&directory, |spool| copy(spool, &block, octets))?;
        ready_costs.push(cpu::nanoseconds_each(time, records.into()));
    }
    let line = Line {
        records_per_cpu_second: Spread::of(costs.iter().map(|ns| 1e9 / ns)),
        ratio: Spread::of_ratios(&costs, &ready_costs),
        ns_per_record: Spread::of(costs),
        ns_per_ready_record: Spread::of(ready_costs),
        octets_per_record: octets as f64 / f64::from(records),
    };
    let good = arguments.at_least.is_none_or(|least| line.records_per_cpu_second.median >= least);
    let text = text(&line, arguments, &directory, good);
    Document::new("records", Settings { records, laps }, vec![line]).write(arguments.json.as_deref())?;
    Ok((text, good))
}

/// Has a spool written and brought to the disk; the CPU time for both, and the octets of records.
fn measured(
    directory: &Path,
    write: impl FnOnce(&mut SpoolWriter) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(Duration, u64), Box<dyn std::error::Error>> {
    let spool = TempDir::with_prefix_in("baleen-perf.", directory).map_err(|error| {
        io::Error::new(error.kind(), format!("{}: no spool can be made here: {error}", directory.display()))
    })?;
    let before = cpu::thread()?;
    let mut writer = SpoolWriter::open(spool::Settings::new(spool.path(), u64::MAX))?;
    write(&mut writer)?;
    writer.seal()?;
    for entry in fs::read_dir(spool.path())? {
        File::open(entry?.path())?.sync_all()?;
    }
    let time = cpu::thread()?.saturating_sub(before);
    Ok((time, writer.counters().bytes))
}

/// Encodes records and appends them: a worker's buffer, then blocks of the spool.
fn encode(
    spool: &mut SpoolWriter,
    connections: &[Connection],
    records: u32,
    lap: u16,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut buffer = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
    let mut limiter = Limiter::default();
    let mut block = Vec::with_capacity(BLOCK);
    let start = START + u64::from(lap) * u64::from(records) * 1000;
    for (connection, number) in connections.iter().cycle().zip(0..u64::from(records)) {
        let time = Time(start + number * 1000);
        buffer.at(number, time);
        buffer.emit(&connection.record(time));
        if buffer.byte_len() >= FULL {
            take(&mut buffer, &mut limiter, &mut block, spool)?;
        }
    }
    take(&mut buffer, &mut limiter, &mut block, spool)?;
    if !block.is_empty() {
        spool.append(Block::new(&block)?)?;
    }
    Ok(())
}

/// What the housekeeping thread does with a worker's records.
fn take(
    buffer: &mut RecordBuffer,
    limiter: &mut Limiter,
    block: &mut Vec<u8>,
    spool: &mut SpoolWriter,
) -> Result<(), Box<dyn std::error::Error>> {
    for (entry, line) in buffer.iter() {
        if !limiter.admits(entry) {
            continue;
        }
        block.extend_from_slice(line);
        if block.len() >= BLOCK {
            spool.append(Block::new(block)?)?;
            block.clear();
        }
    }
    buffer.clear();
    Ok(())
}

/// A block of records.
fn ready_made(connections: &[Connection]) -> Vec<u8> {
    let mut buffer = RecordBuffer::new(Format::JsonWithPath, LogSet::ALL);
    let mut block = Vec::new();
    for connection in connections.iter().cycle() {
        buffer.emit(&connection.record(Time(START)));
        buffer.iter().for_each(|(_, line)| block.extend_from_slice(line));
        buffer.clear();
        if block.len() >= BLOCK {
            break;
        }
    }
    block
}

/// Appends a block until there are so many octets.
fn copy(spool: &mut SpoolWriter, block: &[u8], octets: u64) -> Result<(), Box<dyn std::error::Error>> {
    while spool.counters().bytes < octets {
        spool.append(Block::new(block)?)?;
    }
    Ok(())
}

/// The values of a record.
#[derive(Debug)]
struct Connection {
    uid: Uid,
    id: Endpoints,
    proto: Proto,
    service: Option<&'static [u8]>,
    state: &'static str,
    history: &'static str,
    duration: Interval,
    octets: [u64; 2],
    packets: [u64; 2],
    community_id: String,
}

/// Connections of different kinds and sizes, the same in every run.
fn connections() -> Vec<Connection> {
    let ids = IdSource::new(seeded_id_key(1));
    let mut random = Random::below(1 << 32);
    let mut number = || random.next().unwrap_or(0);
    (0..CONNECTIONS)
        .map(|index| {
            let kind = index % 4;
            let (proto, port, service, state, history): (_, _, Option<&'static [u8]>, _, _) = match kind {
                0 => (Proto::Udp, 53, Some(b"dns"), "SF", "Dd"),
                1 => (Proto::Tcp, 443, Some(b"ssl"), "SF", "ShADadFf"),
                2 => (Proto::Tcp, 22, None, "S0", "S"),
                _ => (Proto::Tcp, 80, Some(b"http"), "RSTO", "ShADadR"),
            };
            let address = |number: u64| Addr::v4(Ipv4Addr::from(number as u32).octets());
            let id = Endpoints {
                orig_h: address(number()),
                orig_p: number() as u16,
                resp_h: address(number()),
                resp_p: port,
            };
            let protocol = if proto == Proto::Udp { 17 } else { 6 };
            Connection {
                uid: ids.uid(Time(START), &id, protocol, index as u64),
                id,
                proto,
                service,
                state,
                history,
                duration: Interval(number() * 10),
                octets: [number() >> 20, number() >> 12],
                packets: [number() >> 26, number() >> 24],
                community_id: community_id(0, &id, protocol, false),
            }
        })
        .collect()
}

impl Connection {
    fn record(&self, ts: Time) -> Conn<'_> {
        let [orig_bytes, resp_bytes] = self.octets;
        let [orig_pkts, resp_pkts] = self.packets;
        Conn {
            ts,
            uid: self.uid,
            id: self.id,
            proto: self.proto,
            service: self.service,
            duration: Some(self.duration),
            orig_bytes: Some(orig_bytes),
            resp_bytes: Some(resp_bytes),
            conn_state: Some(self.state),
            local_orig: Some(true),
            local_resp: Some(false),
            missed_bytes: 0,
            history: Some(self.history),
            orig_pkts: Some(orig_pkts),
            orig_ip_bytes: Some(orig_bytes + orig_pkts * 40),
            resp_pkts: Some(resp_pkts),
            resp_ip_bytes: Some(resp_bytes + resp_pkts * 40),
            tunnel_parents: None,
            ip_proto: Some(if self.proto == Proto::Udp { 17 } else { 6 }),
            community_id: Some(&self.community_id),
            vlan: None,
            inner_vlan: None,
        }
    }
}

fn text(line: &Line, arguments: &Arguments, directory: &Path, good: bool) -> String {
    let Arguments { records, laps, .. } = arguments;
    let mut text = format!(
        "{laps} laps of {records} conn records of {:.0} octets into a spool in {}, brought to the disk at the end of \
         each; CPU time of the thread, median (least to most)\n\n",
        line.octets_per_record,
        directory.display()
    );
    let limit = terminal::at_least(arguments.at_least, good);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:24} {:.0}{limit}", "records/CPU-second", line.records_per_cpu_second);
    let _ = writeln!(text, "{:24} {:.0}", "ns/record", line.ns_per_record);
    let _ = writeln!(text, "{:24} {:.0}", "ns/ready-made record", line.ns_per_ready_record);
    let _ = writeln!(text, "{:24} {:.2}", "ratio", line.ratio);
    text
}
