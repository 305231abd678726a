//! Where workers write their records: encoded bytes, with what is needed to route and merge them.

use crate::text;
use crate::{Limit, Log, Time};

/// How records are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One JSON object a line, Zeek's field names.
    #[default]
    Json,
    /// As `Json`, with the log's name as first member `_path`: the form of the spool.
    JsonWithPath,
    /// Zeek's tab-separated values.
    Tsv,
}

/// A record of one log.
pub trait Record {
    /// The log it belongs to.
    const LOG: Log;
    /// How often it may be written again, over all workers.
    fn limit(&self) -> Limit {
        Limit::default()
    }
    /// Appends the members of the JSON object, each with a leading comma.
    fn json_members(&self, out: &mut Vec<u8>);
    /// Appends the TSV columns, each with a leading tab.
    fn tsv_columns(&self, out: &mut Vec<u8>);
}

/// What is known of one encoded record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The log.
    pub log: Log,
    /// End of its bytes in the buffer; it starts where the entry before ends. The line feed is included.
    pub end: usize,
    /// Number of the frame that caused it.
    pub frame: u64,
    /// Packet time at which it was written.
    pub time: Time,
    /// See [`Record::limit`].
    pub limit: Limit,
}

/// Encoded records of one worker, in the order in which they were made.
#[derive(Debug, Default)]
pub struct RecordBuffer {
    format: Format,
    wanted: LogSet,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    frame: u64,
    time: Time,
}

/// A set of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSet(u64);

impl Default for LogSet {
    fn default() -> Self {
        Self::ALL
    }
}

impl LogSet {
    /// Every log.
    pub const ALL: Self = Self(u64::MAX);
    /// No log.
    pub const NONE: Self = Self(0);

    /// The set with `log` in it.
    #[must_use]
    pub const fn with(self, log: Log) -> Self {
        Self(self.0 | 1 << log as u32)
    }

    /// The set without `log`.
    #[must_use]
    pub const fn without(self, log: Log) -> Self {
        Self(self.0 & !(1 << log as u32))
    }

    /// Whether `log` is in the set.
    pub const fn contains(self, log: Log) -> bool {
        self.0 & (1 << log as u32) != 0
    }
}

impl RecordBuffer {
    /// An empty buffer for the logs in `wanted`; records of others are not encoded.
    pub fn new(format: Format, wanted: LogSet) -> Self {
        Self { format, wanted, ..Self::default() }
    }

    /// Says which frame the records that follow belong to.
    #[inline]
    pub fn at(&mut self, frame: u64, time: Time) {
        self.frame = frame;
        self.time = time;
    }

    /// Whether records of `log` are wanted at all.
    #[inline]
    pub const fn wants(&self, log: Log) -> bool {
        self.wanted.contains(log)
    }

    /// Encodes and keeps a record.
    pub fn emit<R: Record>(&mut self, record: &R) {
        if !self.wanted.contains(R::LOG) {
            return;
        }
        match self.format {
            Format::Json => {
                let start = self.bytes.len();
                record.json_members(&mut self.bytes);
                // Every member brings a comma in front; the first one makes place for the brace.
                if let Some(comma) = self.bytes.get_mut(start) {
                    *comma = b'{';
                } else {
                    self.bytes.push(b'{');
                }
                self.bytes.extend_from_slice(b"}\n");
            }
            Format::JsonWithPath => {
                self.bytes.extend_from_slice(b"{\"_path\":\"");
                self.bytes.extend_from_slice(R::LOG.name().as_bytes());
                self.bytes.push(b'"');
                record.json_members(&mut self.bytes);
                self.bytes.extend_from_slice(b"}\n");
            }
            Format::Tsv => {
                let start = self.bytes.len();
                record.tsv_columns(&mut self.bytes);
                if start < self.bytes.len() {
                    self.bytes.remove(start);
                }
                self.bytes.push(b'\n');
            }
        }
        self.entries.push(Entry {
            log: R::LOG,
            end: self.bytes.len(),
            frame: self.frame,
            time: self.time,
            limit: record.limit(),
        });
    }

    /// The records, each with its encoded line.
    pub fn iter(&self) -> impl Iterator<Item = (&Entry, &[u8])> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let line = self.bytes.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            (entry, line)
        })
    }

    /// Number of records kept.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no record is kept.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Octets of encoded records kept.
    pub const fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets all records; keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}

/// The header that Zeek writes on top of a TSV log. `open` is local time as `YYYY-MM-DD-HH-MM-SS`.
pub fn tsv_header(log: Log, open: &str) -> Vec<u8> {
    let fields = log.fields();
    let mut out = Vec::new();
    out.extend_from_slice(
        b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t",
    );
    text::tsv_string(log.name().as_bytes(), false, &mut out);
    out.extend_from_slice(b"\n#open\t");
    out.extend_from_slice(open.as_bytes());
    out.extend_from_slice(b"\n#fields");
    for field in &fields {
        out.push(b'\t');
        out.extend_from_slice(field.name.as_bytes());
    }
    out.extend_from_slice(b"\n#types");
    for field in &fields {
        out.push(b'\t');
        out.extend_from_slice(field.kind.as_bytes());
    }
    out.push(b'\n');
    out
}
