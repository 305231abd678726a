//! The confirmed protocols of a connection, in order of confirmation: the `service` column.

/// More protocols than this on one connection are not kept.
const MAX_SERVICES: usize = 6;

/// Names of confirmed protocols.
#[derive(Debug, Clone, Copy, Default)]
pub struct Services {
    names: [&'static str; MAX_SERVICES],
    count: u8,
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
        }
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &'static str) {
        let mut kept = Self::default();
        for other in self.iter().filter(|other| *other != name) {
            kept.confirm(other);
        }
        *self = kept;
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
