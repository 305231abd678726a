//! A set of port numbers.

use std::fmt;

const WORDS: usize = 65536 / 64;

/// A set of port numbers: one bit each.
#[derive(Clone, PartialEq, Eq)]
pub struct PortSet(Box<[u64; WORDS]>);

impl PortSet {
    /// The empty set.
    pub fn new() -> Self {
        Self(Box::new([0; WORDS]))
    }

    /// Adds a port.
    pub fn insert(&mut self, port: u16) {
        if let Some(word) = self.0.get_mut(usize::from(port >> 6)) {
            *word |= 1 << (port & 63);
        }
    }

    /// Whether `port` is in the set.
    #[inline]
    pub fn contains(&self, port: u16) -> bool {
        self.0.get(usize::from(port >> 6)).is_some_and(|word| word & (1 << (port & 63)) != 0)
    }
}

impl Default for PortSet {
    fn default() -> Self {
        Self::new()
    }
}

impl FromIterator<u16> for PortSet {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        let mut set = Self::new();
        set.extend(ports);
        set
    }
}

impl Extend<u16> for PortSet {
    fn extend<I: IntoIterator<Item = u16>>(&mut self, ports: I) {
        for port in ports {
            self.insert(port);
        }
    }
}

impl fmt::Debug for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((0..=u16::MAX).filter(|port| self.contains(*port))).finish()
    }
}
