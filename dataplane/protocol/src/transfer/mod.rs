//! Connections that carry a file and nothing else, announced by another connection: data connections of FTP (RFC 959),
//! files offered over IRC (DCC).
//!
//! Nothing in such a connection tells what it is, so it is known by the announcement alone, if the same worker has seen
//! it: that is so between the two hosts of an FTP session, and not always where a third host is involved.

mod expected;
#[cfg(test)]
mod tests;

use record::{Proto, Time};

pub(crate) use self::expected::{Announcement, Detached, Expected};
use crate::file::{File, Origin};
use crate::{Direction, FlowContext, FlowEnd, Match, Probe, Verdict};

/// Analyzer of one connection.
#[derive(Debug, Default)]
pub(crate) struct Analyzer {
    announcement: Option<Announcement>,
    files: [Option<Box<File>>; 2],
}

impl Analyzer {
    /// A new analyzer.
    pub(crate) fn new(_proto: Proto) -> Self {
        Self::default()
    }

    /// What the connection is: without it no file is seen.
    pub(crate) fn expect(&mut self, announcement: Announcement) {
        self.announcement = Some(announcement);
    }

    /// The file of a direction, begun if need be.
    fn file(&mut self, context: &mut FlowContext<'_>, direction: Direction) -> Option<&mut File> {
        let announcement = self.announcement.as_ref()?;
        let place = self.files.get_mut(direction.index())?;
        let idle = place.take_if(|file| file.is_idle(context.now()));
        let known = idle.as_ref().map(|file| file.id());
        if let Some(file) = idle {
            finish(context, *file);
        }
        let file = place.get_or_insert_with(|| {
            let id = known.unwrap_or_else(|| context.new_file_id());
            let (source, filename) = (announcement.source, announcement.filename.clone());
            Box::new(File::new(context, Origin { id, source, direction, depth: 0, filename }))
        });
        Some(file)
    }
}

/// Never recognized by content.
pub(crate) const fn probe(_probe: &Probe<'_>) -> Match {
    Match::No
}

fn finish(context: &mut FlowContext<'_>, mut file: File) {
    file.end();
    let timed_out = file.is_idle(context.now());
    file.write(context, timed_out);
}

impl crate::Analyzer for Analyzer {
    fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
        let now = context.now();
        let Some(file) = self.file(context, direction) else { return Verdict::Done };
        file.data(now, payload);
        Verdict::More
    }

    fn skippable(&self, now: Time, direction: Direction) -> u64 {
        match self.files.get(direction.index()) {
            Some(Some(file)) if !file.wants_data(now) => u64::MAX,
            _ => 0,
        }
    }

    fn skipped(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        let now = context.now();
        let Some(file) = self.file(context, direction) else { return Verdict::Done };
        file.skipped(now, length);
        Verdict::More
    }

    fn gap(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
        let now = context.now();
        let Some(file) = self.file(context, direction) else { return Verdict::Done };
        file.gap(now, length);
        Verdict::More
    }

    fn end_of_stream(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
        if let Some(file) = self.files.get_mut(direction.index()).and_then(Option::take) {
            finish(context, *file);
        }
    }

    fn end(&mut self, context: &mut FlowContext<'_>, _why: FlowEnd) {
        for file in self.files.iter_mut().filter_map(Option::take) {
            finish(context, *file);
        }
    }
}
