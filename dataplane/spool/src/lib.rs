//! The spool: segment files of records between the dataplane, which writes them, and the control process, whose
//! sinks read them at their own speed.
//!
//! ```text
//! spool/
//!   00000001700000000000.ndjson           a sealed segment: nothing is added any more
//!   00000001700000060000.ndjson.active    the segment being written
//!   writer.lock                           held by the one writer
//!   cursors/elastic.json                  how far the sink `elastic` has got; its name is registered by it
//!   cursors/elastic.lock                  held by the one reader of that name
//! ```
//!
//! # Format, version 1
//!
//! A segment is text: newline-delimited JSON, readable with `jq`, `grep` and `less`. Lines with the key `_spool` are
//! the spool's own, all others are records.
//!
//! ```text
//! {"_spool":"segment","version":1,"segment":1700000000000,"created":1700000000.000000,"writer":"..."}
//! {"_spool":"block","len":151,"count":2,"crc32c":"9ae0daaf"}
//! {"_path":"dns","ts":1.5, ...}
//! {"_path":"conn","ts":2.5, ...}
//! {"_spool":"block", ...
//! ```
//!
//! After a block's line come `len` bytes, which are `count` whole lines, and whose CRC-32C (RFC 3720, appendix B.4)
//! is `crc32c`. Unknown keys in these lines are passed over, so that later writers may add some; `version` changes
//! only when older readers cannot read on.
//!
//! # What holds
//!
//! * A block is read whole or not at all. What a crash, a full disk or a bad sector left half done is skipped up to
//!   the next sound block, and reported with place, length and reason ([`Skip`]).
//! * The writer never waits for readers. Past the size limit it refuses ([`AppendError::SpoolFull`]), and the caller
//!   counts what it drops.
//! * Nothing that the writer accepted is lost when either process is killed. It does not call `fsync`, since that may
//!   stop the dataplane for seconds; a power cut loses what the kernel had not yet written, usually under 30 s.
//! * A cursor is written beside the old one, synchronized, and renamed over it. After a power cut an older cursor may
//!   be back, never half a one: a sink gets records twice, not never.
//! * A segment goes away when it is sealed and every registered cursor is past it ([`reclaim`]). Without any cursor
//!   nothing goes away.
//!
//! A block in the active segment whose line was damaged so that it claims more than was written is told from one
//! still being written only when the segment is sealed: readers wait that long.
//!
//! Depends on nothing of Baleen. The limits are [`MAX_BLOCK`] and [`MAX_HEADER`]; a reader holds one block in memory.

mod block;
mod cursor;
mod directory;
mod reader;
mod writer;

pub use block::{Block, BlockError, MAX_BLOCK, MAX_HEADER};
pub use cursor::{Cursor, unregister};
pub use directory::{Reclaimed, SpoolError, reclaim};
pub use reader::{Item, Records, Skip, SkipReason, SpoolReader, Start};
pub use writer::{AppendError, Counters, Settings, SpoolWriter};

#[cfg(test)]
mod tests;
