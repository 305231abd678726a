//! Rings of packets from one thread to one other.

use std::cell::Cell;
use std::ffi::CString;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::eal::{self, Eal};
use crate::errno::Errno;
use crate::mbuf_array::MbufArray;

/// A ring could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no ring for {capacity} packets: {errno}")]
pub struct RingError {
    capacity: u32,
    errno: Errno,
}

impl RingError {
    pub(crate) fn errno(&self) -> Errno {
        self.errno
    }
}

#[derive(Debug)]
struct Inner {
    ring: NonNull<dpdk_sys::rte_ring>,
}

// SAFETY: the two ends use the ring at the same time, one each, which is what a ring for
// one producer and one consumer is made for.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        // Both ends are gone, so that this thread may play the consumer.
        let mut rest = MbufArray::<64>::new();
        while dequeue(self.ring, &mut rest) > 0 {
            rest.clear();
        }
        let _control = eal::control();
        // SAFETY: nobody can reach the ring any more.
        unsafe { dpdk_sys::rte_ring_free(self.ring.as_ptr()) };
    }
}

fn dequeue<const N: usize>(ring: NonNull<dpdk_sys::rte_ring>, out: &mut MbufArray<N>) -> usize {
    // SAFETY: what is in the ring are packets that a producer put there and gave up; the
    // callers see to it that there is one consumer at a time.
    unsafe {
        out.fill(|place, room| {
            dpdk_sys::rte_ring_sc_dequeue_burst(ring.as_ptr(), place.cast(), room as u32, ptr::null_mut())
                as usize
        })
    }
}

/// The end of a ring where packets go in. One thread at a time has it.
#[derive(Debug)]
pub struct Producer {
    inner: Arc<Inner>,
    one_thread: PhantomData<Cell<()>>,
}

/// The end of a ring where packets come out. One thread at a time has it.
#[derive(Debug)]
pub struct Consumer {
    inner: Arc<Inner>,
    one_thread: PhantomData<Cell<()>>,
}

/// Makes a ring for at least `capacity` packets with memory of the NUMA node, or of any.
pub fn ring(_eal: Eal, capacity: u32, numa_node: Option<u32>) -> Result<(Producer, Consumer), RingError> {
    static SEQUENCE: AtomicU32 = AtomicU32::new(0);
    let failed = |errno| RingError { capacity, errno };
    let name = format!("ring{}", SEQUENCE.fetch_add(1, Ordering::Relaxed));
    let name = CString::new(name).unwrap_or_default();
    // A ring holds one packet less than its size, which is a power of two.
    let size = capacity.saturating_add(1).checked_next_power_of_two().unwrap_or(u32::MAX);
    let node = numa_node.map_or(-1, |node| node as i32);
    let flags = dpdk_sys::DPDK_RING_F_SP_ENQ | dpdk_sys::DPDK_RING_F_SC_DEQ;
    let _control = eal::control();
    // SAFETY: the environment runs and the name is a terminated string.
    let ring = unsafe { dpdk_sys::rte_ring_create(name.as_ptr(), size, node, flags) };
    let ring = NonNull::new(ring).ok_or_else(|| failed(Errno::last()))?;
    let inner = Arc::new(Inner { ring });
    let producer = Producer { inner: Arc::clone(&inner), one_thread: PhantomData };
    Ok((producer, Consumer { inner, one_thread: PhantomData }))
}

impl Producer {
    /// Moves packets from the front of the array into the ring, as many as fit, and
    /// returns how many. The others stay in the array.
    #[inline]
    pub fn enqueue<const N: usize>(&mut self, packets: &mut MbufArray<N>) -> usize {
        // SAFETY: this is the only producer, and the ring owns the packets it accepted.
        unsafe {
            packets.take_front(|first, len| {
                let ring = self.inner.ring.as_ptr();
                dpdk_sys::rte_ring_sp_enqueue_burst(
                    ring,
                    first.cast_const().cast(),
                    len as u32,
                    ptr::null_mut(),
                ) as usize
            })
        }
    }

    /// Packets in the ring now.
    pub fn len(&self) -> u32 {
        // SAFETY: the ring lives as long as its ends.
        unsafe { dpdk_sys::rte_ring_count(self.inner.ring.as_ptr()) }
    }

    /// Whether the ring is empty now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Consumer {
    /// Moves packets out of the ring to the end of the array, as many as fit, and
    /// returns how many.
    #[inline]
    pub fn dequeue<const N: usize>(&mut self, out: &mut MbufArray<N>) -> usize {
        dequeue(self.inner.ring, out)
    }

    pub(crate) fn as_ptr(&self) -> *mut dpdk_sys::rte_ring {
        self.inner.ring.as_ptr()
    }
}
