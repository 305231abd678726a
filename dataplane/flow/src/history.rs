//! The history of a connection: a letter for each kind of event, in order.

use std::fmt;

/// Letters beyond this number are not kept. An attacker could otherwise make a history of any length, with resets or
/// FINs of ever new sequence numbers.
pub const MAX_HISTORY: usize = 1024;

/// Chosen for a history of 16 octets: few connections have more letters.
const INLINE: usize = 14;

/// The letters of a history: in place while there are few, which is nearly always.
#[derive(Clone)]
pub struct History(Letters);

#[derive(Clone)]
enum Letters {
    Inline { len: u8, letters: [u8; INLINE] },
    Heap(Box<Long>),
}

/// A long history.
#[derive(Clone)]
struct Long {
    letters: Vec<u8>,
    /// A letter found no room.
    is_cut: bool,
}

impl History {
    /// No letters.
    pub const fn new() -> Self {
        Self(Letters::Inline { len: 0, letters: [0; INLINE] })
    }

    /// The letters: ASCII.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The letters as octets.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Letters::Inline { len, letters } => letters.get(..usize::from(*len)).unwrap_or_default(),
            Letters::Heap(long) => &long.letters,
        }
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// Whether letters are missing at the end, for want of room.
    pub(crate) const fn is_cut(&self) -> bool {
        match &self.0 {
            Letters::Inline { .. } => false,
            Letters::Heap(long) => long.is_cut,
        }
    }

    /// Adds an ASCII letter, if there is room.
    pub(crate) fn push(&mut self, letter: u8) {
        match &mut self.0 {
            Letters::Inline { len, letters } => {
                if let Some(place) = letters.get_mut(usize::from(*len)) {
                    *place = letter;
                    *len += 1;
                } else {
                    let mut heap = Vec::with_capacity(INLINE * 2);
                    heap.extend_from_slice(letters);
                    heap.push(letter);
                    self.0 = Letters::Heap(Box::new(Long { letters: heap, is_cut: false }));
                }
            }
            Letters::Heap(long) if long.letters.len() < MAX_HISTORY => long.letters.push(letter),
            Letters::Heap(long) => long.is_cut = true,
        }
    }

    /// Starts anew.
    pub(crate) fn replace(&mut self, letters: &[u8]) {
        *self = Self::new();
        for letter in letters {
            self.push(*letter);
        }
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the `count`-th event of a kind is written into the history: the 1st, 10th, 100th, ...
pub(crate) const fn is_logged(mut count: u32) -> bool {
    while count > 1 && count.is_multiple_of(10) {
        count /= 10;
    }
    count == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_move_to_the_heap_and_stop_at_the_limit() {
        let mut history = History::new();
        assert!(history.is_empty());
        for _ in 0..MAX_HISTORY {
            history.push(b'R');
        }
        assert!(!history.is_cut());
        history.push(b'R');
        assert!(history.is_cut());
        assert_eq!(history.as_str(), "R".repeat(MAX_HISTORY));
        history.replace(b"^h");
        assert_eq!(history.as_str(), "^h");
    }

    #[test]
    fn repeated_events_are_logged_at_powers_of_ten() {
        let logged: Vec<u32> = (0..=10_000).filter(|count| is_logged(*count)).collect();
        assert_eq!(logged, [1, 10, 100, 1000, 10_000]);
    }
}
