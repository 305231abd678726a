//! Incomplete datagrams on their way from one reassembler to another, when another worker takes their bucket over.

use record::Time;

use super::datagram::Partial;
use super::{Key, Reassembler, Slot};

/// An incomplete datagram that is in no reassembler.
#[derive(Debug)]
pub struct DetachedDatagram {
    key: Key,
    bucket: u16,
    since: Time,
    partial: Partial,
}

impl Reassembler {
    /// Takes the incomplete datagrams of a bucket out, the oldest first. Passes all that there are, which are few:
    /// [`max_datagrams`](super::FragmentLimits::max_datagrams).
    pub fn extract(&mut self, bucket: u16) -> Vec<DetachedDatagram> {
        let mut datagrams = Vec::new();
        let mut next = self.oldest;
        while let Some(id) = next
            && let Some(slot) = self.slots.get(id as usize)
        {
            next = slot.newer;
            if slot.bucket == bucket {
                let (key, since) = (slot.key, slot.since);
                if let Some(partial) = self.remove(id) {
                    datagrams.push(DetachedDatagram { key, bucket, since, partial });
                }
            }
        }
        datagrams
    }

    /// Takes an incomplete datagram in that was in another reassembler. The oldest ones go if that is too much.
    pub fn insert(&mut self, datagram: DetachedDatagram) {
        let DetachedDatagram { key, bucket, since, partial } = datagram;
        if self.index.contains_key(&key) {
            // The same addresses and number in another frame's tunnel: which one goes on is as good as chance.
            self.counters.evicted += 1;
            return;
        }
        while self.index.len() >= self.limits.max_datagrams {
            let Some(oldest) = self.oldest else { break };
            self.evict(oldest);
        }
        let (mut older, mut newer) = (self.newest, None);
        while let Some(id) = older
            && let Some(slot) = self.slots.get(id as usize)
            && slot.since > since
        {
            (older, newer) = (slot.older, Some(id));
        }
        self.place(Slot { key, bucket, since, older, newer, partial });
        while self.bytes > self.limits.max_bytes {
            let Some(oldest) = self.oldest else { break };
            self.evict(oldest);
        }
    }
}
