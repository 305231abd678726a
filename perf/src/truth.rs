//! Whether conn.log tells what really was in a generated capture: a sensor that drops flows must not win.
//!
//! The ground truth is a table with one line a flow, tab-separated, with a header line of column names that begins
//! with `#`; the names are those of conn.log.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The transport protocol and the two ends, in ascending order.
type Key = (String, [(IpAddr, u16); 2]);

/// What must be equal: start in microseconds, and packets and IP octets by direction, from the originator first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flow {
    originator: (IpAddr, u16),
    start: i64,
    packets: [u64; 2],
    octets: [u64; 2],
}

/// Starts may differ by so many microseconds, for rounding.
const START_TOLERANCE: u64 = 2;

/// The fields of a record of conn.log that count.
#[derive(Debug, Deserialize)]
struct Conn {
    ts: f64,
    #[serde(rename = "id.orig_h")]
    orig_h: IpAddr,
    #[serde(rename = "id.orig_p")]
    orig_p: u16,
    #[serde(rename = "id.resp_h")]
    resp_h: IpAddr,
    #[serde(rename = "id.resp_p")]
    resp_p: u16,
    proto: String,
    orig_pkts: u64,
    orig_ip_bytes: u64,
    resp_pkts: u64,
    resp_ip_bytes: u64,
}

/// A table or log that cannot be read.
#[derive(Debug, Error)]
pub(crate) enum TruthError {
    /// The table has no such column.
    #[error("the ground truth has no column {0}")]
    Column(&'static str),
    /// A value of the table is none.
    #[error("line {line} of the ground truth: {column} is {value:?}")]
    Value { line: usize, column: &'static str, value: String },
    /// A record is none.
    #[error("line {line} of conn.log: {source}")]
    Record { line: usize, source: serde_json::Error },
}

/// How a log compares with the truth.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Comparison {
    /// Flows in the capture.
    pub(crate) flows: usize,
    /// With one record, equal in everything.
    pub(crate) exact: usize,
    /// With one record, equal but for who began.
    pub(crate) turned: usize,
    /// With one record, other counts.
    pub(crate) different: usize,
    /// With several records.
    pub(crate) split: usize,
    /// Without a record.
    pub(crate) missing: usize,
}

impl Comparison {
    /// Percent of the flows that are logged exactly.
    pub(crate) fn exact_percent(&self) -> f64 {
        self.exact as f64 * 100.0 / self.flows.max(1) as f64
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flows, exact, turned, different, split, missing } = self;
        let share = self.exact_percent();
        write!(
            f,
            "{flows} flows: {exact} logged exactly ({share:.2} %), {turned} turned around, {different} with other \
             counts, {split} in several records, {missing} missing"
        )
    }
}

/// Compares a conn.log in JSON with the ground truth.
pub(crate) fn compare(truth: &str, log: &str) -> Result<Comparison, TruthError> {
    let mut logged: HashMap<Key, Vec<Flow>> = HashMap::new();
    for (index, line) in log.lines().enumerate() {
        let conn: Conn =
            serde_json::from_str(line).map_err(|source| TruthError::Record { line: index + 1, source })?;
        let originator = (conn.orig_h, conn.orig_p);
        let flow = Flow {
            originator,
            start: (conn.ts * 1e6).round() as i64,
            packets: [conn.orig_pkts, conn.resp_pkts],
            octets: [conn.orig_ip_bytes, conn.resp_ip_bytes],
        };
        logged.entry(key(conn.proto, originator, (conn.resp_h, conn.resp_p))).or_default().push(flow);
    }
    let mut comparison = Comparison::default();
    for (key, flow) in flows(truth)? {
        comparison.flows += 1;
        let count = match logged.get(&key).map(Vec::as_slice) {
            None | Some([]) => &mut comparison.missing,
            Some([found]) if found.is(&flow) => &mut comparison.exact,
            Some([found]) if found.turned(&key).is(&flow) => &mut comparison.turned,
            Some([_]) => &mut comparison.different,
            Some(_) => &mut comparison.split,
        };
        *count += 1;
    }
    Ok(comparison)
}

fn key(proto: String, a: (IpAddr, u16), b: (IpAddr, u16)) -> Key {
    (proto, if a <= b { [a, b] } else { [b, a] })
}

impl Flow {
    fn is(&self, other: &Self) -> bool {
        let Self { originator, start, packets, octets } = *self;
        (originator, packets, octets) == (other.originator, other.packets, other.octets)
            && start.abs_diff(other.start) <= START_TOLERANCE
    }

    /// The same flow seen from the other end.
    fn turned(mut self, (_, [a, b]): &Key) -> Self {
        self.originator = if self.originator == *a { *b } else { *a };
        self.packets.reverse();
        self.octets.reverse();
        self
    }
}

/// The flows of the table.
fn flows(truth: &str) -> Result<Vec<(Key, Flow)>, TruthError> {
    let mut lines = truth.lines().enumerate();
    let header = lines.next().map_or("", |(_, line)| line.trim_start_matches('#'));
    let table = Table { names: header.split('\t').collect() };
    let mut flows = Vec::new();
    for (index, line) in lines {
        let row = Row { table: &table, line: index + 1, values: line.split('\t').collect() };
        let originator = (row.get("id.orig_h")?, row.get("id.orig_p")?);
        let responder = (row.get("id.resp_h")?, row.get("id.resp_p")?);
        let flow = Flow {
            originator,
            start: (row.get::<f64>("ts")? * 1e6).round() as i64,
            packets: [row.get("orig_pkts")?, row.get("resp_pkts")?],
            octets: [row.get("orig_ip_bytes")?, row.get("resp_ip_bytes")?],
        };
        // A capture that lost all packets of a flow says nothing of it.
        if flow.packets != [0, 0] {
            flows.push((key(row.get("proto")?, originator, responder), flow));
        }
    }
    Ok(flows)
}

struct Table<'t> {
    names: Vec<&'t str>,
}

struct Row<'t> {
    table: &'t Table<'t>,
    line: usize,
    values: Vec<&'t str>,
}

impl Row<'_> {
    fn get<T: std::str::FromStr>(&self, column: &'static str) -> Result<T, TruthError> {
        let index =
            self.table.names.iter().position(|name| *name == column).ok_or(TruthError::Column(column))?;
        let value = self.values.get(index).copied().unwrap_or_default();
        value.parse().map_err(|_| TruthError::Value { line: self.line, column, value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "#ts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_pkts\torig_ip_bytes\t\
                          resp_pkts\tresp_ip_bytes";

    fn truth(ports: &[u16]) -> String {
        let row = |port| format!("10.5\t192.0.2.1\t{port}\t192.0.2.9\t80\ttcp\t3\t120\t2\t80");
        [HEADER.to_owned()].into_iter().chain(ports.iter().map(row)).collect::<Vec<_>>().join("\n")
    }

    fn conn(orig: (&str, u16), resp: (&str, u16), packets: (u64, u64)) -> String {
        let (orig_bytes, resp_bytes) = (packets.0 * 40, packets.1 * 40);
        format!(
            "{{\"ts\":10.500001,\"id.orig_h\":\"{}\",\"id.orig_p\":{},\"id.resp_h\":\"{}\",\"id.resp_p\":{},\
             \"proto\":\"tcp\",\"orig_pkts\":{},\"orig_ip_bytes\":{orig_bytes},\"resp_pkts\":{},\
             \"resp_ip_bytes\":{resp_bytes}}}\n",
            orig.0, orig.1, resp.0, resp.1, packets.0, packets.1
        )
    }

    #[test]
    fn every_flow_is_counted_in_one_way() {
        let (client, server) = ("192.0.2.1", ("192.0.2.9", 80));
        let log = [
            conn((client, 1), server, (3, 2)),
            conn(server, (client, 2), (2, 3)),
            conn((client, 3), server, (3, 1)),
            conn((client, 4), server, (3, 1)),
            conn((client, 4), server, (0, 1)),
        ]
        .concat();
        let expected = Comparison { flows: 5, exact: 1, turned: 1, different: 1, split: 1, missing: 1 };
        assert_eq!(compare(&truth(&[1, 2, 3, 4, 5]), &log).unwrap(), expected);
    }

    #[test]
    fn a_flow_that_the_capture_lost_is_not_missed() {
        let lost = truth(&[1]).replace("\t3\t120\t2\t80", "\t0\t0\t0\t0");
        assert_eq!(compare(&lost, "").unwrap(), Comparison::default());
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let text = |truth: &str, log: &str| compare(truth, log).unwrap_err().to_string();
        assert_eq!(text("#ts\n1", ""), "the ground truth has no column id.orig_h");
        let wrong = truth(&[1]).replace("\t120\t", "\tmany\t");
        assert_eq!(text(&wrong, ""), "line 2 of the ground truth: orig_ip_bytes is \"many\"");
        assert!(text(HEADER, "{}").starts_with("line 1 of conn.log: missing field"));
    }
}
