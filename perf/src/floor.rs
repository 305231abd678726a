//! The yardstick: a loop that does nothing but receive.
//!
//! It reads the capture mapped and burst by burst, finds the ends of the Ethernet, IP and TCP or
//! UDP headers, and adds up every octet of them, so that no memory access can be left out.

use std::fmt;
use std::path::{Path, PathBuf};

use packet::Frame;
use pcap::{Access, Burst, Damage, OpenError, Reader};
use thiserror::Error;

const ETHERNET: usize = 14;
const VLAN_TAG: usize = 4;
const IPV6: usize = 40;
const TCP: usize = 20;
const UDP: usize = 8;

/// What the loop saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Floor {
    /// Frames read.
    pub(crate) packets: u64,
    /// Captured octets of them.
    pub(crate) octets: u64,
    /// Octets of their headers.
    headers: u64,
    /// Sum of the headers.
    checksum: u64,
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { packets, octets, headers, checksum } = self;
        writeln!(f, "{packets} packets, {octets} octets, {headers} of them headers, checksum {checksum:016x}")
    }
}

/// A capture that cannot be read in full.
#[derive(Debug, Error)]
pub(crate) enum FloorError {
    /// Not at all.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Up to a point.
    #[error("{}: {damage}", file.display())]
    Damage { file: PathBuf, damage: Damage },
}

/// Reads a capture.
pub(crate) fn run(file: &Path) -> Result<Floor, FloorError> {
    let mut reader = Reader::open_with(file, Access::Map)?;
    let mut floor = Floor::default();
    loop {
        let mut burst = Burst::new();
        match reader.next_burst(&mut burst) {
            Ok(0) => return Ok(floor),
            Ok(_) => burst.frames().iter().for_each(|frame| floor.touch(frame)),
            Err(damage) => return Err(FloorError::Damage { file: file.to_owned(), damage }),
        }
    }
}

impl Floor {
    #[inline]
    fn touch(&mut self, frame: &Frame<'_>) {
        let length = header_length(frame.data).min(frame.data.len());
        let headers = frame.data.get(..length).unwrap_or_default();
        let (words, rest) = headers.as_chunks::<8>();
        let sum = words.iter().fold(self.checksum, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)));
        self.checksum = rest.iter().fold(sum, |sum, octet| sum.wrapping_add(u64::from(*octet)));
        self.packets += 1;
        self.octets += frame.data.len() as u64;
        self.headers += length as u64;
    }
}

/// Octets up to the end of the transport header, as far as the frame has one that is known here.
#[inline]
fn header_length(frame: &[u8]) -> usize {
    let ethertype = |at: usize| frame.get(at..).and_then(|rest| rest.first_chunk()).copied();
    let mut network = ETHERNET;
    let mut kind = ethertype(12);
    while let Some([0x81, 0x00] | [0x88, 0xa8]) = kind {
        kind = ethertype(network + 2);
        network += VLAN_TAG;
    }
    let (protocol, transport) = match (kind, frame.get(network..)) {
        (Some([0x08, 0x00]), Some([first, _, _, _, _, _, _, _, _, protocol, ..])) => {
            (*protocol, network + usize::from(first & 0x0f) * 4)
        }
        (Some([0x86, 0xdd]), Some([_, _, _, _, _, _, protocol, ..])) => (*protocol, network + IPV6),
        _ => return network,
    };
    match protocol {
        6 => transport + TCP,
        17 => transport + UDP,
        _ => transport,
    }
}

#[cfg(test)]
mod tests {
    use pcap::{Precision, Writer};
    use record::Time;

    use super::*;

    #[test]
    fn headers_end_behind_the_transport() {
        let frame = |ethertype: &[u8], network: &[u8]| [&[0; 12], ethertype, network, &[0; 60]].concat();
        let mut ipv4 = [0_u8; 20];
        (ipv4[0], ipv4[9]) = (0x45, 6);
        let mut ipv6 = [0_u8; 40];
        ipv6[6] = 17;
        assert_eq!(header_length(&frame(&[0x08, 0x00], &ipv4)), 14 + 20 + 20);
        assert_eq!(header_length(&frame(&[0x81, 0x00, 0, 7, 0x08, 0x00], &ipv4)), 14 + 4 + 20 + 20);
        assert_eq!(header_length(&frame(&[0x86, 0xdd], &ipv6)), 14 + 40 + 8);
        assert_eq!(header_length(&frame(&[0x08, 0x06], &[0; 28])), 14, "ARP");
        assert_eq!(header_length(&[]), 14);
    }

    #[test]
    fn every_frame_is_counted_and_added_up() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = Writer::create(file.path(), 1, Precision::Micro).unwrap();
        for number in 0..200 {
            let frame = Frame { time: Time(0), clock: Time(0), number, data: &[1; 100], wire_len: 100 };
            writer.write(&frame).unwrap();
        }
        writer.finish().unwrap();
        let floor = run(file.path()).unwrap();
        assert_eq!((floor.packets, floor.octets, floor.headers), (200, 20_000, 200 * 14));
        let frame = 0x0101_0101_0101_0101_u64 + 6;
        assert_eq!(floor.checksum, frame.wrapping_mul(200));
    }
}
