//! Pools of packet buffers.

use std::ffi::CString;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::eal::Eal;
use crate::errno::Errno;
use crate::mbuf::Mbuf;

/// Bytes of a packet that a buffer of ordinary size holds. Longer packets arrive in
/// several buffers, where the port can do that.
pub const DEFAULT_DATA_ROOM: u16 = 2048;

/// Buffers that each thread known to DPDK keeps for itself.
const THREAD_CACHE: u32 = 256;

/// DPDK's "any NUMA node".
const ANY_NODE: i32 = -1;

/// A pool of packet buffers could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no pool of {buffers} packet buffers of {data_room} bytes{}: {errno}", node_text(*.numa_node))]
pub struct MempoolError {
    buffers: u32,
    data_room: u16,
    numa_node: Option<u32>,
    errno: Errno,
}

impl MempoolError {
    /// The pool was made, but does not hold what it was made for.
    pub(crate) fn too_small(buffers: u32, data_room: u16, numa_node: Option<u32>) -> Self {
        Self { buffers, data_room, numa_node, errno: Errno::INVALID }
    }
}

fn node_text(node: Option<u32>) -> String {
    node.map(|node| format!(" on NUMA node {node}")).unwrap_or_default()
}

/// A pool of packet buffers on one NUMA node.
///
/// A pool lives until the process ends, however many values refer to it: to free one,
/// every queue, ring, thread cache and thread would have to prove that it holds none of
/// its buffers. A sensor makes one for each NUMA node and keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mempool {
    pool: NonNull<dpdk_sys::rte_mempool>,
    data_room: u16,
}

// SAFETY: DPDK's pools may be used from all threads at once, and are never freed.
unsafe impl Send for Mempool {}
// SAFETY: as above.
unsafe impl Sync for Mempool {}

impl Mempool {
    /// Makes a pool of `buffers` buffers (best one less than a power of two), each for
    /// `data_room` bytes of a packet, with memory of the NUMA node, or of any.
    pub fn new(eal: Eal, buffers: u32, data_room: u16, numa_node: Option<u32>) -> Result<Self, MempoolError> {
        // DPDK refuses a cache above two thirds of the pool.
        let cache = THREAD_CACHE.min(buffers / 2);
        Self::with_cache(eal, buffers, data_room, numa_node, cache)
    }

    /// Makes a pool whose buffers come out in the order in which they were given back: DPDK
    /// keeps them in a ring, and threads have no caches of them.
    pub(crate) fn in_order(
        eal: Eal,
        buffers: u32,
        data_room: u16,
        numa_node: Option<u32>,
    ) -> Result<Self, MempoolError> {
        Self::with_cache(eal, buffers, data_room, numa_node, 0)
    }

    fn with_cache(
        _eal: Eal,
        buffers: u32,
        data_room: u16,
        numa_node: Option<u32>,
        cache: u32,
    ) -> Result<Self, MempoolError> {
        static SEQUENCE: AtomicU32 = AtomicU32::new(0);
        let failed = |errno| MempoolError { buffers, data_room, numa_node, errno };
        let name = format!("pool{}", SEQUENCE.fetch_add(1, Ordering::Relaxed));
        let name = CString::new(name).unwrap_or_default();
        let buffer = u16::try_from(dpdk_sys::RTE_PKTMBUF_HEADROOM)
            .ok()
            .and_then(|headroom| data_room.checked_add(headroom))
            .ok_or_else(|| failed(Errno::INVALID))?;
        let node = numa_node.map_or(ANY_NODE, |node| node as i32);
        // SAFETY: the environment runs and the name is a terminated string.
        let pool =
            unsafe { dpdk_sys::rte_pktmbuf_pool_create(name.as_ptr(), buffers, cache, 0, buffer, node) };
        let pool = NonNull::new(pool).ok_or_else(|| failed(Errno::last()))?;
        Ok(Self { pool, data_room })
    }

    /// Takes an empty buffer; `None` when the pool is exhausted.
    pub fn alloc(&self) -> Option<Mbuf> {
        // SAFETY: the pool is one of packet buffers and is never freed.
        let mbuf = unsafe { dpdk_sys::rte_pktmbuf_alloc(self.pool.as_ptr()) };
        // SAFETY: a buffer just taken from a pool belongs to nobody else.
        NonNull::new(mbuf).map(|mbuf| unsafe { Mbuf::from_raw(mbuf) })
    }

    /// Bytes of a packet that one buffer holds.
    pub fn data_room(&self) -> u16 {
        self.data_room
    }

    /// Buffers outside of the pool and the caches of threads. Looks at every thread's
    /// cache: for statistics and tests, not for the packet path.
    pub fn in_use(&self) -> u32 {
        // SAFETY: the pool is never freed.
        unsafe { dpdk_sys::rte_mempool_in_use_count(self.pool.as_ptr()) }
    }

    pub(crate) fn as_ptr(&self) -> *mut dpdk_sys::rte_mempool {
        self.pool.as_ptr()
    }
}
