//! Limits that hold over all workers, applied where their records come together.
//!
//! A record tells how it is limited itself ([`record::Limit`]): one per certificate and day, one weird about the same ends
//! in ten minutes. The order of records decides which of them stay; whoever merges the workers' records keeps the order
//! of frames, so that it does not depend on the number of workers.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry as Place;
use record::{Entry, Interval, Log, Time};

/// Keys remembered; beyond it those whose time is over are forgotten, then the oldest half.
const MAX_KEYS: usize = 1 << 20;

/// When a record was written, and for how long the next is left out.
#[derive(Debug, Clone, Copy)]
struct Written {
    at: Time,
    period: Interval,
}

impl Written {
    fn is_over(&self, now: Time) -> bool {
        now.since(self.at) >= self.period
    }
}

/// Decides which limited records are written.
#[derive(Debug, Default)]
pub struct Limiter {
    written: HashMap<(Log, u64), Written>,
}

impl Limiter {
    /// Whether the record is to be written.
    pub fn admits(&mut self, entry: &Entry) -> bool {
        if entry.limit.key == 0 {
            return true;
        }
        if self.written.len() >= MAX_KEYS {
            self.forget(entry.time);
        }
        let now = Written { at: entry.time, period: entry.limit.period };
        match self.written.entry((entry.log, entry.limit.key)) {
            Place::Vacant(place) => {
                place.insert(now);
                true
            }
            Place::Occupied(mut place) if place.get().is_over(entry.time) => {
                place.insert(now);
                true
            }
            Place::Occupied(_) => false,
        }
    }

    fn forget(&mut self, now: Time) {
        self.written.retain(|_, written| !written.is_over(now));
        if self.written.len() >= MAX_KEYS {
            let mut times: Vec<Time> = self.written.values().map(|written| written.at).collect();
            let middle = times.len() / 2;
            let median = *times.select_nth_unstable(middle).1;
            self.written.retain(|_, written| written.at > median);
        }
    }
}
