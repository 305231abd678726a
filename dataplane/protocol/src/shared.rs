//! State that the connections of one worker share: what one tells about another.

use record::{Interval, RecordBuffer, Time};

use crate::Settings;
use crate::file::PartialFiles;
use crate::transfer::Expected;
use crate::x509;

/// So often is looked for what is over.
const EXPIRY_PERIOD: Interval = Interval::from_secs(1);

/// What the analyzers of different connections of a worker share. Bounded.
#[derive(Debug, Default)]
pub struct Shared {
    pub(crate) files: PartialFiles,
    pub(crate) certificates: x509::Cache,
    pub(crate) expected: Expected,
    next_expiry: Time,
}

impl Shared {
    /// Ends what is over by `now`. Cheap enough to be called with each burst: looks once a second of packet time.
    pub fn expire(&mut self, now: Time, settings: &Settings, out: &mut RecordBuffer) {
        if now >= self.next_expiry {
            self.next_expiry = now.after(EXPIRY_PERIOD);
            self.files.expire(now, settings, out);
            self.expected.expire(now);
        }
    }

    /// Ends everything: call it once, after the end of every connection.
    pub fn finish(&mut self, settings: &Settings, out: &mut RecordBuffer) {
        self.files.finish(settings, out);
    }
}
