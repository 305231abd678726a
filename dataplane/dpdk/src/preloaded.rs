//! Packets that lie in memory, to be received again and again: for measurements.

use crate::eal::Eal;
use crate::mbuf_array::MbufArray;
use crate::mempool::{Mempool, MempoolError};

/// Buffers are as large as the largest packet, rounded up to this.
const CACHE_LINE: usize = 64;

/// A pool of packet buffers that were filled once, and come out as they were filled.
///
/// The pool hands packets out in order, and an ordinary drop puts a packet back at the end
/// with its bytes, length and flags as they are, so the consumer is the code that also
/// receives from ports, and nothing is copied. A consumer that gives packets back in
/// another order changes the order of the next lap.
#[derive(Debug)]
pub struct PreloadedPool {
    pool: Mempool,
    packets: u32,
}

impl PreloadedPool {
    /// Fills a pool with these packets, each in one buffer, in memory of the NUMA node or of
    /// any.
    ///
    /// # Errors
    ///
    /// When there are no packets, too many for DPDK's memory, or one above 65,407 bytes.
    pub fn new<F: AsRef<[u8]>>(
        eal: Eal,
        packets: &[F],
        numa_node: Option<u32>,
    ) -> Result<Self, MempoolError> {
        let largest = packets.iter().map(|packet| packet.as_ref().len()).max().unwrap_or(0);
        let room = u16::try_from(largest.next_multiple_of(CACHE_LINE)).unwrap_or(u16::MAX);
        let count = u32::try_from(packets.len()).unwrap_or(u32::MAX);
        let pool = Mempool::in_order(eal, count, room, numa_node)?;
        // All are taken before the first goes back, so that each buffer is filled once.
        let mut filled = Vec::with_capacity(packets.len());
        for packet in packets {
            let too_small = || MempoolError::too_small(count, room, numa_node);
            let mut buffer = pool.alloc().ok_or_else(too_small)?;
            buffer.append(packet.as_ref()).map_err(|_| too_small())?;
            filled.push(buffer);
        }
        filled.into_iter().for_each(drop);
        Ok(Self { pool, packets: count })
    }

    /// Number of packets in the pool and on their way back to it.
    pub fn packets(&self) -> u32 {
        self.packets
    }

    /// Bytes of DPDK's memory that a pool of so many packets takes, with what DPDK keeps
    /// beside each: an upper bound.
    pub fn memory(packets: usize, largest: usize) -> usize {
        // The buffer's own structure, its headroom, and the pool's header and padding.
        const OVERHEAD: usize = 128 + 128 + 128;
        // An entry of the ring, whose size is a power of two.
        let ring = (packets + 1).next_power_of_two() * size_of::<usize>();
        packets.saturating_mul(largest.next_multiple_of(CACHE_LINE) + OVERHEAD) + ring
    }

    /// Appends the next packets, in order, as many as fit and are back; how many.
    pub fn take<const N: usize>(&mut self, out: &mut MbufArray<N>) -> usize {
        let pool = self.pool.as_ptr();
        // SAFETY: what lies in the pool are whole packets of one buffer: each was filled once,
        // and giving a packet back leaves its bytes and lengths as they are and restores the
        // rest of what makes it one (no followers, one owner). The pool gives its objects to
        // one taker each.
        unsafe {
            out.fill(|place, room| {
                let count = dpdk_sys::rte_mempool_avail_count(pool).min(room as u32);
                let status = dpdk_sys::rte_mempool_get_bulk(pool, place.cast(), count);
                // It gives all that were asked for, or none.
                if status == 0 { count as usize } else { 0 }
            })
        }
    }
}
