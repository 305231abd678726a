//! What must hold, beside what was measured.

use std::fmt;

use baleen_perf::spread::Spread;
use serde::Serialize;

use crate::rounds::Measured;
use crate::sensor;
use crate::truth::Comparison;

/// Percent of a capture's flows that must be logged exactly.
const EXACT_PERCENT: f64 = 99.9;
/// Most CPU time of two workers, times that of one.
const TWO_WORKERS: f64 = 1.05;

/// What is measured against what.
#[derive(Debug, Clone, Copy)]
struct Target {
    mix: &'static str,
    /// Whether the sensor hashes files.
    file_hashes: bool,
    against: Against,
    bound: Bound,
    /// A better value that is wanted, but not required.
    aim: Option<f64>,
}

/// The other side of a ratio.
#[derive(Debug, Clone, Copy)]
enum Against {
    /// A row of the same rounds.
    Row(&'static str),
    /// A program that this distribution has no package of: its cost in microseconds a packet is quoted from a run on
    /// another such machine where it is not installed here.
    Quoted { row: &'static str, microseconds: f64 },
}

/// What a ratio must be.
#[derive(Debug, Clone, Copy)]
enum Bound {
    /// The other takes at least so many times our CPU time.
    AtLeast(f64),
    /// We take at most so many times the other's.
    AtMost(f64),
}

/// Name of the row that Suricata's figures are taken from: its run mode that costs less.
pub(crate) const SURICATA: &str = "suricata, single";
/// Name of Zeek's row.
pub(crate) const ZEEK: &str = "zeek";
/// Name of the yardstick's row.
const FLOOR: &str = "floor";

const ZEEK_CAMPUS: Against = Against::Quoted { row: ZEEK, microseconds: 14.0 };
const ZEEK_SFR: Against = Against::Quoted { row: ZEEK, microseconds: 9.0 };

const TARGETS: [Target; 8] = [
    target("campus", false, Against::Row(SURICATA), Bound::AtLeast(6.0), Some(10.0)),
    target("campus", false, ZEEK_CAMPUS, Bound::AtLeast(30.0), Some(50.0)),
    target("campus", true, Against::Row(SURICATA), Bound::AtLeast(3.0), None),
    target("campus", true, ZEEK_CAMPUS, Bound::AtLeast(15.0), None),
    target("sfr", false, Against::Row(SURICATA), Bound::AtLeast(6.0), None),
    target("sfr", false, ZEEK_SFR, Bound::AtLeast(18.0), None),
    target("sfr", false, Against::Row(FLOOR), Bound::AtMost(4.0), Some(3.0)),
    target("syn-scan", false, Against::Row(SURICATA), Bound::AtLeast(10.0), None),
];

const fn target(
    mix: &'static str,
    file_hashes: bool,
    against: Against,
    bound: Bound,
    aim: Option<f64>,
) -> Target {
    Target { mix, file_hashes, against, bound, aim }
}

/// New flows that a SYN scan must bring each CPU-second.
const SYN_SCAN_FLOWS: f64 = 1e6;

/// A target and what became of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    /// What must hold.
    target: String,
    /// What was measured.
    measured: Spread,
    hit: bool,
    /// Whether the better value is reached, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    aim_hit: Option<bool>,
    /// Whether one side is quoted instead of measured.
    quoted: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, measured, hit, aim_hit, quoted } = self;
        let word = match (hit, aim_hit) {
            (false, _) => "MISS",
            (true, Some(true)) => "hit, and the aim",
            (true, _) => "hit",
        };
        let quoted = if *quoted { " (the other side is quoted, not measured)" } else { "" };
        write!(f, "target: {target}: {measured}{quoted}: {word}")
    }
}

/// The targets of a run beside other programs.
pub(crate) fn of_the_peers(measured: &Measured) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = TARGETS.iter().filter_map(|target| target.judge(measured)).collect();
    verdicts.extend(new_flows(measured));
    verdicts.extend(truth(measured));
    verdicts
}

/// The targets of a run of the sensor alone.
pub(crate) fn of_the_process(measured: &Measured, workers: u16) -> Vec<Verdict> {
    let floor = TARGETS.iter().filter(|target| matches!(target.against, Against::Row(FLOOR)));
    let mut verdicts: Vec<Verdict> = floor.filter_map(|target| target.judge(measured)).collect();
    if workers >= 2
        && let Some(ratio) = measured.ratio(&sensor::name(2, false), &sensor::name(1, false))
    {
        verdicts.push(Verdict {
            target: format!("two workers take at most {TWO_WORKERS} times the CPU time of one"),
            measured: ratio,
            hit: ratio.median <= TWO_WORKERS,
            aim_hit: None,
            quoted: false,
        });
    }
    verdicts.extend(new_flows(measured));
    verdicts.extend(truth(measured));
    verdicts
}

/// Whether conn.log is true to the capture in every configuration, as far as the truth is known.
pub(crate) fn is_true(measured: &Measured) -> bool {
    truth(measured).is_none_or(|verdict| verdict.hit)
}

impl Target {
    /// `None` where one side was not run.
    fn judge(&self, measured: &Measured) -> Option<Verdict> {
        if measured.mix != self.mix {
            return None;
        }
        let ours = sensor::name(1, self.file_hashes);
        let (name, others, quoted) = match self.against {
            Against::Row(name) => (name, measured.row(name)?.cpu_seconds.clone(), false),
            Against::Quoted { row, microseconds } => match measured.row(row) {
                Some(measured) => (row, measured.cpu_seconds.clone(), false),
                None => {
                    let seconds = microseconds / 1e6 * measured.packets as f64;
                    (row, vec![seconds; measured.row(&ours)?.cpu_seconds.len()], true)
                }
            },
        };
        let own = &measured.row(&ours)?.cpu_seconds;
        let (ratio, text, meets): (_, _, fn(f64, f64) -> bool) = match self.bound {
            Bound::AtLeast(times) => (
                Spread::of_ratios(&others, own),
                format!("{}: {name} takes at least {times} times the CPU time of {ours}", self.mix),
                |ratio, bound| ratio >= bound,
            ),
            Bound::AtMost(times) => (
                Spread::of_ratios(own, &others),
                format!("{}: {ours} takes at most {times} times the CPU time of {name}", self.mix),
                |ratio, bound| ratio <= bound,
            ),
        };
        let (Bound::AtLeast(bound) | Bound::AtMost(bound)) = self.bound;
        let aim = self.aim.map(|aim| format!(" (aim {aim})")).unwrap_or_default();
        Some(Verdict {
            target: text + &aim,
            measured: ratio,
            hit: meets(ratio.median, bound),
            aim_hit: self.aim.map(|aim| meets(ratio.median, aim)),
            quoted,
        })
    }
}

/// A SYN scan has a flow and a record for each attempt.
fn new_flows(measured: &Measured) -> Option<Verdict> {
    if measured.mix != "syn-scan" {
        return None;
    }
    let row = measured.row(&sensor::name(1, false))?;
    let flows = *row.records.get("conn")? as f64;
    let rate = Spread::of(row.cpu_seconds.iter().map(|seconds| flows / seconds / 1e6));
    Some(Verdict {
        target: format!("syn-scan: {} million flows or more a CPU-second", SYN_SCAN_FLOWS / 1e6),
        measured: rate,
        hit: rate.median * 1e6 >= SYN_SCAN_FLOWS,
        aim_hit: None,
        quoted: false,
    })
}

/// The configuration that is least true decides.
fn truth(measured: &Measured) -> Option<Verdict> {
    let shares: Vec<f64> = measured
        .programs
        .iter()
        .filter_map(|row| row.truth.as_ref())
        .map(Comparison::exact_percent)
        .collect();
    if shares.is_empty() {
        return None;
    }
    let measured_share = Spread::of(shares);
    Some(Verdict {
        target: format!("{}: at least {EXACT_PERCENT} % of the flows are logged exactly", measured.mix),
        measured: measured_share,
        hit: measured_share.least >= EXACT_PERCENT,
        aim_hit: None,
        quoted: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::{Records, Row};

    fn measured(mix: &str, rows: &[(&str, f64)]) -> Measured {
        let row = |(name, seconds): &(&str, f64)| Row {
            name: (*name).to_owned(),
            command: String::new(),
            cpu_seconds: vec![*seconds; 3],
            startup_cpu_seconds: vec![0.0; 3],
            microseconds_per_packet: Spread::of([*seconds]),
            packets_per_cpu_second: 1.0,
            octets_per_cpu_second: 1.0,
            records_per_cpu_second: 1.0,
            records: Records::from([("conn".to_owned(), 1_500_000)]),
            truth: None,
        };
        let programs = rows.iter().map(row).collect();
        Measured { mix: mix.to_owned(), packets: 1_000_000, octets: 1, programs }
    }

    fn lines(verdicts: &[Verdict]) -> String {
        verdicts.iter().flat_map(|verdict| [verdict.to_string(), "\n".to_owned()]).collect()
    }

    #[test]
    fn targets_are_hit_or_missed_and_what_is_quoted_is_told() {
        let campus = measured("campus", &[("baleen", 0.4), ("baleen, file hashes", 1.0), (SURICATA, 2.8)]);
        let text = lines(&of_the_peers(&campus));
        assert!(text.contains("baleen (aim 10): 7.00 (7.00 to 7.00): hit\n"), "{text}");
        assert!(text.contains("baleen, file hashes: 2.80 (2.80 to 2.80): MISS\n"), "{text}");
        assert!(text.contains(
            "baleen (aim 50): 35.00 (35.00 to 35.00) (the other side is quoted, not measured): hit\n"
        ));
        let with_zeek = measured("campus", &[("baleen", 0.4), (ZEEK, 4.0)]);
        let text = lines(&of_the_peers(&with_zeek));
        assert!(
            text.contains("(aim 50): 10.00 (10.00 to 10.00): MISS\n") && !text.contains(SURICATA),
            "{text}"
        );
    }

    #[test]
    fn the_floor_bounds_from_above_and_workers_are_compared() {
        let sfr = measured("sfr", &[("baleen", 0.29), ("baleen, 2 workers", 0.30), (FLOOR, 0.1)]);
        let text = lines(&of_the_process(&sfr, 2));
        assert!(text.contains("of floor (aim 3): 2.90 (2.90 to 2.90): hit, and the aim\n"), "{text}");
        assert!(text.contains("of one: 1.03 (1.03 to 1.03): hit\n"), "{text}");
    }

    #[test]
    fn a_scan_has_its_rate_and_a_false_log_is_no_success() {
        let mut scan = measured("syn-scan", &[("baleen", 1.0)]);
        assert!(lines(&of_the_process(&scan, 1)).contains("a CPU-second: 1.50 (1.50 to 1.50): hit\n"));
        assert!(is_true(&scan), "nothing is known");
        let truth = Comparison { flows: 1000, exact: 998, missing: 2, ..Comparison::default() };
        scan.programs.iter_mut().for_each(|row| row.truth = Some(truth.clone()));
        assert!(!is_true(&scan));
    }
}
