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

/// The announced connections of a worker, by responder and its TCP port.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    announcements: BTreeMap<(Addr, u16), (Time, Announcement)>,
    /// In order of expiry; what was announced again has an entry with an earlier time too.
    expiries: VecDeque<(Time, (Addr, u16))>,
}

impl Expected {
    /// A connection to `responder` will come.
    pub(crate) fn announce(&mut self, now: Time, responder: (Addr, u16), announcement: Announcement) {
        self.expire(now);
        while self.expiries.len() >= MAX_ANNOUNCEMENTS {
            self.remove_first();
        }
        let until = now.after(LIFETIME);
        self.announcements.insert(responder, (until, announcement));
        self.expiries.push_back((until, responder));
    }

    /// What was announced of a connection that begins.
    pub(crate) fn find(&self, now: Time, id: &Endpoints) -> Option<&Announcement> {
        let (until, announcement) = self.announcements.get(&(id.resp_h, id.resp_p))?;
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
        if self.announcements.get(&responder).is_some_and(|(current, _)| *current == until) {
            self.announcements.remove(&responder);
        }
    }
}
