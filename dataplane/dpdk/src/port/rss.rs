//! Receive side scaling: how a port spreads packets over its queues.

use crate::eal;
use crate::port::{Port, PortError};
use dpdk_sys::rte_eth_rss_reta_entry64;

/// Entries of an indirection table in one group of DPDK's.
const GROUP: usize = 64;

/// What a port hashes to choose a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HashedFields {
    /// The IP addresses. All packets between two hosts come to one queue, fragments too,
    /// which have no ports past the first one.
    ///
    /// Some cards (i40e) tell TCP and UDP apart from other IP and do not hash them in this
    /// mode: everything comes to one queue then, and [`Self::AddressesAndPorts`] is needed.
    #[default]
    Addresses,
    /// The IP addresses and, where there are, ports. Spreads better when few hosts make
    /// most of the traffic; fragments may come to another queue than their flow.
    AddressesAndPorts,
}

impl HashedFields {
    /// As DPDK's `RTE_ETH_RSS_*`.
    pub(crate) fn rss_types(self) -> u64 {
        match self {
            Self::Addresses => dpdk_sys::DPDK_RSS_IP,
            Self::AddressesAndPorts => {
                dpdk_sys::DPDK_RSS_IP
                    | dpdk_sys::DPDK_RSS_TCP
                    | dpdk_sys::DPDK_RSS_UDP
                    | dpdk_sys::DPDK_RSS_SCTP
            }
        }
    }
}

/// A key that makes the Toeplitz hash the same for both directions of a flow: 16 bits,
/// repeated, so that exchanging two fields of 16 or 32 bits changes nothing.
///
/// The hash has only 16 bits of entropy then (its upper half repeats the lower), which is
/// enough to choose a queue but not for a hash table.
pub fn symmetric_key(len: usize) -> Vec<u8> {
    [0x6d, 0x5a].into_iter().cycle().take(len).collect()
}

impl Port {
    /// The indirection table: for each value of the low bits of the hash, the queue.
    /// Empty when the port has none.
    pub fn indirection_table(&self) -> Result<Vec<u16>, PortError> {
        let entries = usize::from(self.capabilities().reta_size);
        if entries == 0 {
            return Ok(Vec::new());
        }
        let mut groups = groups(entries);
        for group in &mut groups {
            group.mask = u64::MAX;
        }
        let _control = eal::control();
        self.step("reading the indirection table", || {
            // SAFETY: there is a group for each 64 of the port's entries.
            unsafe {
                dpdk_sys::rte_eth_dev_rss_reta_query(self.inner.id, groups.as_mut_ptr(), entries as u16)
            }
        })?;
        Ok(groups.iter().flat_map(|group| group.reta).take(entries).collect())
    }

    /// Sets the indirection table, while packets arrive. It must have
    /// [`reta_size`](crate::Capabilities::reta_size) entries, each a queue in use.
    pub fn set_indirection_table(&self, table: &[u16]) -> Result<(), PortError> {
        let entries = self.capabilities().reta_size;
        let queues = self.inner.rx_queues.load(std::sync::atomic::Ordering::Acquire) as u16;
        if table.len() != usize::from(entries) || table.iter().any(|&queue| queue >= queues) {
            return Err(PortError::IndirectionTable { port: self.inner.name.clone(), entries, queues });
        }
        let mut groups = groups(table.len());
        for (group, part) in groups.iter_mut().zip(table.chunks(GROUP)) {
            group.mask = u64::MAX >> (GROUP - part.len());
            group.reta[..part.len()].copy_from_slice(part);
        }
        let _control = eal::control();
        self.step("setting the indirection table", || {
            // SAFETY: there is a group for each 64 of the port's entries.
            unsafe { dpdk_sys::rte_eth_dev_rss_reta_update(self.inner.id, groups.as_mut_ptr(), entries) }
        })
        .map(|_| ())
    }
}

fn groups(entries: usize) -> Vec<rte_eth_rss_reta_entry64> {
    vec![rte_eth_rss_reta_entry64::default(); entries.div_ceil(GROUP)]
}
