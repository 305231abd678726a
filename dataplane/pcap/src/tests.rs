//! Files built by hand, in every format, sound and damaged.

mod classic;
mod damage;
mod pcapng;
mod sources;

use std::io::Write as _;

use packet::Frame;
use record::Time;
use tempfile::NamedTempFile;

use crate::pcapng::SECTION_HEADER;
use crate::*;

/// What is left of a frame once its burst is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    link_type: u16,
    time: u64,
    number: u64,
    data: Vec<u8>,
    wire_len: u32,
    offset: u64,
}

fn drain(reader: &mut Reader) -> (Vec<Seen>, Option<Damage>) {
    let mut seen = Vec::new();
    loop {
        let mut burst = Burst::new();
        match reader.next_burst(&mut burst) {
            Ok(0) => return (seen, None),
            Ok(count) => {
                assert_eq!((count, count), (burst.frames().len(), burst.offsets().len()));
                for (frame, offset) in burst.frames().iter().zip(burst.offsets()) {
                    seen.push(Seen {
                        link_type: burst.link_type(),
                        time: frame.time.0,
                        number: frame.number,
                        data: frame.data.to_vec(),
                        wire_len: frame.wire_len,
                        offset: *offset,
                    });
                }
            }
            Err(damage) => {
                assert_eq!(reader.next_burst(&mut Burst::new()), Err(damage), "damage stays");
                return (seen, Some(damage));
            }
        }
    }
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Reads the bytes mapped and streamed, which must agree.
fn read(bytes: &[u8]) -> (Vec<Seen>, Option<Damage>) {
    let file = file(bytes);
    let mapped = drain(&mut Reader::open_with(file.path(), Access::Map).unwrap());
    let streamed = drain(&mut Reader::open_with(file.path(), Access::Stream).unwrap());
    assert_eq!(mapped, streamed);
    mapped
}

fn open_error(bytes: &[u8]) -> OpenError {
    let file = file(bytes);
    let mapped = Reader::open_with(file.path(), Access::Map).unwrap_err();
    let streamed = Reader::open_with(file.path(), Access::Stream).unwrap_err();
    assert_eq!(mapped.to_string(), streamed.to_string());
    mapped
}

/// Lays out integers in a byte order.
#[derive(Clone, Copy)]
struct Layout {
    big: bool,
}

const LITTLE: Layout = Layout { big: false };
const BIG: Layout = Layout { big: true };

impl Layout {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn words(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }

    fn pcap(self, magic: u32, version: (u16, u16), snaplen: u32, link_type: u32) -> Vec<u8> {
        let mut bytes = self.u32(magic).to_vec();
        bytes.extend(self.u16(version.0));
        bytes.extend(self.u16(version.1));
        bytes.extend(self.words(&[0, 0, snaplen, link_type]));
        bytes
    }

    fn block(self, block_type: u32, body: &[u8]) -> Vec<u8> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = (12 + body.len() + padding) as u32;
        let mut bytes = self.words(&[block_type, len]);
        bytes.extend(body);
        bytes.extend(vec![0; padding]);
        bytes.extend(self.u32(len));
        bytes
    }

    fn section(self) -> Vec<u8> {
        let mut body = self.u32(0x1a2b_3c4d).to_vec();
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xff; 8]);
        self.block(SECTION_HEADER, &body)
    }

    fn interface(self, link_type: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = self.u16(link_type).to_vec();
        body.extend([0, 0]);
        body.extend(self.u32(snaplen));
        for (code, value) in options {
            body.extend(self.u16(*code));
            body.extend(self.u16(value.len() as u16));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, ticks: u64, data: &[u8], wire_len: u32) -> Vec<u8> {
        let mut body =
            self.words(&[interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire_len]);
        body.extend(data);
        self.block(6, &body)
    }
}

fn pcap_with(records: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), 1, Precision::Nano).unwrap();
    for number in 0..records as u64 {
        let data = vec![number as u8; 60 + (number % 7) as usize];
        let frame = Frame {
            time: Time(1_700_000_000_000_000_000 + number),
            clock: Time(1_700_000_000_000_000_000 + number),
            number,
            data: &data,
            wire_len: data.len() as u32 + 4,
        };
        writer.write(&frame).unwrap();
    }
    writer.finish().unwrap()
}
