//! The confirmed protocols of a connection, in order of confirmation: the `service` column.

/// More protocols than this on one connection are not kept.
const MAX_SERVICES: usize = 6;

/// Names of confirmed protocols.
#[derive(Debug, Clone, Copy, Default)]
pub struct Services {
    names: [&'static str; MAX_SERVICES],
    count: u8,
    /// A bit for each name: it is carried by another, and does not fall with it.
    carried: u8,
    /// Goes on with every change.
    version: u8,
}

impl Services {
    /// Adds a name, unless it is there.
    pub fn confirm(&mut self, name: &'static str) {
        if self.contains(name) {
            return;
        }
        if let Some(place) = self.names.get_mut(usize::from(self.count)) {
            *place = name;
            self.count += 1;
            self.version = self.version.wrapping_add(1);
        }
    }

    /// Adds a name, unless it is there, of a protocol inside messages of another: it stays when that one turns out to
    /// be wrong.
    pub fn confirm_carried(&mut self, name: &'static str) {
        let place = self.count;
        self.confirm(name);
        if self.count > place {
            self.carried |= 1 << place;
        }
    }

    /// Whether the name was added as carried.
    pub fn is_carried(&self, name: &str) -> bool {
        self.iter().position(|other| other == name).is_some_and(|place| self.carried >> place & 1 == 1)
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &'static str) {
        let mut kept = Self { version: self.version.wrapping_add(1), ..Self::default() };
        for other in self.iter().filter(|other| *other != name) {
            if self.is_carried(other) {
                kept.confirm_carried(other);
            } else {
                kept.confirm(other);
            }
        }
        *self = kept;
    }

    /// Whether names came or went since this copy was made, a moment ago.
    pub const fn has_changed_since(&self, before: &Self) -> bool {
        self.version != before.version
    }

    /// Whether the name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|other| other == name)
    }

    /// The names, in order of confirmation.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.names.into_iter().take(usize::from(self.count))
    }

    /// Whether none is confirmed.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Writes the names, comma-separated, into `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (index, name) in self.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(name.as_bytes());
        }
    }
}
