//! Ports: what DPDK receives from.
//!
//! [`Port::attach`] makes DPDK probe the device behind a [`PortName`]; the port then says
//! what it can do ([`Capabilities`]); [`Port::start`] sets it up accordingly and hands out
//! its queues. A port runs until the [`Port`] and all its queues are dropped.

use std::ffi::{CStr, CString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::eal::{self, Eal};
use crate::errno::Errno;
use crate::mempool::Mempool;
use crate::pci::PciBinding;
use crate::port_name::{Device, PortName, Source};
use crate::ring::{self, Consumer};
use crate::{interface, log};

mod capabilities;
mod flow_rule;
mod queue;
mod rss;
mod stats;

pub use capabilities::Capabilities;
pub use flow_rule::{DropMatch, DropTransport, FlowRule, FlowRuleError, RuleCount};
pub use queue::{RxQueue, TxQueue};
pub use rss::{HashedFields, symmetric_key};
pub use stats::{Link, PortStats};

/// Why a port can not be had, or not in this way. Each names the port.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// There is no such interface in this network namespace.
    #[error("port {port}: there is no interface {interface} here; there are: {known}")]
    NoInterface {
        /// The port.
        port: String,
        /// The interface.
        interface: String,
        /// The interfaces there are.
        known: String,
    },
    /// The PCI device is not in DPDK's hands.
    #[error("port {port}: DPDK has no port for this device: {binding}{}", because(.log))]
    NoPciPort {
        /// The port.
        port: String,
        /// Who has the device.
        binding: PciBinding,
        /// What DPDK logged.
        log: String,
    },
    /// DPDK's driver refused the device.
    #[error("port {port}: the driver refused it: {}", reason(*.errno, .log))]
    Probe {
        /// The port.
        port: String,
        /// The error it gave.
        errno: Errno,
        /// What it logged.
        log: String,
    },
    /// The port has fewer queues than asked for.
    #[error("port {port} ({driver}) has up to {available} {direction} queues, {asked} were asked for")]
    TooManyQueues {
        /// The port.
        port: String,
        /// Its driver.
        driver: String,
        /// `receive` or `transmit`.
        direction: &'static str,
        /// How many were asked for.
        asked: u16,
        /// How many it has.
        available: u16,
    },
    /// The port can not take packets of that size.
    #[error("port {port} ({driver}) takes an MTU from {min} to {max}, {asked} was asked for")]
    Mtu {
        /// The port.
        port: String,
        /// Its driver.
        driver: String,
        /// The MTU asked for.
        asked: u32,
        /// Smallest.
        min: u32,
        /// Largest.
        max: u32,
    },
    /// The packet buffers are too small for the port.
    #[error("port {port}: packet buffers hold {has} bytes, the port needs {needs}")]
    DataRoom {
        /// The port.
        port: String,
        /// What the pool's buffers hold.
        has: u16,
        /// What the port needs.
        needs: u16,
    },
    /// The port was started before.
    #[error("port {port} was already started")]
    AlreadyStarted {
        /// The port.
        port: String,
    },
    /// DPDK refused a step of setting up, or using, the port.
    #[error("port {port} ({driver}): {step}: {errno}{}", because(.log))]
    Refused {
        /// The port.
        port: String,
        /// Its driver.
        driver: String,
        /// What was tried.
        step: &'static str,
        /// The error it gave.
        errno: Errno,
        /// What it logged.
        log: String,
    },
    /// An indirection table of the wrong size, or with queues that the port does not have.
    #[error(
        "port {port}: the indirection table must have {entries} entries below {queues}, the number of queues"
    )]
    IndirectionTable {
        /// The port.
        port: String,
        /// Entries of the port's table.
        entries: u16,
        /// Receive queues in use.
        queues: u16,
    },
}

/// What the driver logged, or, without, its error: drivers often return the same one for
/// everything.
fn reason(errno: Errno, log: &str) -> String {
    if log.is_empty() { errno.to_string() } else { log.to_owned() }
}

fn because(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!(" ({log})") }
}

/// How to set a port up.
#[derive(Debug, Clone)]
pub struct PortConfig {
    /// Receive queues.
    pub rx_queues: u16,
    /// Transmit queues; a sensor needs none. A TAP port gets as many as receive queues,
    /// since it has them in pairs.
    pub tx_queues: u16,
    /// Packets that a receive queue holds before it loses some; cut to what the port can.
    pub rx_descriptors: u16,
    /// Largest packet without Ethernet header; `None`: what the driver takes by itself.
    pub mtu: Option<u32>,
    /// What the port hashes to spread packets over its queues, if it can.
    pub hashed_fields: HashedFields,
    /// Receive what is not addressed to the port, too: unicast and multicast.
    pub promiscuous: bool,
}

impl Default for PortConfig {
    fn default() -> Self {
        Self {
            rx_queues: 1,
            tx_queues: 0,
            rx_descriptors: 2048,
            mtu: None,
            hashed_fields: HashedFields::Addresses,
            promiscuous: true,
        }
    }
}

/// Queues of a started port.
#[derive(Debug)]
pub struct Queues {
    /// As many as asked for.
    pub rx: Vec<RxQueue>,
    /// As many as asked for.
    pub tx: Vec<TxQueue>,
    /// Whether the port itself sends all packets between two addresses, in both directions,
    /// to one queue: with one queue, or by a symmetric hash in hardware.
    pub keeps_flows_together: bool,
}

/// A port of DPDK.
#[derive(Debug, Clone)]
pub struct Port {
    inner: Arc<Inner>,
}

/// What the handle and the queues of a port share; the port is closed when it goes.
#[derive(Debug)]
struct Inner {
    id: u16,
    name: String,
    device: Device,
    capabilities: Capabilities,
    started: AtomicBool,
    /// Receive queues in use, once started.
    rx_queues: AtomicU32,
    /// Rings that the driver reads from, which must outlive the port.
    _rings: Vec<Consumer>,
}

// SAFETY: the only part that is not Sync by itself are the consumers, which are only kept.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        let _control = eal::control();
        // SAFETY: no queue refers to the port any more, so nobody polls it.
        unsafe {
            if *self.started.get_mut() {
                dpdk_sys::rte_eth_dev_stop(self.id);
            }
            dpdk_sys::rte_eth_dev_close(self.id);
        }
        let bus = CString::new(self.device.bus).unwrap_or_default();
        let name = CString::new(self.device.name.as_str()).unwrap_or_default();
        // SAFETY: both are terminated strings, and the device's port is closed.
        let status = unsafe { dpdk_sys::rte_eal_hotplug_remove(bus.as_ptr(), name.as_ptr()) };
        if let Err(errno) = Errno::check(status) {
            tracing::warn!(port = self.name, %errno, "the device could not be removed");
        }
    }
}

impl Port {
    /// Makes DPDK probe the device behind the name; a PCI device may have been probed
    /// when the environment started.
    ///
    /// The name must be [resolved](PortName::resolve).
    pub fn attach(_eal: Eal, name: &PortName) -> Result<Self, PortError> {
        let port = name.to_string();
        if let Some(interface) = name.source().interface() {
            if !interface::exists(interface) {
                return Err(PortError::NoInterface {
                    port,
                    interface: interface.to_owned(),
                    known: interface::names().join(", "),
                });
            }
            if !interface::is_up(interface).unwrap_or(true) {
                tracing::warn!(port, interface, "the interface is down, so it receives nothing");
            }
        }
        let device = name.device();
        // Before the driver maps memory for each of them.
        if let (Some(asked), Some(available)) = (name.queues(), name.source().max_queues())
            && asked > available
        {
            return Err(PortError::TooManyQueues {
                port,
                driver: device.name,
                direction: "receive",
                available,
                asked,
            });
        }
        let control = eal::control();
        let (mut failure, mut log) = (None, String::new());
        let mut found = find(&device.name);
        if found.is_none() {
            let probed;
            (probed, log) = log::capture(|| probe(&device));
            found = find(&device.name);
            failure = probed.err();
        }
        // A probe that reports success may still have made no port.
        let Some(id) = found else {
            return Err(match name.source() {
                Source::Pci(address) => PortError::NoPciPort { port, binding: PciBinding::of(*address), log },
                _ => PortError::Probe { port, errno: failure.unwrap_or(Errno::NO_DEVICE), log },
            });
        };
        drop(control);
        Self::new(id, port, device, Vec::new())
    }

    /// A port that receives what is put into rings, one queue for each ring (up to 16):
    /// for replay, measurements and tests. Packets keep what was set in them.
    pub fn from_rings(eal: Eal, name: &str, mut rings: Vec<Consumer>) -> Result<Self, PortError> {
        static SEQUENCE: AtomicU32 = AtomicU32::new(0);
        let label = format!("rings{}", SEQUENCE.fetch_add(1, Ordering::Relaxed));
        let device = Device {
            bus: "vdev",
            // The driver puts this before the name it is given.
            name: format!("net_ring_{label}"),
            parameters: String::new(),
            data_room: 0,
        };
        let label = CString::new(label).unwrap_or_default();
        let mut receive: Vec<_> = rings.iter().map(Consumer::as_ptr).collect();
        // The driver wants a transmit ring, though no transmit queue is set up.
        let (_, unused) = ring::ring(eal, 1, None).map_err(|error| PortError::Probe {
            port: name.to_owned(),
            errno: error.errno(),
            log: String::new(),
        })?;
        let mut transmit = [unused.as_ptr()];
        rings.push(unused);
        let control = eal::control();
        let (status, log) = log::capture(|| {
            // SAFETY: the rings live as long as the port, which has the only consumers of
            // them, and the numbers are those of the arrays.
            unsafe {
                dpdk_sys::rte_eth_from_rings(
                    label.as_ptr(),
                    receive.as_mut_ptr(),
                    receive.len() as u32,
                    transmit.as_mut_ptr(),
                    1,
                    0,
                )
            }
        });
        drop(control);
        let Ok(id) = u16::try_from(status) else {
            return Err(PortError::Probe { port: name.to_owned(), errno: Errno::last(), log });
        };
        Self::new(id, name.to_owned(), device, rings)
    }

    fn new(id: u16, name: String, device: Device, rings: Vec<Consumer>) -> Result<Self, PortError> {
        let capabilities = Capabilities::ask(id, &name)?;
        let inner = Inner {
            id,
            name,
            device,
            capabilities,
            started: AtomicBool::new(false),
            rx_queues: AtomicU32::new(0),
            _rings: rings,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The name it was attached by.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What the port can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.inner.capabilities
    }

    /// Bytes that the buffers of the port's pool must hold, at least.
    pub fn min_data_room(&self) -> u16 {
        self.inner.device.data_room
    }

    /// Sets the port up and starts it. Packets come in buffers of the pool, which should
    /// be on the port's NUMA node and have more buffers than all descriptors, rings and
    /// threads together can hold.
    ///
    /// Possible once for a port.
    pub fn start(&self, config: &PortConfig, pool: Mempool) -> Result<Queues, PortError> {
        let inner = &self.inner;
        let capabilities = &inner.capabilities;
        let tx_queues = if capabilities.driver == "net_tap" { config.rx_queues } else { config.tx_queues };
        self.check_queues("receive", config.rx_queues, capabilities.max_rx_queues)?;
        self.check_queues("transmit", tx_queues, capabilities.max_tx_queues)?;
        if pool.data_room() < inner.device.data_room {
            return Err(PortError::DataRoom {
                port: inner.name.clone(),
                has: pool.data_room(),
                needs: inner.device.data_room,
            });
        }
        let _control = eal::control();
        if inner.started.load(Ordering::Acquire) {
            return Err(PortError::AlreadyStarted { port: inner.name.clone() });
        }
        let mut conf = dpdk_sys::rte_eth_conf::default();
        if let Some(mtu) = config.mtu {
            if mtu < capabilities.min_mtu || mtu > capabilities.max_mtu {
                return Err(PortError::Mtu {
                    port: inner.name.clone(),
                    driver: capabilities.driver.clone(),
                    asked: mtu,
                    min: capabilities.min_mtu,
                    max: capabilities.max_mtu,
                });
            }
            conf.rxmode.mtu = mtu;
            // Ethernet header, two VLAN tags, checksum.
            if mtu.saturating_add(26) > u32::from(pool.data_room()) {
                conf.rxmode.offloads |= capabilities.rx_offloads & dpdk_sys::DPDK_RX_OFFLOAD_SCATTER;
            }
        }
        let mut key = symmetric_key(usize::from(capabilities.hash_key_size));
        let hashes = config.rx_queues > 1 && capabilities.can_hash(config.hashed_fields);
        if hashes {
            conf.rxmode.mq_mode = dpdk_sys::RTE_ETH_MQ_RX_RSS;
            conf.rxmode.offloads |= capabilities.rx_offloads & dpdk_sys::DPDK_RX_OFFLOAD_RSS_HASH;
            let rss = &mut conf.rx_adv_conf.rss_conf;
            rss.rss_hf = config.hashed_fields.rss_types() & capabilities.rss_types;
            rss.rss_key = key.as_mut_ptr();
            rss.rss_key_len = capabilities.hash_key_size;
        }
        self.step("configuring it", || {
            // SAFETY: the port exists and is stopped; the key outlives the call, which copies it.
            unsafe { dpdk_sys::rte_eth_dev_configure(inner.id, config.rx_queues, tx_queues, &raw const conf) }
        })?;
        let (mut rx_descriptors, mut tx_descriptors) = (config.rx_descriptors, 512);
        self.step("choosing the number of descriptors", || {
            // SAFETY: the port exists, and both pointers are to integers of the right type.
            unsafe {
                dpdk_sys::rte_eth_dev_adjust_nb_rx_tx_desc(
                    inner.id,
                    &raw mut rx_descriptors,
                    &raw mut tx_descriptors,
                )
            }
        })?;
        let node = capabilities.numa_node.unwrap_or(u32::MAX);
        for queue in 0..config.rx_queues {
            self.step("setting up a receive queue", || {
                // SAFETY: the port is configured for this queue; the pool is never freed.
                unsafe {
                    dpdk_sys::rte_eth_rx_queue_setup(
                        inner.id,
                        queue,
                        rx_descriptors,
                        node,
                        std::ptr::null(),
                        pool.as_ptr(),
                    )
                }
            })?;
        }
        for queue in 0..tx_queues {
            self.step("setting up a transmit queue", || {
                // SAFETY: the port is configured for this queue.
                unsafe {
                    dpdk_sys::rte_eth_tx_queue_setup(inner.id, queue, tx_descriptors, node, std::ptr::null())
                }
            })?;
        }
        // SAFETY: the port and its queues are set up.
        self.step("starting it", || unsafe { dpdk_sys::rte_eth_dev_start(inner.id) })?;
        inner.started.store(true, Ordering::Release);
        inner.rx_queues.store(u32::from(config.rx_queues), Ordering::Release);
        if config.promiscuous {
            self.receive_everything();
        }
        let rx = (0..config.rx_queues).map(|queue| RxQueue::new(Arc::clone(inner), queue)).collect();
        let tx = (0..config.tx_queues).map(|queue| TxQueue::new(Arc::clone(inner), queue)).collect();
        Ok(Queues { rx, tx, keeps_flows_together: hashes || config.rx_queues == 1 })
    }

    /// Drivers that have no addresses to filter by do not offer these modes, so their
    /// refusal is not an error.
    fn receive_everything(&self) {
        let id = self.inner.id;
        // SAFETY: the port is started.
        let statuses = unsafe {
            [
                ("promiscuous", dpdk_sys::rte_eth_promiscuous_enable(id)),
                ("all multicast", dpdk_sys::rte_eth_allmulticast_enable(id)),
            ]
        };
        for (mode, status) in statuses {
            match Errno::check(status) {
                Err(errno) if errno.code() != libc::ENOTSUP => {
                    tracing::warn!(port = self.inner.name, mode, %errno, "the mode was refused");
                }
                _ => {}
            }
        }
    }

    fn check_queues(&self, direction: &'static str, asked: u16, available: u16) -> Result<(), PortError> {
        if asked <= available {
            return Ok(());
        }
        Err(PortError::TooManyQueues {
            port: self.inner.name.clone(),
            driver: self.inner.capabilities.driver.clone(),
            direction,
            asked,
            available,
        })
    }

    /// Runs one call on the port and explains its failure.
    fn step(&self, step: &'static str, call: impl FnOnce() -> i32) -> Result<i32, PortError> {
        let (status, log) = log::capture(call);
        Errno::check(status).map_err(|errno| PortError::Refused {
            port: self.inner.name.clone(),
            driver: self.inner.capabilities.driver.clone(),
            step,
            errno,
            log,
        })
    }
}

/// Number of the port of that device.
fn find(device: &str) -> Option<u16> {
    let name = CString::new(device).ok()?;
    let mut id = 0;
    // SAFETY: the name is a terminated string, and `id` a uint16_t.
    let status = unsafe { dpdk_sys::rte_eth_dev_get_port_by_name(name.as_ptr(), &raw mut id) };
    (status == 0).then_some(id)
}

fn probe(device: &Device) -> Result<i32, Errno> {
    let text = |text: &str| CString::new(text).map_err(|_| Errno::INVALID);
    let (bus, name, parameters) = (text(device.bus)?, text(&device.name)?, text(&device.parameters)?);
    // SAFETY: all three are terminated strings.
    Errno::check(unsafe { dpdk_sys::rte_eal_hotplug_add(bus.as_ptr(), name.as_ptr(), parameters.as_ptr()) })
}

/// Copies a C string of DPDK that may be absent.
///
/// # Safety
///
/// `text` must be null or a terminated string.
unsafe fn owned(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for it.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
