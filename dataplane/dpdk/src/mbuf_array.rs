//! A burst of packets.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::slice;

use dpdk_sys::rte_mbuf;

use crate::mbuf::Mbuf;

/// Up to `N` packets, owned, in an array that queues and rings fill and empty without
/// allocation. Dereferences to a slice of the packets.
pub struct MbufArray<const N: usize> {
    /// The first `len` are live packets that this array owns; the rest is never read.
    mbufs: [*mut rte_mbuf; N],
    len: usize,
}

// SAFETY: it is a list of owned packets, which may move between threads.
unsafe impl<const N: usize> Send for MbufArray<N> {}
// SAFETY: shared access only reads packets, which are Sync.
unsafe impl<const N: usize> Sync for MbufArray<N> {}

impl<const N: usize> MbufArray<N> {
    /// An empty array.
    pub const fn new() -> Self {
        Self { mbufs: [ptr::null_mut(); N], len: 0 }
    }

    /// Whether no further packet fits.
    pub fn is_full(&self) -> bool {
        self.len == N
    }

    /// Appends a packet, or gives it back when the array is full.
    #[inline]
    pub fn push(&mut self, mbuf: Mbuf) -> Result<(), Mbuf> {
        match self.mbufs.get_mut(self.len) {
            Some(slot) => {
                *slot = mbuf.into_raw();
                self.len += 1;
                Ok(())
            }
            None => Err(mbuf),
        }
    }

    /// Gives all packets back to their pools, in one go.
    #[inline]
    pub fn clear(&mut self) {
        let len = std::mem::take(&mut self.len);
        if len > 0 {
            // SAFETY: the first `len` are live packets that we owned until now.
            unsafe { dpdk_sys::rte_pktmbuf_free_bulk(self.mbufs.as_mut_ptr(), len as u32) };
        }
    }

    /// Takes all packets out, one by one. Those that are not taken are dropped.
    #[inline]
    pub fn drain(&mut self) -> Drain<'_> {
        let len = std::mem::take(&mut self.len);
        Drain { mbufs: self.mbufs[..len].iter() }
    }

    /// Lets `fill` write packets behind those that are here; it gets the place and its
    /// size, and returns how many it wrote.
    ///
    /// # Safety
    ///
    /// `fill` must write as many live packets as it returns, starting at the place, and
    /// leave their ownership to the array.
    #[inline(always)]
    pub(crate) unsafe fn fill(&mut self, fill: impl FnOnce(*mut *mut rte_mbuf, usize) -> usize) -> usize {
        let spare = &mut self.mbufs[self.len..];
        let filled = fill(spare.as_mut_ptr(), spare.len());
        debug_assert!(filled <= N - self.len, "more packets than there is room");
        self.len += filled;
        filled
    }

    /// Lets `take` consume packets from the front; it gets the packets and returns how
    /// many it took. The others move to the front.
    ///
    /// # Safety
    ///
    /// `take` must have taken ownership of as many packets as it returns, from the first on.
    #[inline(always)]
    pub(crate) unsafe fn take_front(
        &mut self,
        take: impl FnOnce(*mut *mut rte_mbuf, usize) -> usize,
    ) -> usize {
        let taken = take(self.mbufs.as_mut_ptr(), self.len);
        debug_assert!(taken <= self.len, "more packets than there are");
        self.mbufs.copy_within(taken..self.len, 0);
        self.len -= taken;
        taken
    }
}

impl<const N: usize> Default for MbufArray<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Deref for MbufArray<N> {
    type Target = [Mbuf];

    #[inline]
    fn deref(&self) -> &[Mbuf] {
        // SAFETY: the first `len` are live packets, and an `Mbuf` is represented as
        // the pointer to its buffer.
        unsafe { slice::from_raw_parts(self.mbufs.as_ptr().cast(), self.len) }
    }
}

impl<const N: usize> DerefMut for MbufArray<N> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Mbuf] {
        // SAFETY: as for `deref`; who exchanges packets leaves as many owned ones behind.
        unsafe { slice::from_raw_parts_mut(self.mbufs.as_mut_ptr().cast(), self.len) }
    }
}

impl<const N: usize> Drop for MbufArray<N> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl<const N: usize> fmt::Debug for MbufArray<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Packets on their way out of an [`MbufArray`].
#[derive(Debug)]
pub struct Drain<'a> {
    mbufs: slice::Iter<'a, *mut rte_mbuf>,
}

impl Iterator for Drain<'_> {
    type Item = Mbuf;

    #[inline]
    fn next(&mut self) -> Option<Mbuf> {
        let mbuf = NonNull::new(*self.mbufs.next()?)?;
        // SAFETY: the array gave up this packet when the drain began.
        Some(unsafe { Mbuf::from_raw(mbuf) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.mbufs.size_hint()
    }
}

impl ExactSizeIterator for Drain<'_> {}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
