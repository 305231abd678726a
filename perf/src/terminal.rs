//! What was measured, for people at a terminal.

use std::fmt::Write;

use crate::rounds::{Measured, Row};
use crate::targets::Verdict;

/// A capture's rows, records and verdicts. Ratios are to the first row.
pub(crate) fn of(measured: &Measured, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}: {} packets of {:.0} octets on average\n",
        measured.mix,
        measured.packets,
        measured.octets as f64 / measured.packets.max(1) as f64
    );
    let _ = writeln!(
        text,
        "{:34} {:>12} {:>9} {:>11} {:>24}   CPU time, times the first (without start-up)",
        "", "packets/s", "MB/s", "records/s", "microseconds/packet"
    );
    for row in &measured.programs {
        let _ = writeln!(text, "{}", line(measured, row));
    }
    text.push('\n');
    for row in &measured.programs {
        if !row.records.is_empty() {
            let counts: Vec<String> =
                row.records.iter().map(|(log, count)| format!("{log} {count}")).collect();
            let _ = writeln!(
                text,
                "records of {}: {}; {} in all",
                row.name,
                counts.join(", "),
                row.total_records()
            );
        }
        if let Some(truth) = &row.truth {
            let _ = writeln!(text, "    {truth}");
        }
    }
    if !verdicts.is_empty() {
        text.push('\n');
    }
    for verdict in verdicts {
        let _ = writeln!(text, "{verdict}");
    }
    text.push('\n');
    text
}

/// How a figure that was measured does beside the least that was asked for; nothing where nothing was.
pub(crate) fn at_least(limit: Option<f64>, good: bool) -> String {
    limit.map(|limit| format!("; {} {limit}", if good { "at least" } else { "UNDER" })).unwrap_or_default()
}

/// The same for the most.
pub(crate) fn at_most(limit: Option<f64>, good: bool) -> String {
    limit.map(|limit| format!("; {} {limit}", if good { "within" } else { "OVER" })).unwrap_or_default()
}

fn line(measured: &Measured, row: &Row) -> String {
    let first = measured.programs.first().map_or("", |row| row.name.as_str());
    let ratio = measured.ratio(&row.name, first).map(|ratio| ratio.to_string()).unwrap_or_default();
    let without = measured.ratio_without_startup(&row.name, first);
    let without = without.map(|ratio| format!(" ({:.2})", ratio.median)).unwrap_or_default();
    format!(
        "{:34} {:>12.0} {:>9.0} {:>11.0} {:>24}   {ratio}{without}",
        row.name,
        row.packets_per_cpu_second,
        row.octets_per_cpu_second / 1e6,
        row.records_per_cpu_second,
        format!("{:.3}", row.microseconds_per_packet),
    )
}
