//! Files that come in pieces: answers to range requests, of one connection or of several.
//!
//! A file is known by who fetches it and where from. Pieces that come too early wait, within the limits below; what
//! does not fit counts as overflow.

use std::collections::BTreeMap;

use record::{Addr, FileId, RecordBuffer, Time};

use super::{Carrier, File};
use crate::Settings;

/// So many octets of one file may wait for those before them (Zeek: `Files::reassembly_buffer_size`).
const MAX_WAITING: usize = 512 * 1024;
/// So many octets of all files together may wait.
const MAX_WAITING_TOTAL: usize = 32 * 1024 * 1024;
/// Octets that a piece that waits costs besides its own, near enough: many small ones cost more than they hold.
const PIECE_COST: usize = 96;
/// So many files are followed at a time; when there are more, the one idle for longest ends.
const MAX_FILES: usize = 1024;
/// So many connections of one file get a record.
const MAX_CARRIERS: usize = 256;

/// What a file in pieces is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartialFile {
    /// Who fetches it.
    pub(crate) client: Addr,
    /// Where from, with the server's name and port.
    pub(crate) url: Box<[u8]>,
}

/// One piece.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece<'d> {
    /// Octets from an offset on.
    Data(u64, &'d [u8]),
    /// So many octets at the end of what came so far are missing.
    Gap(u64),
}

/// The files in pieces of one worker.
#[derive(Debug, Default)]
pub(crate) struct PartialFiles {
    files: BTreeMap<PartialFile, Partial>,
    /// What all that waits costs, in octets.
    waiting: usize,
}

#[derive(Debug)]
struct Partial {
    /// The bucket of the connection that began it.
    bucket: u16,
    file: File,
    carriers: Vec<Carrier>,
    waiting: BTreeMap<u64, Vec<u8>>,
    waiting_octets: usize,
}

/// A file under way that is on its way to another worker.
#[derive(Debug)]
pub(crate) struct DetachedFile(PartialFile, Partial);

impl PartialFiles {
    /// The id of a file under way.
    pub(crate) fn id(&self, key: &PartialFile) -> Option<FileId> {
        self.files.get(key).map(|partial| partial.file.id())
    }

    /// Whether a file under way came on that connection already.
    pub(crate) fn is_carried_by(&self, key: &PartialFile, carrier: Carrier) -> bool {
        self.files.get(key).is_some_and(|partial| partial.carriers.contains(&carrier))
    }

    /// Begins a file, on a connection of that bucket.
    pub(crate) fn begin(
        &mut self,
        key: PartialFile,
        bucket: u16,
        file: File,
        settings: &Settings,
        out: &mut RecordBuffer,
    ) {
        self.make_room(settings, out);
        let partial =
            Partial { bucket, file, carriers: Vec::new(), waiting: BTreeMap::new(), waiting_octets: 0 };
        self.files.insert(key, partial);
    }

    /// Takes out the files that connections of a bucket began.
    pub(crate) fn extract(&mut self, bucket: u16) -> Vec<DetachedFile> {
        let all = self.files.iter().filter(|(_, partial)| partial.bucket == bucket);
        let keys: Vec<_> = all.map(|(key, _)| key.clone()).collect();
        let take = |key| self.files.remove_entry(&key).map(|(key, partial)| DetachedFile(key, partial));
        let files: Vec<_> = keys.into_iter().filter_map(take).collect();
        let cost: usize = files.iter().map(|DetachedFile(_, partial)| partial.cost()).sum();
        self.waiting = self.waiting.saturating_sub(cost);
        files
    }

    /// Takes in a file that was begun at another worker. One of the same name that is here ends.
    pub(crate) fn insert(&mut self, detached: DetachedFile, settings: &Settings, out: &mut RecordBuffer) {
        let DetachedFile(key, partial) = detached;
        self.end(&key, settings, out, true);
        self.make_room(settings, out);
        self.waiting = self.waiting.saturating_add(partial.cost());
        self.files.insert(key, partial);
    }

    /// Ends the file that is idle for longest if there is no room for one more.
    fn make_room(&mut self, settings: &Settings, out: &mut RecordBuffer) {
        if self.files.len() >= MAX_FILES
            && let Some(oldest) =
                self.files.iter().min_by_key(|(_, partial)| partial.file.last).map(|(key, _)| key.clone())
        {
            self.end(&oldest, settings, out, true);
        }
    }

    /// Sets the size of the whole file.
    pub(crate) fn set_total(&mut self, key: &PartialFile, octets: u64) {
        if let Some(partial) = self.files.get_mut(key) {
            partial.file.set_total(octets);
        }
    }

    /// A piece of the file, which has begun, on the connection `carrier`. The file ends when all of it is there.
    /// Returns the MIME type at the moment it is found.
    pub(crate) fn piece(
        &mut self,
        key: &PartialFile,
        carrier: Carrier,
        now: Time,
        piece: Piece<'_>,
        settings: &Settings,
        out: &mut RecordBuffer,
    ) -> Option<&'static str> {
        let partial = self.files.get_mut(key)?;
        if !partial.carriers.contains(&carrier) && partial.carriers.len() < MAX_CARRIERS {
            partial.carriers.push(carrier);
        }
        let before = partial.cost();
        let mut mime = match piece {
            Piece::Data(offset, data) => {
                partial.data(now, offset, data, MAX_WAITING_TOTAL.saturating_sub(self.waiting))
            }
            Piece::Gap(length) => partial.gap(now, length),
        };
        self.waiting = self.waiting.saturating_add(partial.cost()).saturating_sub(before);
        if partial.file.is_complete() {
            mime = mime.or_else(|| partial.file.end());
            self.end(key, settings, out, false);
        }
        mime
    }

    /// Ends a file.
    pub(crate) fn end(
        &mut self,
        key: &PartialFile,
        settings: &Settings,
        out: &mut RecordBuffer,
        timed_out: bool,
    ) -> Option<&'static str> {
        let mut partial = self.files.remove(key)?;
        self.waiting = self.waiting.saturating_sub(partial.cost());
        let now = partial.file.last;
        let found = partial.flush(now);
        let mime = found.or_else(|| partial.file.end());
        partial.file.write_for(&partial.carriers, settings, out, timed_out);
        mime
    }

    /// Ends the files from which nothing came for long.
    pub(crate) fn expire(&mut self, now: Time, settings: &Settings, out: &mut RecordBuffer) {
        let idle: Vec<PartialFile> = self
            .files
            .iter()
            .filter(|(_, partial)| partial.file.is_idle(now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in idle {
            self.end(&key, settings, out, true);
        }
    }

    /// Ends every file.
    pub(crate) fn finish(&mut self, settings: &Settings, out: &mut RecordBuffer) {
        while let Some(key) = self.files.keys().next().cloned() {
            self.end(&key, settings, out, true);
        }
    }
}

impl Partial {
    /// What the pieces that wait cost, in octets.
    fn cost(&self) -> usize {
        self.waiting_octets.saturating_add(self.waiting.len().saturating_mul(PIECE_COST))
    }

    fn data(&mut self, now: Time, offset: u64, data: &[u8], room: usize) -> Option<&'static str> {
        let end = self.file.offset();
        if offset > end {
            self.file.last = now;
            let fits = data.len().saturating_add(PIECE_COST) <= room
                && self.waiting_octets.saturating_add(data.len()) <= MAX_WAITING;
            if fits && !self.waiting.contains_key(&offset) {
                self.waiting_octets += data.len();
                self.waiting.insert(offset, data.to_vec());
            } else {
                self.file.overflow = self.file.overflow.saturating_add(data.len() as u64);
            }
            return None;
        }
        let known = usize::try_from(end - offset).unwrap_or(usize::MAX).min(data.len());
        let fresh = data.get(known..).unwrap_or_default();
        let mut found = if fresh.is_empty() { None } else { self.file.data(now, fresh) };
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= self.file.offset())
        {
            let (offset, data) = entry.remove_entry();
            self.waiting_octets = self.waiting_octets.saturating_sub(data.len());
            let known = usize::try_from(self.file.offset().saturating_sub(offset)).unwrap_or(usize::MAX);
            if let Some(fresh) = data.get(known..).filter(|fresh| !fresh.is_empty()) {
                found = found.or(self.file.data(now, fresh));
            }
        }
        found
    }

    fn gap(&mut self, now: Time, length: u64) -> Option<&'static str> {
        let found = self.file.gap(now, length);
        found.or_else(|| self.data(now, self.file.offset(), &[], 0))
    }

    /// Takes what waits, with the gaps before it.
    fn flush(&mut self, now: Time) -> Option<&'static str> {
        let mut found = None;
        while let Some((&offset, _)) = self.waiting.first_key_value() {
            let missing = offset.saturating_sub(self.file.offset());
            if missing > 0 {
                found = found.or(self.file.gap(now, missing));
            }
            found = found.or(self.data(now, self.file.offset(), &[], 0));
        }
        found
    }
}

#[cfg(test)]
mod tests;
