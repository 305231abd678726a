//! What can be wrong with a capture file.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a capture file could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The operating system refused.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file as named by the caller.
        path: PathBuf,
        /// The system's error, or the decompressor's.
        source: io::Error,
    },
    /// There is not one byte in it.
    #[error("{} is empty: not a capture file", path.display())]
    Empty {
        /// The file as named by the caller.
        path: PathBuf,
    },
    /// The first bytes are those of no format that is read here.
    #[error("{} is not a capture file: it starts with {magic:02x?}, which is neither pcap nor pcapng", path.display())]
    UnknownFormat {
        /// The file as named by the caller.
        path: PathBuf,
        /// The first bytes, after decompression; zero where the file is shorter.
        magic: [u8; 4],
    },
    /// The file ends within its own header.
    #[error("{} is cut short: it ends within the file header, after {length} bytes", path.display())]
    TruncatedHeader {
        /// The file as named by the caller.
        path: PathBuf,
        /// Bytes that are there, after decompression.
        length: usize,
    },
    /// The header names a version of the format that is not read here.
    #[error("{} has version {major}.{minor} of its format, which is not supported", path.display())]
    Version {
        /// The file as named by the caller.
        path: PathBuf,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// The first section header of a pcapng file is damaged.
    #[error("{}: {damage}", path.display())]
    Damaged {
        /// The file as named by the caller.
        path: PathBuf,
        /// What is wrong, and where.
        damage: Damage,
    },
}

/// Where and how a capture file is damaged. All frames before that point have been handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("damaged at byte {offset}: {kind}")]
pub struct Damage {
    /// Start of the damaged record or block: bytes from the start of the file, after decompression.
    pub offset: u64,
    /// What is wrong there.
    pub kind: DamageKind,
}

/// Kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DamageKind {
    /// The file ends within a record or block.
    #[error("the file ends within a record of {needed} bytes, of which {available} are there")]
    Truncated {
        /// Bytes that the record takes, as far as known.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// A record claims more captured bytes than [`MAX_SNAPLEN`](crate::MAX_SNAPLEN).
    #[error("captured length {captured} is over the limit of {limit}", limit = crate::MAX_SNAPLEN)]
    Oversized {
        /// The claim.
        captured: u32,
    },
    /// A pcapng block's length is below the smallest possible, no multiple of four, or over
    /// [`MAX_BLOCK`](crate::MAX_BLOCK).
    #[error("block length {length} is not possible")]
    BlockLength {
        /// The claim.
        length: u32,
    },
    /// The two lengths of a pcapng block differ.
    #[error("the block's length is {leading} at its start and {trailing} at its end")]
    BlockTrailer {
        /// Length at the start.
        leading: u32,
        /// Length at the end.
        trailing: u32,
    },
    /// A pcapng block is too short for the fields or the captured bytes that it must hold.
    #[error("block of type {block_type:#x} is too short for its content")]
    BlockContent {
        /// Type of the block.
        block_type: u32,
    },
    /// A section header's byte-order magic is none.
    #[error("section header with byte-order magic {magic:#010x}")]
    ByteOrder {
        /// The four bytes, read as little endian.
        magic: u32,
    },
    /// A section's version is not 1.x.
    #[error("section of unsupported version {major}.{minor}")]
    Version {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// An interface's options are malformed, or its time resolution cannot be held in 64 bits.
    #[error("interface description with an impossible option {option}")]
    InterfaceOption {
        /// Code of the option.
        option: u16,
    },
    /// More interfaces in one section than 65,536.
    #[error("more than 65536 interfaces in one section")]
    TooManyInterfaces,
    /// A packet of an interface that the section has not described.
    #[error("packet of interface {interface}, which is not described")]
    UnknownInterface {
        /// Number of the interface.
        interface: u32,
    },
    /// Reading or decompressing failed.
    #[error("reading failed: {0}")]
    Read(io::ErrorKind),
}

/// Why a frame was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The operating system refused.
    #[error("cannot write the capture file: {0}")]
    Io(#[from] io::Error),
    /// The time is after 2106, which pcap's 32 bits of seconds cannot hold.
    #[error("time {seconds} s does not fit into a pcap record")]
    Time {
        /// Seconds since the epoch.
        seconds: u64,
    },
    /// The frame is longer than [`MAX_SNAPLEN`](crate::MAX_SNAPLEN).
    #[error("a frame of {length} bytes is over the limit of {limit}", limit = crate::MAX_SNAPLEN)]
    Oversized {
        /// Captured bytes.
        length: usize,
    },
}
