//! The ports that the process receives from: attaching them, choosing how their packets
//! get to the workers, starting them.

use std::collections::BTreeMap;

use dpdk::interface::{self, Offload};
use dpdk::{
    Capabilities, DEFAULT_DATA_ROOM, Eal, HashedFields, Mempool, MempoolError, Port, PortConfig, PortError,
    PortName, PortNameError, RxQueue, Timestamps,
};

use crate::BURST;
use crate::balance::FullRing;
use crate::clock::PacketClock;

/// A port to receive from.
#[derive(Debug, Clone)]
pub struct PortSpec {
    /// What it is; resolved.
    pub name: PortName,
    /// What statistics call it.
    pub label: String,
    /// Receive queues; `None`: what suits the layout.
    pub queues: Option<u16>,
    /// Packets that a receive queue holds.
    pub descriptors: u16,
    /// Whether packets for other hosts are received.
    pub promiscuous: bool,
}

impl PortSpec {
    /// Packets that a receive queue holds unless told otherwise.
    pub const DESCRIPTORS: u16 = 2048;

    /// The ports that a name stands for, with everything else by default.
    pub fn resolve(name: &PortName) -> Result<Vec<Self>, PortNameError> {
        let spec = |name: PortName| Self {
            label: name.to_string(),
            queues: name.queues(),
            descriptors: Self::DESCRIPTORS,
            promiscuous: true,
            name,
        };
        Ok(name.resolve()?.into_iter().map(spec).collect())
    }
}

/// What all ports have in common.
#[derive(Debug, Clone)]
pub struct PortSettings {
    /// Largest packet without Ethernet header; `None`: what the driver takes by itself.
    pub mtu: Option<u32>,
    /// What ports hash, where they can.
    pub hashed_fields: HashedFields,
    /// Packets that a ring from a receiver to a worker holds.
    pub ring_capacity: u32,
    /// Packet buffers on each NUMA node; `None`: what queues, rings and threads can hold.
    pub buffers: Option<u32>,
    /// Whether merging of received segments is switched off on interfaces of the kernel.
    /// The analysis is of packets as they were on the wire.
    pub disable_merging: bool,
}

impl Default for PortSettings {
    fn default() -> Self {
        Self {
            mtu: None,
            hashed_fields: HashedFields::Addresses,
            ring_capacity: 4095,
            buffers: None,
            disable_merging: true,
        }
    }
}

/// Why the ports can not be used.
#[derive(Debug, thiserror::Error)]
pub enum PortsError {
    /// A port can not be attached or started.
    #[error(transparent)]
    Port(#[from] PortError),
    /// There is no memory for packets.
    #[error(transparent)]
    Memory(#[from] MempoolError),
}

/// How packets get from ports to workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Each worker polls a queue of every port.
    RunToCompletion,
    /// Receivers poll the queues, choose the worker by a hash in software and hand over
    /// through rings.
    Distribute,
}

impl Layout {
    /// Chooses for the given ports and number of workers.
    ///
    /// Workers can have queues of their own when every port has as many and keeps
    /// flows together by a symmetric hash, and when all ports agree where a flow belongs:
    /// its two directions may come in on two ports, as from an optical splitter. Hash and
    /// key are the same on all; a table that deals out queues in turn agrees with a
    /// shorter one if the number of queues divides both sizes.
    pub fn choose<'a>(
        mut ports: impl Iterator<Item = (&'a Capabilities, Option<u16>)>,
        workers: u16,
        fields: HashedFields,
    ) -> Self {
        let suits = |(port, queues): (&Capabilities, Option<u16>)| {
            workers == 1
                || (port.can_hash(fields)
                    && port.max_rx_queues >= workers
                    && port.reta_size.is_multiple_of(workers)
                    && queues.is_none_or(|queues| queues == workers))
        };
        if ports.all(suits) { Self::RunToCompletion } else { Self::Distribute }
    }
}

/// A port that DPDK has.
#[derive(Debug)]
pub struct Attached {
    port: Port,
    spec: PortSpec,
}

/// A port that receives.
#[derive(Debug)]
pub struct Started {
    /// What statistics call it.
    pub label: String,
    /// The port, for its counters.
    pub port: Port,
    /// Its queues.
    pub queues: Vec<RxQueue>,
    /// How its packets get their time.
    pub clock: PacketClock,
    /// What a receiver does when it can not hand its packets over.
    pub full_ring: FullRing,
}

/// Attaches ports.
pub fn attach(eal: Eal, ports: &[PortSpec], settings: &PortSettings) -> Result<Vec<Attached>, PortsError> {
    ports
        .iter()
        .map(|spec| {
            if settings.disable_merging
                && let Some(interface) = spec.name.source().interface()
                && interface::exists(interface)
            {
                disable_merging(interface);
            }
            let name =
                spec.queues.map_or_else(|| spec.name.clone(), |queues| spec.name.clone().with_queues(queues));
            Ok(Attached { port: Port::attach(eal, &name)?, spec: spec.clone() })
        })
        .collect()
}

/// A sensor that may not change the interface still works, with merged segments.
fn disable_merging(interface: &str) {
    for offload in Offload::RECEIVE {
        if let Err(error) = interface::set_offload(interface, offload, false) {
            tracing::warn!(interface, ?offload, %error, "the offload could not be switched off");
        }
    }
}

/// The layout for these ports.
pub fn layout(ports: &[Attached], workers: u16, settings: &PortSettings) -> Layout {
    let ports = ports.iter().map(|port| (port.port.capabilities(), port.spec.queues));
    Layout::choose(ports, workers, settings.hashed_fields)
}

impl Attached {
    /// NUMA node of the port.
    pub fn numa_node(&self) -> Option<u32> {
        self.port.capabilities().numa_node
    }

    /// Queues to set up: the workers' number where each has its own; otherwise what the
    /// name asks for, or one for each receiver where the port can spread packets.
    fn queues(&self, layout: Layout, workers: u16, receivers: u16, settings: &PortSettings) -> u16 {
        let capabilities = self.port.capabilities();
        match layout {
            Layout::RunToCompletion if workers > 1 => workers,
            Layout::RunToCompletion => self.spec.queues.unwrap_or(1),
            Layout::Distribute => self.spec.queues.unwrap_or_else(|| {
                let spreads = capabilities.can_hash(settings.hashed_fields);
                if spreads { receivers.min(capabilities.max_rx_queues).max(1) } else { 1 }
            }),
        }
    }
}

/// Starts all ports. Their packets are in pools on their NUMA nodes, with room for all
/// that queues, rings and threads can hold at once.
pub fn start(
    eal: Eal,
    ports: Vec<Attached>,
    layout: Layout,
    workers: u16,
    receivers: u16,
    settings: &PortSettings,
) -> Result<Vec<Started>, PortsError> {
    let stamps = Timestamps::register(eal).ok();
    let mut nodes: BTreeMap<Option<u32>, (u32, u16)> = BTreeMap::new();
    for port in &ports {
        let queues = port.queues(layout, workers, receivers, settings);
        let (descriptors, data_room) = nodes.entry(port.numa_node()).or_default();
        *descriptors += u32::from(queues) * u32::from(port.spec.descriptors);
        *data_room = port.port.min_data_room().max(DEFAULT_DATA_ROOM).max(*data_room);
    }
    let threads = u32::from(workers) + u32::from(receivers) + 1;
    let rings = match layout {
        Layout::RunToCompletion => 0,
        // A ring is as large as the next power of two.
        Layout::Distribute => {
            u32::from(workers) * u32::from(receivers) * settings.ring_capacity.next_power_of_two()
        }
    };
    let mut pools = BTreeMap::new();
    for (node, (descriptors, data_room)) in nodes {
        let needed = descriptors + rings + threads * (THREAD_BUFFERS + 2 * BURST as u32);
        // Pools are cheapest at one less than a power of two.
        let buffers = settings.buffers.unwrap_or_else(|| needed.next_power_of_two() - 1);
        pools.insert(node, Mempool::new(eal, buffers, data_room, node)?);
    }
    let mut started = Vec::new();
    for port in ports {
        let queues = port.queues(layout, workers, receivers, settings);
        let capabilities = port.port.capabilities();
        let Some(pool) = pools.get(&port.numa_node()) else { continue };
        let config = PortConfig {
            rx_queues: queues,
            tx_queues: 0,
            rx_descriptors: port.spec.descriptors,
            mtu: settings.mtu,
            hashed_fields: settings.hashed_fields,
            promiscuous: port.spec.promiscuous,
        };
        let queues = port.port.start(&config, *pool)?;
        tracing::info!(
            port = port.port.name(),
            driver = capabilities.driver,
            queues = queues.rx.len(),
            ?layout,
            "port started"
        );
        let clock = match (stamps, capabilities.epoch_stamp_unit) {
            (Some(stamps), Some(unit)) => PacketClock::Stamped { stamps, unit },
            _ => PacketClock::Host,
        };
        let full_ring = if port.spec.name.is_live() { FullRing::Drop } else { FullRing::Wait };
        started.push(Started {
            full_ring,
            label: port.spec.label,
            queues: queues.rx,
            clock,
            port: port.port,
        });
    }
    Ok(started)
}

/// Buffers that a thread's cache may hold back: one and a half times its size.
const THREAD_BUFFERS: u32 = 384;

#[cfg(test)]
mod tests;
