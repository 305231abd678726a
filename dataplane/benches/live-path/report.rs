//! The results, as JSON and as tables.

use std::fmt;

use baleen_perf::results::Document;
use baleen_perf::spread::Spread;
use serde::Serialize;

use crate::measure::{Measured, Settings};
use crate::stage::{Records, Stage};

/// The results, and what stands above them on the terminal.
#[derive(Debug)]
pub(crate) struct Report {
    /// What the JSON file holds.
    pub(crate) document: Document<ReportSettings, Line>,
    captures: Vec<Heading>,
}

/// How it was run.
#[derive(Debug, Serialize)]
pub(crate) struct ReportSettings {
    #[serde(flatten)]
    settings: Settings,
    /// Whether packets lay on huge pages.
    huge_pages: bool,
}

/// What stands above the lines of a capture.
#[derive(Debug)]
struct Heading {
    capture: String,
    packets: u64,
    octets: u64,
    ticks_per_second: f64,
}

/// One stage of one capture.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    capture: String,
    stage: Stage,
    /// All up to and with this stage, in nanoseconds of CPU time a packet.
    ns_per_packet: Spread,
    /// This stage alone: the differences between laps of the same number.
    added_ns_per_packet: Spread,
    /// The same in ticks of the time stamp counter.
    cycles_per_packet: f64,
    added_cycles_per_packet: f64,
    packets_per_second: f64,
    /// Of the frames' octets, without preamble, check sequence and gap.
    gbit_per_second: f64,
    connections: Option<u64>,
    records: Records,
}

impl Report {
    /// Of these captures.
    pub(crate) fn new(settings: Settings, huge_pages: bool, measured: Vec<Measured>) -> Self {
        let mut report = Self {
            document: Document::new("live-path", ReportSettings { settings, huge_pages }, Vec::new()),
            captures: Vec::new(),
        };
        for capture in measured {
            report.add(capture);
        }
        report
    }

    fn add(&mut self, measured: Measured) {
        let Measured { capture, packets, octets, ticks_per_second, stages } = measured;
        let ticks_per_ns = ticks_per_second / 1e9;
        let octets_per_packet = octets as f64 / packets.max(1) as f64;
        let mut before = vec![0.0; stages.first().map_or(0, |stage| stage.ns_per_packet.len())];
        for stage in stages {
            let laps = stage.ns_per_packet;
            let added = Spread::of(laps.iter().zip(&before).map(|(this, before)| this - before));
            let all = Spread::of(laps.iter().copied());
            before = laps;
            self.document.results.push(Line {
                capture: capture.clone(),
                stage: stage.stage,
                ns_per_packet: all,
                added_ns_per_packet: added,
                cycles_per_packet: all.median * ticks_per_ns,
                added_cycles_per_packet: added.median * ticks_per_ns,
                packets_per_second: 1e9 / all.median,
                gbit_per_second: octets_per_packet * 8.0 / all.median,
                connections: stage.connections,
                records: stage.records,
            });
        }
        self.captures.push(Heading { capture, packets, octets, ticks_per_second });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pages =
            if self.document.settings.huge_pages { "huge pages" } else { "ordinary pages (--no-huge)" };
        let Settings { laps, warm_up, pause, ring, hash_files } = self.document.settings.settings;
        let hashes = if hash_files { "with" } else { "without" };
        writeln!(
            f,
            "packets on {pages}; {laps} laps of each stage in turn after {warm_up} to warm up, {pause} s of packet \
             time between laps, ring of {ring}, {hashes} digests of files; CPU time of the receiving side, median (least to most)\n"
        )?;
        for Heading { capture, packets, octets, ticks_per_second } in &self.captures {
            writeln!(
                f,
                "{capture}: {packets} packets of {:.0} octets on average; time stamp counter {:.3} GHz\n",
                *octets as f64 / (*packets).max(1) as f64,
                ticks_per_second / 1e9
            )?;
            writeln!(
                f,
                "{:18} {:>26} {:>26} {:>8} {:>8} {:>7} {:>7} {:>11}",
                "", "ns/packet", "this stage alone", "cycles", "alone", "Mpps", "Gbit/s", "connections"
            )?;
            for line in self.document.results.iter().filter(|line| line.capture == *capture) {
                writeln!(
                    f,
                    "{:18} {:>26} {:>26} {:>8.0} {:>8.0} {:>7.2} {:>7.1} {:>11}",
                    line.stage.name(),
                    format!("{:.1}", line.ns_per_packet),
                    format!("{:.1}", line.added_ns_per_packet),
                    line.cycles_per_packet,
                    line.added_cycles_per_packet,
                    line.packets_per_second / 1e6,
                    line.gbit_per_second,
                    line.connections.map_or_else(String::new, |count| count.to_string()),
                )?;
            }
            let records = self
                .document
                .results
                .iter()
                .find(|line| line.capture == *capture && line.stage == Stage::Records)
                .map_or(Records::default(), |line| line.records);
            writeln!(
                f,
                "\n{} records a lap, {:.0} octets each\n",
                records.count / u64::from(laps.max(1)),
                records.octets as f64 / records.count.max(1) as f64
            )?;
        }
        Ok(())
    }
}
