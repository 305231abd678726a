//! Queues of a port. Each has one owner, and may move between threads.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Inner;
use crate::mbuf_array::MbufArray;

/// A receive queue. Holds its port.
#[derive(Debug)]
pub struct RxQueue {
    port: Arc<Inner>,
    queue: u16,
    /// A queue may be polled by one thread at a time.
    one_thread: PhantomData<Cell<()>>,
}

impl RxQueue {
    pub(super) fn new(port: Arc<Inner>, queue: u16) -> Self {
        Self { port, queue, one_thread: PhantomData }
    }

    /// Its number within the port.
    pub fn number(&self) -> u16 {
        self.queue
    }

    /// Name of its port.
    pub fn port_name(&self) -> &str {
        &self.port.name
    }

    /// Appends the packets that have arrived, as many as fit, and returns how many.
    /// Never waits.
    #[inline]
    pub fn rx_burst<const N: usize>(&mut self, out: &mut MbufArray<N>) -> usize {
        // SAFETY: the port is started and has this queue, which only we poll; the driver
        // hands over as many live packets as it returns.
        unsafe {
            out.fill(|place, room| {
                let room = u16::try_from(room).unwrap_or(u16::MAX);
                usize::from(dpdk_sys::rte_eth_rx_burst(self.port.id, self.queue, place, room))
            })
        }
    }
}

/// A transmit queue. Holds its port.
#[derive(Debug)]
pub struct TxQueue {
    port: Arc<Inner>,
    queue: u16,
    /// A queue may be filled by one thread at a time.
    one_thread: PhantomData<Cell<()>>,
}

impl TxQueue {
    pub(super) fn new(port: Arc<Inner>, queue: u16) -> Self {
        Self { port, queue, one_thread: PhantomData }
    }

    /// Sends packets from the front of the array, as many as fit into the queue, and
    /// returns how many. The others stay in the array. Never waits.
    #[inline]
    pub fn tx_burst<const N: usize>(&mut self, packets: &mut MbufArray<N>) -> usize {
        // SAFETY: the port is started and has this queue, which only we fill; the driver
        // owns as many packets as it returns.
        unsafe {
            packets.take_front(|first, len| {
                let len = u16::try_from(len).unwrap_or(u16::MAX);
                usize::from(dpdk_sys::rte_eth_tx_burst(self.port.id, self.queue, first, len))
            })
        }
    }
}
