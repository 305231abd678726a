//! What the capture does to the traffic: loses packets, or sees them in another order than they were sent.

use super::conversation::MICROSECOND;
use super::random::Random;

/// A delayed packet is seen so much later, in nanoseconds: behind one to a few dozen of its flow's.
const DELAY: (u64, u64) = (20 * MICROSECOND, 400 * MICROSECOND);

/// Whether a packet is in the capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// When it was sent.
    Seen,
    /// So many nanoseconds later.
    Delayed(u64),
    /// No.
    Lost,
}

/// Shares of packets, with random numbers of their own, so that the traffic is the same under all conditions.
#[derive(Debug)]
pub(crate) struct Conditions {
    random: Random,
    loss: f64,
    reorder: f64,
}

impl Conditions {
    /// With shares from 0 to 1.
    pub(crate) fn new(seed: u64, loss: f64, reorder: f64) -> Self {
        Self { random: Random::new(!seed), loss, reorder }
    }

    /// What happens to the next packet.
    pub(crate) fn fate(&mut self) -> Fate {
        if self.loss > 0.0 && self.random.chance(self.loss) {
            return Fate::Lost;
        }
        if self.reorder > 0.0 && self.random.chance(self.reorder) {
            return Fate::Delayed(self.random.between(DELAY.0, DELAY.1));
        }
        Fate::Seen
    }
}
