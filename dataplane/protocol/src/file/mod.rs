//! Files carried by protocols: counted, recognized by content, hashed, and written to the `files` log.
//!
//! A file never keeps more than the beginning that its MIME type is told from. Those fetched piece by piece, over
//! several connections maybe, are in `partial.rs`.

mod hash;
mod magic;
mod partial;
mod signatures;
mod text;

#[cfg(test)]
mod tests;

use record::{Endpoints, Enum, FileId, Files, Interval, RecordBuffer, Set, Time, Uid};

use crate::{Direction, FlowContext, Settings};
use hash::{Digests, HexDigests};
pub(crate) use partial::{DetachedFile, PartialFile, PartialFiles, Piece};

/// The MIME type is told from so many octets (Zeek: `default_file_bof_buffer_size`).
const BEGINNING: usize = 4096;

/// A file from which nothing came for so long is over (Zeek: `default_file_timeout_interval`).
pub(crate) const TIMEOUT: Interval = Interval::from_secs(120);

/// What a new file is known by.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// Its id.
    pub(crate) id: FileId,
    /// The protocol that carries it, as Zeek's analyzer is named.
    pub(crate) source: &'static str,
    /// Who sends it.
    pub(crate) direction: Direction,
    /// Depth of nesting.
    pub(crate) depth: u64,
    /// Its name, where the protocol tells one.
    pub(crate) filename: Option<Box<[u8]>>,
}

/// A connection that carries a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Carrier {
    uid: Uid,
    id: Endpoints,
}

impl Carrier {
    /// The connection at hand.
    pub(crate) fn of(context: &FlowContext<'_>) -> Self {
        Self { uid: context.uid(), id: context.endpoints() }
    }
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    origin: Origin,
    carrier: Carrier,
    first: Time,
    last: Time,
    seen: u64,
    missing: u64,
    overflow: u64,
    total: Option<u64>,
    mime: Option<&'static str>,
    /// The MIME type has been looked for.
    inferred: bool,
    beginning: Vec<u8>,
    /// `None` after a gap, and where hashing is off.
    digests: Option<Box<Digests>>,
    /// More octets than this are not hashed.
    hash_limit: u64,
}

impl File {
    /// A file whose first octets come with the current packet.
    pub(crate) fn new(context: &FlowContext<'_>, origin: Origin) -> Self {
        Self {
            origin,
            carrier: Carrier::of(context),
            first: context.now(),
            last: context.now(),
            seen: 0,
            missing: 0,
            overflow: 0,
            total: None,
            mime: None,
            inferred: false,
            beginning: Vec::new(),
            digests: context.settings().hash_files.then(Box::default),
            hash_limit: context.settings().hash_limit,
        }
    }

    /// Its id.
    pub(crate) const fn id(&self) -> FileId {
        self.origin.id
    }

    /// The protocol tells that the whole file has so many octets.
    pub(crate) fn set_total(&mut self, octets: u64) {
        self.total = Some(octets);
        self.limit_hashing(octets);
    }

    fn limit_hashing(&mut self, octets: u64) {
        if octets > self.hash_limit {
            self.digests = None;
        }
    }

    /// Whether the next octets are of use at `now`, and not only their number.
    pub(crate) fn wants_data(&self, now: Time) -> bool {
        !self.inferred || self.digests.is_some() || self.is_idle(now)
    }

    /// The next octets, when they are not of use; so many.
    pub(crate) const fn skipped(&mut self, now: Time, length: u64) {
        self.last = now;
        self.seen = self.seen.saturating_add(length);
    }

    /// The next octets. Returns the MIME type at the moment it is found.
    pub(crate) fn data(&mut self, now: Time, data: &[u8]) -> Option<&'static str> {
        self.last = now;
        let mut found = None;
        if !self.inferred {
            let whole = data.len() >= BEGINNING || self.is_complete_with(data.len() as u64);
            if self.beginning.is_empty() && whole {
                found = self.infer(data);
            } else {
                let room = BEGINNING.saturating_sub(self.beginning.len());
                self.beginning.extend_from_slice(data.get(..data.len().min(room)).unwrap_or_default());
                if self.beginning.len() >= BEGINNING {
                    found = self.infer_kept();
                }
            }
        }
        self.seen = self.seen.saturating_add(data.len() as u64);
        self.limit_hashing(self.seen);
        if let Some(digests) = &mut self.digests {
            digests.update(data);
        }
        found
    }

    /// `length` octets were not seen. Returns the MIME type if it is found now.
    pub(crate) fn gap(&mut self, now: Time, length: u64) -> Option<&'static str> {
        self.last = now;
        let found = self.infer_kept();
        self.digests = None;
        self.missing = self.missing.saturating_add(length);
        found
    }

    /// Whether all octets have come.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete_with(0)
    }

    fn is_complete_with(&self, octets: u64) -> bool {
        self.total.is_some_and(|total| self.offset().saturating_add(octets) >= total)
    }

    /// Octets that the file has up to here.
    pub(crate) const fn offset(&self) -> u64 {
        self.seen.saturating_add(self.missing)
    }

    /// Whether nothing came for so long that the file is over.
    pub(crate) fn is_idle(&self, now: Time) -> bool {
        now.since(self.last) >= TIMEOUT
    }

    /// No more octets come: the MIME type, if it was not looked for before. Call it before [`File::write`].
    pub(crate) fn end(&mut self) -> Option<&'static str> {
        self.infer_kept()
    }

    fn infer_kept(&mut self) -> Option<&'static str> {
        let beginning = std::mem::take(&mut self.beginning);
        self.infer(&beginning)
    }

    fn infer(&mut self, beginning: &[u8]) -> Option<&'static str> {
        if self.inferred {
            return None;
        }
        self.inferred = true;
        self.mime = magic::mime_type(beginning.get(..beginning.len().min(BEGINNING)).unwrap_or_default());
        self.mime
    }

    /// Writes the record.
    pub(crate) fn write(self, context: &mut FlowContext<'_>, timed_out: bool) {
        let carrier = self.carrier;
        let (settings, out) = context.settings_and_records();
        self.write_for(&[carrier], settings, out, timed_out);
    }

    /// Writes one record for each connection that carried the file.
    fn write_for(
        mut self,
        carriers: &[Carrier],
        settings: &Settings,
        out: &mut RecordBuffer,
        timed_out: bool,
    ) {
        let digests = self.digests.take().filter(|_| self.seen > 0).map(|digests| digests.finish());
        for carrier in carriers {
            out.emit(&self.record(carrier, digests.as_ref(), settings, timed_out));
        }
    }

    fn record<'a>(
        &'a self,
        carrier: &Carrier,
        digests: Option<&'a HexDigests>,
        settings: &Settings,
        timed_out: bool,
    ) -> Files<'a> {
        let is_orig = self.origin.direction == Direction::Originator;
        let sender = if is_orig { carrier.id.orig_h } else { carrier.id.resp_h };
        Files {
            ts: self.first,
            fuid: self.origin.id,
            uid: Some(carrier.uid),
            id: Some(carrier.id),
            source: self.origin.source,
            depth: self.origin.depth,
            analyzers: Set(if settings.hash_files { analyzers(self.mime) } else { &[] }),
            mime_type: self.mime,
            filename: self.origin.filename.as_deref(),
            duration: self.last.since(self.first),
            local_orig: (!settings.local_networks.is_empty()).then(|| settings.is_local(sender)),
            is_orig: Some(is_orig),
            seen_bytes: self.seen,
            total_bytes: self.total,
            missing_bytes: self.missing,
            overflow_bytes: self.overflow,
            timedout: timed_out,
            parent_fuid: None,
            md5: digests.map(|digests| digests.md5.as_str()),
            sha1: digests.map(|digests| digests.sha1.as_str()),
            sha256: digests.map(|digests| digests.sha256.as_str()),
            extracted: None,
            extracted_cutoff: None,
            extracted_size: None,
        }
    }
}

/// What is done with a file of that type, in the names that Zeek has for it.
fn analyzers(mime: Option<&str>) -> &'static [Enum] {
    match mime {
        Some("application/ocsp-response") => &[Enum("OCSP_REPLY"), Enum("SHA256"), Enum("SHA1"), Enum("MD5")],
        Some("application/x-dosexec") => &[Enum("SHA256"), Enum("PE"), Enum("SHA1"), Enum("MD5")],
        _ => &[Enum("SHA1"), Enum("SHA256"), Enum("MD5")],
    }
}
