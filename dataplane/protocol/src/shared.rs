//! State that the connections of one worker share: what one tells about another.

use record::{RecordBuffer, Time};

use crate::Settings;
use crate::file::PartialFiles;

/// What the analyzers of different connections of a worker share. Bounded.
#[derive(Debug, Default)]
pub struct Shared {
    pub(crate) files: PartialFiles,
}

impl Shared {
    /// Ends what is over by `now`. Once a second of packet time is often enough.
    pub fn expire(&mut self, now: Time, settings: &Settings, out: &mut RecordBuffer) {
        self.files.expire(now, settings, out);
    }

    /// Ends everything: call it once, after the end of every connection.
    pub fn finish(&mut self, settings: &Settings, out: &mut RecordBuffer) {
        self.files.finish(settings, out);
    }
}
