//! The pcap format: file header, and one record after the other.
//!
//! ```text
//! file header, 24 bytes: magic | major, minor | zone | accuracy | snapshot length | link type
//! record: seconds | fraction | captured length | wire length | captured bytes
//! ```

use record::Time;

use crate::{
    error::DamageKind,
    reader::{ByteOrder, MAX_SNAPLEN, Record, RecordFormat, Step},
};

/// Length of the file header.
pub(crate) const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
/// The modified format adds interface index, protocol, packet type and padding to each record header.
const MODIFIED_RECORD_HEADER: usize = 24;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

/// Order of the two lengths in a record header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lengths {
    /// Captured length first: version 2.4.
    CapturedFirst,
    /// Wire length first: before 2.3, and 543.0.
    WireFirst,
    /// Version 2.3 was written both ways: the smaller one is the captured length.
    Unsure,
}

/// A pcap file's reader state; nothing in it changes after the file header.
#[derive(Debug)]
pub(crate) struct Classic {
    order: ByteOrder,
    record_header: usize,
    /// Nanoseconds of one unit of the fraction.
    unit: i64,
    lengths: Lengths,
    /// Captured bytes over this are not handed out.
    snaplen: u32,
    link_type: u16,
}

/// Why the file header was not accepted.
pub(crate) enum HeaderError {
    NotPcap,
    Truncated,
    Version { major: u16, minor: u16 },
}

impl Classic {
    pub(crate) fn new(file: &[u8]) -> Result<Self, HeaderError> {
        let magic = *file.first_chunk::<4>().ok_or(HeaderError::NotPcap)?;
        let (order, magic) = match (u32::from_le_bytes(magic), u32::from_be_bytes(magic)) {
            (known @ (MICROSECONDS | NANOSECONDS | MODIFIED), _) => (ByteOrder::Little, known),
            (_, known @ (MICROSECONDS | NANOSECONDS | MODIFIED)) => (ByteOrder::Big, known),
            _ => return Err(HeaderError::NotPcap),
        };
        let header = file.first_chunk::<FILE_HEADER>().ok_or(HeaderError::Truncated)?;
        let [_, version, _, _, snaplen, link_type] = header.as_chunks::<4>().0 else {
            return Err(HeaderError::Truncated);
        };
        let [v0, v1, v2, v3] = *version;
        let (major, minor) = (order.u16([v0, v1]), order.u16([v2, v3]));
        let lengths = match (major, minor) {
            (2, 0..=2) | (543, 0) => Lengths::WireFirst,
            (2, 3) => Lengths::Unsure,
            (2, 4) => Lengths::CapturedFirst,
            _ => return Err(HeaderError::Version { major, minor }),
        };
        let record_header = if magic == MODIFIED { MODIFIED_RECORD_HEADER } else { RECORD_HEADER };
        // No limit stated, or a negative one, means the largest.
        let snaplen = match order.u32(*snaplen) {
            0 => MAX_SNAPLEN,
            // In cooked mode the modified format's captures have an Ethernet header over the limit.
            limit if i32::try_from(limit).is_ok() && magic == MODIFIED => limit.saturating_add(14),
            limit if i32::try_from(limit).is_ok() => limit,
            _ => MAX_SNAPLEN,
        };
        Ok(Self {
            order,
            record_header,
            unit: if magic == NANOSECONDS { 1 } else { 1000 },
            lengths,
            snaplen,
            // The upper half holds the length of the frame check sequence.
            link_type: order.u32(*link_type) as u16,
        })
    }
}

impl RecordFormat for Classic {
    #[inline(always)]
    fn step<'w>(&mut self, window: &'w [u8]) -> Result<Step<'w>, DamageKind> {
        let Some(header) = window.first_chunk::<RECORD_HEADER>() else {
            return Ok(Step::NeedMore(self.record_header));
        };
        let [seconds, fraction, first, second] = header.as_chunks::<4>().0 else {
            return Ok(Step::NeedMore(self.record_header));
        };
        let (first, second) = (self.order.u32(*first), self.order.u32(*second));
        let (captured, wire_len) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::Unsure => (first.min(second), first.max(second)),
        };
        if captured > MAX_SNAPLEN {
            return Err(DamageKind::Oversized { captured });
        }
        let len = self.record_header + captured as usize;
        let kept = self.record_header + captured.min(self.snaplen) as usize;
        let Some(data) = window.get(..len).and_then(|record| record.get(self.record_header..kept)) else {
            return Ok(Step::NeedMore(len));
        };
        Ok(Step::Record {
            record: Record {
                time: time(self.order.u32(*seconds), self.order.u32(*fraction), self.unit),
                data,
                wire_len,
                link_type: self.link_type,
            },
            len,
        })
    }
}

/// Seconds count up to 2106; the fraction is signed, as libpcap has it, and may be over a second.
#[inline]
fn time(seconds: u32, fraction: u32, unit: i64) -> Time {
    let nanoseconds = i64::from(seconds) * 1_000_000_000 + i64::from(fraction as i32) * unit;
    Time(u64::try_from(nanoseconds).unwrap_or(0))
}
