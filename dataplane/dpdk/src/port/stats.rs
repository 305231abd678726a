//! Counters and link state of a port.

use crate::eal;
use crate::port::{Port, PortError, owned};

/// Counters of a port since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortStats {
    /// Packets received and handed over.
    pub rx_packets: u64,
    /// Their bytes.
    pub rx_bytes: u64,
    /// Packets lost because queues were full.
    pub rx_missed: u64,
    /// Packets with errors.
    pub rx_errors: u64,
    /// Packets lost for want of buffers.
    pub rx_no_buffer: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Packets that could not be sent.
    pub tx_errors: u64,
}

/// Link of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Whether there is a link.
    pub up: bool,
    /// Mbit/s, where the driver knows.
    pub speed: Option<u32>,
}

impl Port {
    /// The counters that all ports have. Not all drivers count all: `net_af_packet` of
    /// DPDK 22.11 does not count what the kernel dropped.
    pub fn stats(&self) -> Result<PortStats, PortError> {
        let _control = eal::control();
        let mut stats = dpdk_sys::rte_eth_stats::default();
        self.step("reading its counters", || {
            // SAFETY: the port exists, and `stats` is what it fills in.
            unsafe { dpdk_sys::rte_eth_stats_get(self.inner.id, &raw mut stats) }
        })?;
        Ok(PortStats {
            rx_packets: stats.ipackets,
            rx_bytes: stats.ibytes,
            rx_missed: stats.imissed,
            rx_errors: stats.ierrors,
            rx_no_buffer: stats.rx_nombuf,
            tx_packets: stats.opackets,
            tx_bytes: stats.obytes,
            tx_errors: stats.oerrors,
        })
    }

    /// The driver's own counters, by name.
    pub fn extended_stats(&self) -> Result<Vec<(String, u64)>, PortError> {
        let id = self.inner.id;
        let _control = eal::control();
        let count = self.step("counting its counters", || {
            // SAFETY: without an array, this only counts.
            unsafe { dpdk_sys::rte_eth_xstats_get_names(id, std::ptr::null_mut(), 0) }
        })?;
        let count = usize::try_from(count).unwrap_or(0);
        let mut names = vec![dpdk_sys::rte_eth_xstat_name::default(); count];
        let mut values = vec![dpdk_sys::rte_eth_xstat::default(); count];
        self.step("reading its counters", || {
            // SAFETY: both arrays have `count` elements.
            unsafe {
                let status = dpdk_sys::rte_eth_xstats_get_names(id, names.as_mut_ptr(), count as u32);
                if status < 0 {
                    return status;
                }
                dpdk_sys::rte_eth_xstats_get(id, values.as_mut_ptr(), count as u32)
            }
        })?;
        let named = values.iter().filter_map(|value| {
            let name = names.get(usize::try_from(value.id).ok()?)?;
            // SAFETY: DPDK ends the names with a zero byte.
            Some((unsafe { owned(name.name.as_ptr()) }, value.value))
        });
        Ok(named.collect())
    }

    /// State of the link, as last known.
    pub fn link(&self) -> Result<Link, PortError> {
        let _control = eal::control();
        let (mut speed, mut up) = (0, 0);
        self.step("reading its link state", || {
            // SAFETY: the port exists, and both pointers are to integers of the right type.
            unsafe { dpdk_sys::dpdk_link_get(self.inner.id, &raw mut speed, &raw mut up) }
        })?;
        Ok(Link { up: up != 0, speed: (speed != 0 && speed != u32::MAX).then_some(speed) })
    }
}
