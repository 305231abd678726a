//! Memory that frames are read into, which may be kept longer than the burst.

use std::{fmt, ops::Range, sync::Arc};

/// Memory that a stream is read into. Whoever needs frames after their burst, on another thread for example, clones
/// this and notes where in it they stand: nothing is copied. The reader leaves a buffer alone while a clone of it
/// exists and goes on in another, so that clones must be given up for memory to stay bounded.
#[derive(Clone)]
pub struct Buffer(Arc<Vec<u8>>);

impl Buffer {
    pub(crate) fn new(len: usize) -> Self {
        Self(Arc::new(vec![0; len]))
    }

    /// A buffer with these bytes, for frames that come from elsewhere.
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(bytes))
    }

    /// Its bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to write to, as long as nobody else has a clone.
    pub(crate) fn unshared(&mut self) -> Option<&mut Vec<u8>> {
        Arc::get_mut(&mut self.0)
    }

    /// Whether the other is a clone of this one.
    #[inline]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Where in this buffer `data` stands, if it does.
    #[inline]
    pub fn range_of(&self, data: &[u8]) -> Option<Range<usize>> {
        let start = data.as_ptr().addr().checked_sub(self.0.as_ptr().addr())?;
        let end = start.checked_add(data.len())?;
        (end <= self.0.len()).then_some(start..end)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.0.len()).finish_non_exhaustive()
    }
}
