//! Connections that others announced.
//!
//! An announcement holds for [`LIFETIME`] of packet time. At most [`MAX_ANNOUNCEMENTS`] are kept; the oldest gives way.

use std::collections::{BTreeMap, VecDeque};

use record::{Addr, Endpoints, Interval, Time};

/// So long a connection is expected (Zeek: the time-out of `schedule_analyzer` in its FTP and IRC scripts).
const LIFETIME: Interval = Interval::from_secs(300);
/// So many connections are expected at a time.
const MAX_ANNOUNCEMENTS: usize = 4096;

/// What is known of a connection before it begins.
#[derive(Debug, Clone)]
pub(crate) struct Announcement {
    /// Who will connect, where that is told.
    pub(crate) originator: Option<Addr>,
    /// The protocol, as the `service` column names it.
    pub(crate) service: &'static str,
    /// The protocol, as the `source` column of the `files` log names it.
    pub(crate) source: &'static str,
    /// Name of the file.
    pub(crate) filename: Option<Box<[u8]>>,
}

/// What is known, for how long, and by which part of the traffic.
#[derive(Debug)]
struct Expectation {
    until: Time,
    /// The bucket of the connection that announced it.
    bucket: u16,
    announcement: Announcement,
}

/// An announcement on its way to another worker.
#[derive(Debug)]
pub(crate) struct Detached((Addr, u16), Expectation);

/// The announced connections of a worker, by responder and its TCP port.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    announcements: BTreeMap<(Addr, u16), Expectation>,
    /// In order of expiry; what was announced again has an entry with an earlier time too.
    expiries: VecDeque<(Time, (Addr, u16))>,
}

impl Expected {
    /// A connection to `responder` will come, says one of that bucket.
    pub(crate) fn announce(
        &mut self,
        now: Time,
        bucket: u16,
        responder: (Addr, u16),
        announcement: Announcement,
    ) {
        self.expire(now);
        self.enter(responder, Expectation { until: now.after(LIFETIME), bucket, announcement });
    }

    fn enter(&mut self, responder: (Addr, u16), expectation: Expectation) {
        while self.expiries.len() >= MAX_ANNOUNCEMENTS {
            self.remove_first();
        }
        let until = expectation.until;
        self.announcements.insert(responder, expectation);
        let place = self.expiries.partition_point(|(earlier, _)| *earlier <= until);
        self.expiries.insert(place, (until, responder));
    }

    /// Takes out what connections of a bucket announced.
    pub(crate) fn extract(&mut self, bucket: u16) -> Vec<Detached> {
        let all = self.announcements.iter().filter(|(_, expectation)| expectation.bucket == bucket);
        let responders: Vec<_> = all.map(|(responder, _)| *responder).collect();
        let take = |responder| Some(Detached(responder, self.announcements.remove(&responder)?));
        responders.into_iter().filter_map(take).collect()
    }

    /// Takes in what was announced at another worker. Of two about the same port the later one holds.
    pub(crate) fn insert(&mut self, detached: Detached) {
        let Detached(responder, expectation) = detached;
        if self.announcements.get(&responder).is_none_or(|known| known.until <= expectation.until) {
            self.enter(responder, expectation);
        }
    }

    /// What was announced of a connection that begins.
    pub(crate) fn find(&self, now: Time, id: &Endpoints) -> Option<&Announcement> {
        let Expectation { until, announcement, .. } = self.announcements.get(&(id.resp_h, id.resp_p))?;
        let fits = *until > now && announcement.originator.is_none_or(|originator| originator == id.orig_h);
        fits.then_some(announcement)
    }

    /// Forgets what has not come by `now`.
    pub(crate) fn expire(&mut self, now: Time) {
        while self.expiries.front().is_some_and(|(until, _)| *until <= now) {
            self.remove_first();
        }
    }

    fn remove_first(&mut self) {
        let Some((until, responder)) = self.expiries.pop_front() else { return };
        if self.announcements.get(&responder).is_some_and(|current| current.until == until) {
            self.announcements.remove(&responder);
        }
    }
}
