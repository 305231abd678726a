//! The pcapng format: sections of blocks, each with its length at both ends.
//!
//! ```text
//! block: type | length | body | length        (lengths count all of it)
//! ```

use record::Time;

use crate::{
    error::DamageKind,
    reader::{ByteOrder, MAX_BLOCK, MAX_SNAPLEN, Record, RecordFormat, Step},
};

/// Block type of a section header, the same in both byte orders.
pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type, length and the byte-order magic, which is needed to read the length.
const SECTION_START: usize = 12;
const BLOCK_START: usize = 8;
const BLOCK_END: usize = 4;
const MAX_INTERFACES: usize = 65_536;

const OPTION_END: u16 = 0;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// What a unit of an interface's timestamps is.
#[derive(Debug, Clone, Copy)]
enum Resolution {
    /// This many nanoseconds.
    Times(u64),
    /// One of this many parts of a nanosecond.
    Parts(u64),
    /// Two to the power of minus this of a second.
    Binary(u32),
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link_type: u16,
    /// 0: no limit.
    snaplen: u32,
    resolution: Resolution,
    /// Seconds to add to every timestamp.
    offset: i64,
}

impl Interface {
    #[inline]
    fn time(&self, ticks: u64) -> Time {
        let nanoseconds = match self.resolution {
            Resolution::Times(factor) => ticks.saturating_mul(factor),
            Resolution::Parts(divisor) => ticks / divisor,
            Resolution::Binary(shift) => {
                u64::try_from((u128::from(ticks) * 1_000_000_000) >> shift).unwrap_or(u64::MAX)
            }
        };
        if self.offset == 0 {
            return Time(nanoseconds);
        }
        let moved = i128::from(nanoseconds) + i128::from(self.offset) * 1_000_000_000;
        Time(u64::try_from(moved.max(0)).unwrap_or(u64::MAX))
    }
}

/// The present section of a pcapng file.
#[derive(Debug)]
pub(crate) struct Pcapng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
}

impl Pcapng {
    /// State before the first section header.
    pub(crate) const fn new() -> Self {
        Self { order: ByteOrder::Little, interfaces: Vec::new() }
    }

    fn section(&mut self, order: ByteOrder, body: &[u8]) -> Result<(), DamageKind> {
        let Some([_, _, _, _, v0, v1, v2, v3, ..]) = body.first_chunk::<16>() else {
            return Err(DamageKind::BlockContent { block_type: SECTION_HEADER });
        };
        let (major, minor) = (order.u16([*v0, *v1]), order.u16([*v2, *v3]));
        if major != 1 {
            return Err(DamageKind::Version { major, minor });
        }
        self.order = order;
        self.interfaces.clear();
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), DamageKind> {
        let Some((&[l0, l1, _, _, s0, s1, s2, s3], mut options)) = body.split_first_chunk::<8>() else {
            return Err(DamageKind::BlockContent { block_type: INTERFACE_DESCRIPTION });
        };
        let mut interface = Interface {
            link_type: self.order.u16([l0, l1]),
            snaplen: self.order.u32([s0, s1, s2, s3]),
            resolution: Resolution::Times(1000),
            offset: 0,
        };
        while let Some((&[c0, c1, n0, n1], rest)) = options.split_first_chunk::<4>() {
            let option = self.order.u16([c0, c1]);
            let len = self.order.u16([n0, n1]) as usize;
            let bad = DamageKind::InterfaceOption { option };
            let (value, rest) = rest.split_at_checked(len.next_multiple_of(4)).ok_or(bad)?;
            options = rest;
            match (option, value.get(..len)) {
                (OPTION_END, _) => break,
                (OPTION_TIME_RESOLUTION, Some(&[code])) => {
                    interface.resolution = resolution(code).ok_or(bad)?;
                }
                (OPTION_TIME_OFFSET, Some(bytes)) => {
                    let bytes = <[u8; 8]>::try_from(bytes).map_err(|_| bad)?;
                    interface.offset = self.order.u64(bytes) as i64;
                }
                (OPTION_TIME_RESOLUTION, _) => return Err(bad),
                _ => {}
            }
        }
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(DamageKind::TooManyInterfaces);
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn described(&self, number: u32) -> Result<&Interface, DamageKind> {
        self.interfaces.get(number as usize).ok_or(DamageKind::UnknownInterface { interface: number })
    }

    /// The packet in the body of an enhanced packet block, or of its obsolete forerunner.
    #[inline]
    fn packet<'w>(&self, block_type: u32, body: &'w [u8]) -> Result<Record<'w>, DamageKind> {
        let short = DamageKind::BlockContent { block_type };
        let (fields, rest) = body.split_first_chunk::<20>().ok_or(short)?;
        let [number, high, low, captured, wire_len] = fields.as_chunks::<4>().0 else {
            return Err(short);
        };
        let number = if block_type == PACKET {
            // The other half counts drops.
            let [n0, n1, ..] = *number;
            u32::from(self.order.u16([n0, n1]))
        } else {
            self.order.u32(*number)
        };
        let interface = self.described(number)?;
        let captured = self.order.u32(*captured);
        if captured > MAX_SNAPLEN {
            return Err(DamageKind::Oversized { captured });
        }
        let ticks = u64::from(self.order.u32(*high)) << 32 | u64::from(self.order.u32(*low));
        Ok(Record {
            time: interface.time(ticks),
            data: rest.get(..captured as usize).ok_or(short)?,
            wire_len: self.order.u32(*wire_len),
            link_type: interface.link_type,
        })
    }

    /// A simple packet block has neither interface, time nor captured length: the first interface, time 0, and as
    /// much as that interface captures.
    fn simple_packet<'w>(&self, body: &'w [u8]) -> Result<Record<'w>, DamageKind> {
        let short = DamageKind::BlockContent { block_type: SIMPLE_PACKET };
        let (wire_len, rest) = body.split_first_chunk::<4>().ok_or(short)?;
        let wire_len = self.order.u32(*wire_len);
        let interface = self.described(0)?;
        let captured = match interface.snaplen {
            0 => wire_len,
            limit => wire_len.min(limit),
        };
        if captured > MAX_SNAPLEN {
            return Err(DamageKind::Oversized { captured });
        }
        Ok(Record {
            time: interface.time(0),
            data: rest.get(..captured as usize).ok_or(short)?,
            wire_len,
            link_type: interface.link_type,
        })
    }
}

/// `if_tsresol`: the exponent of ten, or of two with the top bit set, of units in a second.
fn resolution(code: u8) -> Option<Resolution> {
    let exponent = u32::from(code & 0x7f);
    match code & 0x80 {
        0 if exponent <= 9 => Some(Resolution::Times(10_u64.pow(9 - exponent))),
        0 if exponent <= 19 => Some(Resolution::Parts(10_u64.pow(exponent - 9))),
        0x80 if exponent <= 63 => Some(Resolution::Binary(exponent)),
        _ => None,
    }
}

impl RecordFormat for Pcapng {
    #[inline(always)]
    fn step<'w>(&mut self, window: &'w [u8]) -> Result<Step<'w>, DamageKind> {
        let Some(&[t0, t1, t2, t3, n0, n1, n2, n3]) = window.first_chunk::<BLOCK_START>() else {
            return Ok(Step::NeedMore(BLOCK_START));
        };
        let block_type = self.order.u32([t0, t1, t2, t3]);
        let mut order = self.order;
        if block_type == SECTION_HEADER {
            let Some(&[.., m0, m1, m2, m3]) = window.first_chunk::<SECTION_START>() else {
                return Ok(Step::NeedMore(SECTION_START));
            };
            let magic = [m0, m1, m2, m3];
            order = if u32::from_le_bytes(magic) == BYTE_ORDER_MAGIC {
                ByteOrder::Little
            } else if u32::from_be_bytes(magic) == BYTE_ORDER_MAGIC {
                ByteOrder::Big
            } else {
                return Err(DamageKind::ByteOrder { magic: u32::from_le_bytes(magic) });
            };
        }
        let leading = order.u32([n0, n1, n2, n3]);
        if leading < (BLOCK_START + BLOCK_END) as u32 || !leading.is_multiple_of(4) || leading > MAX_BLOCK {
            return Err(DamageKind::BlockLength { length: leading });
        }
        let len = leading as usize;
        let Some((body, end)) =
            window.get(BLOCK_START..len).and_then(|rest| rest.split_last_chunk::<BLOCK_END>())
        else {
            return Ok(Step::NeedMore(len));
        };
        let trailing = order.u32(*end);
        if trailing != leading {
            return Err(DamageKind::BlockTrailer { leading, trailing });
        }
        match block_type {
            ENHANCED_PACKET | PACKET => Ok(Step::Record { record: self.packet(block_type, body)?, len }),
            SIMPLE_PACKET => Ok(Step::Record { record: self.simple_packet(body)?, len }),
            INTERFACE_DESCRIPTION => self.interface(body).map(|()| Step::Skip(len)),
            SECTION_HEADER => self.section(order, body).map(|()| Step::Skip(len)),
            _ => Ok(Step::Skip(len)),
        }
    }
}
