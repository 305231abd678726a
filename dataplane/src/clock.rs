//! Packet time of live traffic: the host's clock, or what a port stamped.

use std::time::{SystemTime, UNIX_EPOCH};

use dpdk::{Mbuf, Timestamps};
use record::Time;

/// The host's clock. No system call on Linux; still read once a burst, not once a packet.
pub fn now() -> Time {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::new(since_epoch.as_secs(), since_epoch.subsec_nanos())
}

/// How packets of one queue or ring got their time.
#[derive(Debug, Clone, Copy)]
pub enum PacketClock {
    /// They carry none: the time of their burst is taken.
    Host,
    /// They carry stamps that count from 1970.
    Stamped {
        /// Where the stamps are.
        stamps: Timestamps,
        /// Nanoseconds in one tick.
        unit: u64,
    },
}

impl PacketClock {
    /// A packet's time; `burst` is the host's when its burst was received.
    #[inline]
    pub fn time_of(self, mbuf: &Mbuf, burst: Time) -> Time {
        match self {
            Self::Host => burst,
            Self::Stamped { stamps, unit } => {
                stamps.of(mbuf).map_or(burst, |stamp| Time(stamp.saturating_mul(unit)))
            }
        }
    }
}
