//! State that the connections of one worker share: what one tells about another.

use record::{Interval, RecordBuffer, Time};

use crate::Settings;
use crate::file::{DetachedFile, PartialFiles};
use crate::transfer::{Detached, Expected};
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

/// What connections of one bucket share, on its way to another worker. What a worker remembers of certificates stays: it
/// is knowledge of the world rather than of connections.
#[derive(Debug, Default)]
pub struct DetachedShared {
    files: Vec<DetachedFile>,
    expected: Vec<Detached>,
}

impl Shared {
    /// Takes out what connections of a bucket of the indirection table share.
    pub fn extract(&mut self, bucket: u16) -> DetachedShared {
        DetachedShared { files: self.files.extract(bucket), expected: self.expected.extract(bucket) }
    }

    /// Takes in what was taken out at another worker.
    pub fn insert(&mut self, detached: DetachedShared, settings: &Settings, out: &mut RecordBuffer) {
        for file in detached.files {
            self.files.insert(file, settings, out);
        }
        for announcement in detached.expected {
            self.expected.insert(announcement);
        }
    }

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
