//! The reader: bursts of frames out of any of the formats.

use std::path::Path;

use packet::Frame;
use record::Time;

use crate::{
    Access, BURST, Burst, Damage, DamageKind, OpenError,
    classic::{Classic, FILE_HEADER, HeaderError},
    pcapng::{self, Pcapng},
    source::Source,
};

/// Most captured bytes of one frame, 256 KiB; libpcap's limit. A record that claims more is damage.
pub const MAX_SNAPLEN: u32 = 262_144;
/// Longest pcapng block, 16 MiB; libpcap's limit.
pub const MAX_BLOCK: u32 = 16 << 20;

/// Byte order of a file or section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    #[inline]
    pub(crate) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(crate) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(crate) const fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }
}

/// A captured packet in a record or block.
#[derive(Debug)]
pub(crate) struct Record<'w> {
    pub(crate) time: Time,
    pub(crate) data: &'w [u8],
    pub(crate) wire_len: u32,
    pub(crate) link_type: u16,
}

/// What is at the start of the window.
#[derive(Debug)]
pub(crate) enum Step<'w> {
    /// A packet, in a record of `len` bytes.
    Record { record: Record<'w>, len: usize },
    /// This many bytes without a packet.
    Skip(usize),
    /// Not decidable before the window has this many bytes.
    NeedMore(usize),
}

/// A format, as a function from the window to the next step.
pub(crate) trait RecordFormat {
    /// Looks at the window's start. Must not change anything when a record or more need is what it finds.
    fn step<'w>(&mut self, window: &'w [u8]) -> Result<Step<'w>, DamageKind>;
}

#[derive(Debug)]
enum State {
    Classic(Classic),
    Pcapng(Pcapng),
}

/// What follows in the file.
enum Next {
    Packet,
    Passed,
    End,
}

/// Format of a capture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// pcap.
    Pcap,
    /// pcapng.
    Pcapng,
}

/// What the next frame is given besides what stands in the file.
#[derive(Debug, Clone, Copy, Default)]
struct Stamp {
    number: u64,
    /// Latest time so far.
    clock: Time,
}

/// Reads a capture file in bursts.
///
/// ```no_run
/// # fn worker(link_type: u16, frames: &[packet::Frame<'_>]) {}
/// let mut reader = pcap::Reader::open("capture.pcap")?;
/// loop {
///     let mut burst = pcap::Burst::new();
///     if reader.next_burst(&mut burst)? == 0 {
///         break;
///     }
///     worker(burst.link_type(), burst.frames());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    source: Source,
    state: State,
    /// Bytes of the window that the last burst was made of.
    consumed: usize,
    /// Where the window starts in the file.
    offset: u64,
    /// Number of the next frame.
    next: Stamp,
    damage: Option<Damage>,
}

impl Reader {
    /// Opens a capture file, plain or compressed; `-` is standard input.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(path, Access::default())
    }

    /// As [`Reader::open`], with a choice whether a plain file is mapped.
    pub fn open_with(path: impl AsRef<Path>, access: Access) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let source =
            Source::open(path, access).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        Self::new(source, path)
    }

    fn new(mut source: Source, path: &Path) -> Result<Self, OpenError> {
        let path = || path.to_owned();
        source.require(FILE_HEADER).map_err(|source| OpenError::Io { path: path(), source })?;
        let window = source.window();
        let magic = match window {
            [] => return Err(OpenError::Empty { path: path() }),
            [a, b, c, d, ..] => [*a, *b, *c, *d],
            short => {
                let mut magic = [0; 4];
                magic.iter_mut().zip(short).for_each(|(to, from)| *to = *from);
                magic
            }
        };
        let mut header = 0;
        let state = if u32::from_le_bytes(magic) == pcapng::SECTION_HEADER {
            State::Pcapng(Pcapng::new())
        } else {
            header = FILE_HEADER;
            State::Classic(Classic::new(window).map_err(|error| match error {
                HeaderError::NotPcap => OpenError::UnknownFormat { path: path(), magic },
                HeaderError::Truncated => OpenError::TruncatedHeader { path: path(), length: window.len() },
                HeaderError::Version { major, minor } => OpenError::Version { path: path(), major, minor },
            })?)
        };
        let mut reader =
            Self { source, state, consumed: header, offset: 0, next: Stamp::default(), damage: None };
        reader.settle();
        // A pcapng file must at least begin with a sound section header.
        if matches!(reader.state, State::Pcapng(_)) {
            reader.look().map_err(|damage| OpenError::Damaged { path: path(), damage })?;
        }
        Ok(reader)
    }

    /// The file's format.
    pub const fn format(&self) -> Format {
        match self.state {
            State::Classic(_) => Format::Pcap,
            State::Pcapng(_) => Format::Pcapng,
        }
    }

    /// Bytes of the file, after decompression, that have been handed out.
    pub const fn position(&self) -> u64 {
        self.offset.saturating_add(self.consumed as u64)
    }

    /// Bytes of the whole file, where it is one and not compressed; else unknown.
    pub fn size(&self) -> Option<u64> {
        self.source.size()
    }

    /// Makes this file go on where another ended: the next frame is number `number`, and no clock is before `clock`.
    pub fn continue_from(&mut self, number: u64, clock: Time) {
        self.next = Stamp { number, clock };
    }

    /// Fills `burst` with the next frames, all of one link type, and returns how many: 0 at the end of the file.
    ///
    /// # Errors
    ///
    /// Damage is reported once everything before it has been handed out, and from then on at each call.
    pub fn next_burst<'r>(&'r mut self, burst: &mut Burst<'r>) -> Result<usize, Damage> {
        burst.clear();
        self.settle();
        if !self.await_record()? {
            return Ok(0);
        }
        burst.stand_in(self.source.buffer());
        let window = self.source.window();
        let (consumed, damage) = match &mut self.state {
            State::Classic(classic) => collect(classic, window, self.offset, self.next, burst),
            State::Pcapng(pcapng) => collect(pcapng, window, self.offset, self.next, burst),
        };
        self.consumed = consumed;
        if let Some(last) = burst.frames().last() {
            self.next = Stamp { number: last.number + 1, clock: last.clock };
        }
        self.damage = damage;
        Ok(burst.len())
    }

    /// Gives up what the last burst borrowed.
    fn settle(&mut self) {
        self.source.advance(self.consumed);
        self.offset += self.consumed as u64;
        self.consumed = 0;
    }

    /// Brings the next whole record to the start of the window; false at the end of the file.
    fn await_record(&mut self) -> Result<bool, Damage> {
        loop {
            match self.look()? {
                Next::Packet => return Ok(true),
                Next::Passed => {}
                Next::End => return Ok(false),
            }
        }
    }

    /// Looks at what comes next, reading as much as that takes, and passes it if it holds no packet.
    fn look(&mut self) -> Result<Next, Damage> {
        if let Some(damage) = self.damage {
            return Err(damage);
        }
        loop {
            let window = self.source.window();
            let step = match &mut self.state {
                State::Classic(classic) => classic.step(window),
                State::Pcapng(pcapng) => pcapng.step(window),
            };
            match step {
                Ok(Step::Record { .. }) => return Ok(Next::Packet),
                Ok(Step::Skip(len)) => {
                    self.consumed = len;
                    self.settle();
                    return Ok(Next::Passed);
                }
                Ok(Step::NeedMore(needed)) => match self.source.require(needed) {
                    Ok(true) => {}
                    Ok(false) if self.source.window().is_empty() => return Ok(Next::End),
                    Ok(false) => {
                        let available = self.source.window().len();
                        return Err(self.damaged(DamageKind::Truncated { needed, available }));
                    }
                    Err(error) => return Err(self.damaged(DamageKind::Read(error.kind()))),
                },
                Err(kind) => return Err(self.damaged(kind)),
            }
        }
    }

    fn damaged(&mut self, kind: DamageKind) -> Damage {
        let damage = Damage { offset: self.offset, kind };
        self.damage = Some(damage);
        damage
    }
}

/// Takes frames from the window until the burst is full, the link type changes, or a record is not all there.
/// Returns the bytes taken, and damage met after the last frame taken.
#[inline]
fn collect<'r>(
    format: &mut impl RecordFormat,
    window: &'r [u8],
    offset: u64,
    mut next: Stamp,
    burst: &mut Burst<'r>,
) -> (usize, Option<Damage>) {
    let mut taken = 0;
    while burst.len() < BURST
        && let Some(rest) = window.get(taken..)
    {
        let offset = offset.saturating_add(taken as u64);
        match format.step(rest) {
            Ok(Step::Record { record, len }) => {
                let clock = next.clock.max(record.time);
                let frame = Frame {
                    time: record.time,
                    clock,
                    number: next.number,
                    data: record.data,
                    wire_len: record.wire_len,
                };
                if !burst.push(record.link_type, frame, offset) {
                    break;
                }
                next = Stamp { number: next.number + 1, clock };
                taken += len;
            }
            Ok(Step::Skip(len)) => taken += len,
            Ok(Step::NeedMore(_)) => break,
            Err(kind) => return (taken, Some(Damage { offset, kind })),
        }
    }
    (taken, None)
}
