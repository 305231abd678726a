//! What a port can do, asked from its driver.

use crate::eal;
use crate::errno::Errno;
use crate::port::{HashedFields, PortError, owned};

/// Bytes of the hash key of a port whose driver does not say, by DPDK's convention.
const DEFAULT_KEY_SIZE: u8 = 40;

/// What a port can do. Nothing is assumed: a virtual function often has fewer queues, and
/// a smaller indirection table, than the card it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Name of its driver, such as `net_ice` or `net_af_packet`.
    pub driver: String,
    /// NUMA node of the device, where it has one.
    pub numa_node: Option<u32>,
    /// Its Ethernet address.
    pub mac: [u8; 6],
    /// Most receive queues.
    pub max_rx_queues: u16,
    /// Most transmit queues.
    pub max_tx_queues: u16,
    /// Entries of the indirection table; 0: it has none.
    pub reta_size: u16,
    /// Bytes of the hash key.
    pub hash_key_size: u8,
    /// Kinds of packets it can hash, as `RTE_ETH_RSS_*`.
    pub rss_types: u64,
    /// Smallest MTU.
    pub min_mtu: u32,
    /// Largest MTU.
    pub max_mtu: u32,
    /// Nanoseconds that one tick of the port's [time stamps](crate::Timestamps) stands for,
    /// if it writes stamps that count from 1970.
    pub epoch_stamp_unit: Option<u64>,
    /// Longest frame received, in bytes.
    pub max_frame_len: u32,
    /// What it can do on receive, as `RTE_ETH_RX_OFFLOAD_*`.
    pub rx_offloads: u64,
}

impl Capabilities {
    pub(super) fn ask(id: u16, port: &str) -> Result<Self, PortError> {
        let _control = eal::control();
        let mut info = dpdk_sys::rte_eth_dev_info::default();
        // SAFETY: the port exists, and `info` is what it fills in.
        let status = unsafe { dpdk_sys::rte_eth_dev_info_get(id, &raw mut info) };
        // SAFETY: the driver's name is null or a terminated string for as long as the
        // driver is loaded.
        let driver = unsafe { owned(info.driver_name) };
        Errno::check(status).map_err(|errno| PortError::Refused {
            port: port.to_owned(),
            driver: driver.clone(),
            step: "asking what it can do",
            errno,
            log: String::new(),
        })?;
        let mut mac = dpdk_sys::rte_ether_addr::default();
        // SAFETY: the port exists. A port without an address leaves the zeros.
        let node = unsafe {
            dpdk_sys::rte_eth_macaddr_get(id, &raw mut mac);
            dpdk_sys::rte_eth_dev_socket_id(id)
        };
        Ok(Self {
            epoch_stamp_unit: (driver == "net_pcap").then_some(1000),
            driver,
            numa_node: u32::try_from(node).ok(),
            mac: mac.addr_bytes,
            max_rx_queues: info.max_rx_queues,
            max_tx_queues: info.max_tx_queues,
            reta_size: info.reta_size,
            hash_key_size: match info.hash_key_size {
                0 => DEFAULT_KEY_SIZE,
                size => size,
            },
            rss_types: info.flow_type_rss_offloads,
            min_mtu: u32::from(info.min_mtu),
            max_mtu: u32::from(info.max_mtu),
            max_frame_len: info.max_rx_pktlen,
            rx_offloads: info.rx_offload_capa,
        })
    }

    /// Whether the port can spread packets by a symmetric hash of these fields: it must
    /// hash these kinds of packets and have an indirection table. A TAP port, for one,
    /// names kinds of packets but has no table, and leaves the hash to the kernel.
    pub fn can_hash(&self, fields: HashedFields) -> bool {
        self.rss_types & fields.rss_types() != 0 && self.reta_size > 0
    }
}
