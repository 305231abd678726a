//! The `files` log.

use crate::{Endpoints, Enum, FileId, Interval, Set, Time, Uid};

log! {
    /// One record per file seen in a connection.
    Files<'a> {
        /// When its first octet was seen.
        ts: Time,
        /// Unique id of the file.
        fuid: FileId,
        /// Unique id of the connection.
        uid: Option<Uid>,
        /// The two ends of the connection.
        id: Option<Endpoints>,
        /// Protocol that carried it.
        source: &'a str,
        /// Depth of nesting, such as the request's number.
        depth: u64,
        /// What was done with it.
        analyzers: Set<'a, Enum>,
        /// MIME type by content.
        mime_type: Option<&'a str>,
        /// File name, where the protocol tells one.
        filename: Option<&'a [u8]>,
        /// From the first to the last octet.
        duration: Interval,
        /// Whether it came from a local network.
        local_orig: Option<bool>,
        /// Whether the connection's originator sent it.
        is_orig: Option<bool>,
        /// Octets seen.
        seen_bytes: u64,
        /// Octets that it has, where the protocol tells.
        total_bytes: Option<u64>,
        /// Octets lost in gaps.
        missing_bytes: u64,
        /// Octets that could not be put in order.
        overflow_bytes: u64,
        /// Its analysis ended by time-out.
        timedout: bool,
        /// The file that contains it.
        parent_fuid: Option<FileId>,
        /// MD5, hexadecimal.
        md5: Option<&'a str>,
        /// SHA-1, hexadecimal.
        sha1: Option<&'a str>,
        /// SHA-256, hexadecimal.
        sha256: Option<&'a str>,
        /// Name of the extracted copy.
        extracted: Option<&'a [u8]>,
        /// The extracted copy was cut short.
        extracted_cutoff: Option<bool>,
        /// Octets extracted.
        extracted_size: Option<u64>,
    }
}
