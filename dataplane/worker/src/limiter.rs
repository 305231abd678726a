//! Limits that hold over all workers, applied where their records come together.
//!
//! A record that is limited carries a key (`Entry::limit_key`): a certificate's fingerprint, a weird's name with what it
//! is about. The order of records decides which of them stay; whoever merges the workers' records keeps the order of
//! frames, so that it does not depend on the number of workers.

use hashbrown::HashMap;
use record::{Entry, Interval, Log, Time};

/// Keys remembered; beyond it the oldest half is forgotten.
const MAX_KEYS: usize = 1 << 20;

/// How records of a log are limited.
#[derive(Debug, Clone, Copy)]
struct Limit {
    /// So many records of a key pass.
    pass: u32,
    /// After that one in so many; 0 for none.
    rate: u32,
    /// After so long a key starts anew.
    period: Interval,
}

impl Limit {
    /// Zeek: `X509::relog_known_certificates_after` and `Weird::sampling_*`.
    const fn of(log: Log) -> Option<Self> {
        match log {
            Log::X509 => Some(Self { pass: 1, rate: 0, period: Interval::from_secs(24 * 3600) }),
            Log::Weird => Some(Self { pass: 25, rate: 1000, period: Interval::from_secs(600) }),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    since: Time,
    count: u32,
}

/// Decides which limited records are written.
#[derive(Debug, Default)]
pub struct Limiter {
    seen: HashMap<(Log, u64), Seen>,
}

impl Limiter {
    /// Whether the record is to be written.
    pub fn admits(&mut self, entry: &Entry) -> bool {
        if entry.limit_key == 0 {
            return true;
        }
        let Some(limit) = Limit::of(entry.log) else { return true };
        if self.seen.len() >= MAX_KEYS {
            self.forget_oldest();
        }
        let seen =
            self.seen.entry((entry.log, entry.limit_key)).or_insert(Seen { since: entry.time, count: 0 });
        if entry.time.since(seen.since) >= limit.period {
            *seen = Seen { since: entry.time, count: 0 };
        }
        seen.count = seen.count.saturating_add(1);
        match seen.count.checked_sub(limit.pass) {
            None | Some(0) => true,
            Some(beyond) => limit.rate > 0 && beyond % limit.rate == 0,
        }
    }

    fn forget_oldest(&mut self) {
        let mut times: Vec<Time> = self.seen.values().map(|seen| seen.since).collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        self.seen.retain(|_, seen| seen.since > median);
    }
}
