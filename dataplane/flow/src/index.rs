//! From the hash of a connection's key to its number: a hash table in buckets of a cache line.
//!
//! A lookup touches one line nearly always, and knows which before it does, so that the lines of a burst of packets can
//! be fetched side by side. Collisions go on into the next bucket; each bucket counts how many entries had to pass it,
//! so that a search knows where to end and nothing has to be left behind by removals.

use crate::prefetch::prefetch;

/// Entries of a bucket: what a cache line holds.
const WAYS: usize = 10;
/// Fullness, in percent, above which the table grows.
const MAX_LOAD: usize = 80;

/// A cache line.
#[derive(Debug, Clone, Default)]
#[repr(align(64))]
struct Bucket {
    slots: [u32; WAYS],
    /// Low half of each entry's hash; 0 where there is none.
    tags: [u16; WAYS],
    /// Entries that did not find room here or in a bucket before, and went on to the next one. Sticks at its maximum.
    passed: u32,
}

/// Where to search for a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probe {
    bucket: usize,
    tag: u16,
}

/// The table. Not more than 2^32 buckets, of any number.
#[derive(Debug)]
pub(crate) struct Index {
    buckets: Vec<Bucket>,
    len: usize,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self { buckets: vec![Bucket::default(); 1], len: 0 }
    }

    /// Entries.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Makes room for so many entries; `hash_of` tells the hash of a slot that is entered already.
    pub(crate) fn reserve(&mut self, entries: usize, hash_of: impl Fn(u32) -> u32) {
        let wanted = (entries * 100).div_ceil(MAX_LOAD * WAYS);
        if wanted <= self.buckets.len() {
            return;
        }
        let old = std::mem::replace(&mut self.buckets, vec![Bucket::default(); wanted]);
        for bucket in old {
            for (slot, tag) in bucket.slots.iter().zip(bucket.tags) {
                if tag != 0 {
                    self.place(hash_of(*slot), *slot);
                }
            }
        }
    }

    /// Removes all entries.
    pub(crate) fn clear(&mut self) {
        self.buckets.fill(Bucket::default());
        self.len = 0;
    }

    /// The bucket is made of the upper bits of the hash, the tag of the lower ones.
    #[inline]
    fn probe(&self, hash: u32) -> Probe {
        let bucket = ((u64::from(hash) * self.buckets.len() as u64) >> 32) as usize;
        Probe { bucket, tag: (hash as u16).max(1) }
    }

    #[inline]
    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 < self.buckets.len() { bucket + 1 } else { 0 }
    }

    /// Fetches the line where a search for `hash` begins.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        if let Some(bucket) = self.buckets.get(self.probe(hash).bucket) {
            prefetch(bucket);
        }
    }

    /// The first slot of the hash that `is_it` accepts.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let Probe { mut bucket, tag } = self.probe(hash);
        for _ in 0..self.buckets.len() {
            let here = self.buckets.get(bucket)?;
            // All ways at once: the compiler makes a comparison of vectors of it.
            let mut matches = 0_u32;
            for (way, candidate) in here.tags.iter().enumerate() {
                matches |= u32::from(*candidate == tag) << way;
            }
            while matches != 0 {
                let slot = here.slots.get(matches.trailing_zeros() as usize).copied()?;
                if is_it(slot) {
                    return Some(slot);
                }
                matches &= matches - 1;
            }
            if here.passed == 0 {
                return None;
            }
            bucket = self.next(bucket);
        }
        None
    }

    /// Enters a slot that is not there yet; `hash_of` as in [`reserve`](Self::reserve).
    pub(crate) fn insert(&mut self, hash: u32, slot: u32, hash_of: impl Fn(u32) -> u32) {
        if (self.len + 1) * 100 > self.buckets.len() * WAYS * MAX_LOAD {
            self.reserve(16 + self.len + self.len / 2, hash_of);
        }
        self.place(hash, slot);
        self.len += 1;
    }

    fn place(&mut self, hash: u32, slot: u32) {
        let Probe { mut bucket, tag } = self.probe(hash);
        // There is room: the table is never full.
        for _ in 0..self.buckets.len() {
            let next = self.next(bucket);
            let Some(here) = self.buckets.get_mut(bucket) else { return };
            let free = here.tags.iter_mut().zip(&mut here.slots).find(|(tag, _)| **tag == 0);
            if let Some((free_tag, free_slot)) = free {
                (*free_tag, *free_slot) = (tag, slot);
                return;
            }
            here.passed = here.passed.saturating_add(1);
            bucket = next;
        }
    }

    /// Removes a slot; whether it was there.
    pub(crate) fn remove(&mut self, hash: u32, slot: u32) -> bool {
        let Probe { bucket: home, tag } = self.probe(hash);
        let mut bucket = home;
        for _ in 0..self.buckets.len() {
            let next = self.next(bucket);
            let Some(here) = self.buckets.get_mut(bucket) else { return false };
            let entry = here.tags.iter_mut().zip(&here.slots).find(|(t, s)| **t == tag && **s == slot);
            if let Some((found, _)) = entry {
                *found = 0;
                self.len -= 1;
                self.unpass(home, bucket);
                return true;
            }
            if here.passed == 0 {
                return false;
            }
            bucket = next;
        }
        false
    }

    /// Takes back that an entry passed the buckets from its home on.
    fn unpass(&mut self, home: usize, until: usize) {
        let mut bucket = home;
        while bucket != until {
            if let Some(here) = self.buckets.get_mut(bucket)
                && here.passed != u32::MAX
            {
                here.passed = here.passed.saturating_sub(1);
            }
            bucket = self.next(bucket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_bucket_is_a_cache_line() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
    }

    proptest! {
        /// Hashes of few values, so that buckets overflow; removals in between.
        #[test]
        fn the_index_agrees_with_a_map(
            steps in prop::collection::vec((0..8_u32, any::<u16>(), any::<bool>()), 1..600),
        ) {
            let mut index = Index::new();
            let mut model: HashMap<u32, u32> = HashMap::new();
            for (number, (high, low, removes)) in steps.into_iter().enumerate() {
                let (slot, hash) = (number as u32, high << 29 | u32::from(low % 4));
                if removes {
                    let Some((&slot, &hash)) = model.iter().next() else { continue };
                    prop_assert!(index.remove(hash, slot));
                    prop_assert!(!index.remove(hash, slot));
                    model.remove(&slot);
                } else {
                    index.insert(hash, slot, |slot| model.get(&slot).copied().unwrap_or_default());
                    model.insert(slot, hash);
                }
                prop_assert_eq!(index.len(), model.len());
            }
            for (slot, hash) in &model {
                prop_assert_eq!(index.find(*hash, |found| found == *slot), Some(*slot));
            }
            prop_assert_eq!(index.find(7 << 29 | 9, |_| true), None);
        }
    }
}
