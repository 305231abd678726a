//! Numbered places of equal size, in chunks that never move: memory grows by a chunk at a time, nothing is copied.

/// Places of a chunk. With an entry of 280 octets a chunk is a bit over two megabytes: huge pages fit.
const CHUNK: usize = 1 << 13;

/// A slab.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<Option<T>>>,
    /// Places made so far, taken or free.
    len: u32,
    /// Numbers of free places.
    free: Vec<u32>,
}

#[inline]
const fn split(index: u32) -> (usize, usize) {
    (index as usize / CHUNK, index as usize % CHUNK)
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0, free: Vec::new() }
    }

    /// Places made so far: all numbers are below.
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let (chunk, place) = split(index);
        self.chunks.get(chunk)?.get(place)?.as_ref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let (chunk, place) = split(index);
        self.chunks.get_mut(chunk)?.get_mut(place)?.as_mut()
    }

    /// Where the value is, or would be, for a prefetch.
    #[inline]
    pub(crate) fn place(&self, index: u32) -> Option<&Option<T>> {
        let (chunk, place) = split(index);
        self.chunks.get(chunk)?.get(place)
    }

    /// Puts a value into a free place; its number, or `None` when numbers have run out.
    pub(crate) fn insert(&mut self, value: T) -> Option<u32> {
        if let Some(index) = self.free.pop() {
            let (chunk, place) = split(index);
            *self.chunks.get_mut(chunk)?.get_mut(place)? = Some(value);
            return Some(index);
        }
        let index = self.len;
        self.len = index.checked_add(1)?;
        if split(index).1 == 0 {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks.last_mut()?.push(Some(value));
        Some(index)
    }

    /// Takes a value out of its place.
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let (chunk, place) = split(index);
        let value = self.chunks.get_mut(chunk)?.get_mut(place)?.take()?;
        self.free.push(index);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_never_move() {
        let mut slab = Slab::new();
        let numbers: Vec<u32> = (0..CHUNK as u32 * 2 + 5).map(|value| slab.insert(value).unwrap()).collect();
        assert_eq!(numbers, (0..CHUNK as u32 * 2 + 5).collect::<Vec<_>>());
        let before = std::ptr::from_ref(slab.get(3).unwrap());
        assert_eq!(slab.remove(7), Some(7));
        assert_eq!((slab.remove(7), slab.get(7)), (None, None));
        assert_eq!(slab.insert(70), Some(7));
        assert_eq!((slab.get(7), slab.len()), (Some(&70), CHUNK as u32 * 2 + 5));
        assert_eq!(std::ptr::from_ref(slab.get(3).unwrap()), before);
        assert_eq!(slab.get(CHUNK as u32 * 9), None);
    }
}
