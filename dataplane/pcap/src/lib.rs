//! Capture files: a reader of pcap and pcapng, and a writer of pcap.
//!
//! [`Reader`] hands out frames in bursts, the way a port does, so that the same worker code runs on both.
//! They are borrowed from one bounded buffer, which all kinds of input go through: plain, gzip and zstd files, pipes,
//! standard input; or, where [`Access::Map`] asks for it, from a mapping of a plain file. What a file claims is never believed before the bytes are there:
//! memory grows with data read, not with lengths in headers.
//! Who hands frames of a stream to other threads keeps their [`Buffer`] instead of copying them.
//!
//! What counts as damage follows libpcap, since that is what Zeek reads with: see [`DamageKind`]. Two things are
//! read that libpcap refuses: interfaces of different link type or snapshot length in one pcapng file, and
//! sections of different byte order.
//!
//! Depends on `packet` (the frame) and `record` (time). No logging, no threads.
//!
//! # Formats
//!
//! * pcap (draft-ietf-opsawg-pcap): micro- and nanoseconds, both byte orders, versions 2.0 to 2.4 and DG/UX
//!   543.0, and the "modified" variant with magic `a1b2cd34` and its longer record headers.
//! * pcapng (draft-ietf-opsawg-pcapng): any number of sections and interfaces, enhanced, simple and obsolete
//!   packet blocks; other blocks are skipped. Options other than `if_tsresol` and `if_tsoffset` are not read.
//!
//! The link type is the number in the file (`LINKTYPE_`, <https://www.tcpdump.org/linktypes.html>); a frame check
//! sequence that the file says is there is not cut off.
//!
//! # Mapped files that shrink
//!
//! Reading a mapped page that another process has cut off the file's end raises `SIGBUS`, which kills the process.
//! The length of a mapped file is therefore checked again every [`READ_AHEAD`] bytes, so that a file that shrinks is
//! reported as truncated. What remains is a file cut within the stretch that is being read just then; who must exclude
//! that (files on shared storage, captures still rotated by their writer) does not map.

mod buffer;
mod burst;
mod classic;
mod error;
mod map;
mod pcapng;
mod reader;
mod source;
mod writer;

pub use buffer::Buffer;
pub use burst::{BURST, Burst};
pub use error::{Damage, DamageKind, OpenError, WriteError};
pub use map::READ_AHEAD;
pub use reader::{Format, MAX_BLOCK, MAX_SNAPLEN, Reader};
pub use source::Access;
pub use writer::{Precision, Writer};

#[cfg(test)]
mod tests;
