//! From the settings that the control process sends to what this process runs with.

use std::sync::Arc;
use std::time::Duration;

use control_socket::{Settings, Shunting};
use dpdk::{EalConfig, Memory, PortName, PortNameError};
use protocol::Subnet;
use record::{Addr, Format, Log, LogSet};

use crate::ports::{PortSettings, PortSpec};
use crate::{balance, lcores, sensor};

/// Workers that one receiver can keep busy.
const WORKERS_PER_RECEIVER: u16 = 8;

/// Bytes of memory for a packet buffer of ordinary size: what it holds, its head, and what
/// the pool adds.
const BUFFER_BYTES: u64 = 2048 + 448;

/// Megabytes for what is not packet buffers: queues, rings, DPDK's own.
const OTHER_MEGABYTES: u64 = 64;

/// Why settings can not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// They contradict themselves.
    #[error(transparent)]
    Settings(#[from] control_socket::SettingsError),
    /// A port's source is no port.
    #[error(transparent)]
    Port(#[from] PortNameError),
    /// A CPU is named that this process may not use.
    #[error("lcores: this process may not run on CPU {0}")]
    Lcore(u32),
    /// A log is named that does not exist.
    #[error("logs: there is no log \"{0}\"")]
    Log(String),
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}

/// What this process runs with.
#[derive(Debug)]
pub struct Configuration {
    /// For DPDK.
    pub eal: EalConfig,
    /// For ports and threads.
    pub sensor: sensor::Settings,
    /// For the spool.
    pub spool: spool::Settings,
}

impl Configuration {
    /// For a process that may run on `allowed` CPUs.
    pub fn new(settings: &Settings, allowed: &[usize]) -> Result<Self, ConfigurationError> {
        settings.validate()?;
        let cpus = cpus(settings, allowed)?;
        let ports = ports(settings)?;
        let workers = workers(settings, cpus.len());
        let receivers = workers.div_ceil(WORKERS_PER_RECEIVER);
        let housekeeping = lcores::place(&lcores::cpus(&cpus), 0, 0, None).housekeeping;
        let needed = needed_megabytes(&ports, workers, receivers);
        let megabytes = if settings.memory.megabytes == 0 { needed } else { settings.memory.megabytes };
        let memory = if settings.memory.no_hugepages {
            Memory::Ordinary { megabytes }
        } else {
            Memory::Auto { megabytes }
        };
        let pci = ports.iter().filter_map(|port| port.name.pci_allow()).collect();
        let mut spool = spool::Settings::new(&settings.spool.directory, settings.spool.bytes);
        spool.segment_bytes = settings.spool.segment_bytes;
        spool.segment_age = Duration::from_secs(settings.spool.segment_seconds);
        spool.writer = format!("baleen-dataplane {}", env!("CARGO_PKG_VERSION"));
        let seeds = Seeds::new(settings.seed)?;
        Ok(Self {
            eal: EalConfig { memory, pci, cpus: housekeeping, ..EalConfig::default() },
            sensor: sensor::Settings {
                ports,
                port: PortSettings {
                    buffers: (settings.memory.buffers > 0).then_some(settings.memory.buffers),
                    ..PortSettings::default()
                },
                workers,
                receivers,
                cpus,
                idle: None,
                balance: balance(&settings.balance),
                analysis: Arc::new(analysis(settings, workers, seeds)),
                offload_rules: settings.shunting.offload_rules as usize,
                format: Format::JsonWithPath,
                logs: logs(settings)?,
            },
            spool,
        })
    }
}

/// Whether the second settings can be used in place of the first while running: they
/// differ in what the analysis is told only.
pub fn is_live_change(running: &Settings, new: &Settings) -> bool {
    let fixed = |settings: &Settings| {
        let mut fixed = settings.clone();
        fixed.name = String::new();
        fixed.ignore_checksums = false;
        fixed.hash_files = true;
        fixed.local_networks = Vec::new();
        // Rules in ports are set up at the start.
        let Shunting { offload_bytes, offload_rules, .. } = settings.shunting;
        fixed.shunting = Shunting { offload_bytes, offload_rules, ..Shunting::default() };
        fixed.balance = control_socket::Balance::default();
        fixed
    };
    fixed(running) == fixed(new)
}

/// The analysis' settings after a [live change](is_live_change).
pub fn changed_analysis(new: &Settings, running: &sensor::Settings) -> Arc<worker::Settings> {
    let old = &running.analysis;
    let seeds = Seeds { id_key: old.id_key, table: old.table_seed };
    Arc::new(analysis(new, running.workers, seeds))
}

/// When buckets move, from the settings of the same name.
pub fn balance(settings: &control_socket::Balance) -> balance::Settings {
    balance::Settings {
        enabled: settings.enabled,
        start: settings.start,
        target: settings.target,
        interval: Duration::from_millis(settings.interval_milliseconds),
    }
}

/// What must not be known to others, or be the same in repeated runs.
#[derive(Debug, Clone, Copy)]
struct Seeds {
    id_key: [u8; 16],
    table: u64,
}

impl Seeds {
    fn new(seed: Option<u64>) -> Result<Self, getrandom::Error> {
        let mut id_key = [0; 16];
        match seed {
            Some(seed) => id_key = worker::seeded_id_key(seed),
            None => getrandom::fill(&mut id_key)?,
        }
        Ok(Self { id_key, table: getrandom::u64()? })
    }
}

fn cpus(settings: &Settings, allowed: &[usize]) -> Result<Vec<usize>, ConfigurationError> {
    if settings.lcores.is_empty() {
        return Ok(allowed.to_vec());
    }
    let usable = |&lcore: &u32| {
        let cpu = lcore as usize;
        if allowed.contains(&cpu) { Ok(cpu) } else { Err(ConfigurationError::Lcore(lcore)) }
    };
    settings.lcores.iter().map(usable).collect()
}

fn ports(settings: &Settings) -> Result<Vec<PortSpec>, ConfigurationError> {
    let mut ports = Vec::new();
    for port in &settings.ports {
        let name: PortName = port.source.parse()?;
        let resolved = PortSpec::resolve(&name)?;
        let several = resolved.len() > 1;
        for (number, mut spec) in resolved.into_iter().enumerate() {
            if !port.name.is_empty() {
                spec.label = if several { format!("{}-{number}", port.name) } else { port.name.clone() };
            }
            if port.queues > 0 {
                spec.queues = Some(port.queues);
            }
            if port.descriptors > 0 {
                spec.descriptors = port.descriptors;
            }
            spec.promiscuous = port.promiscuous;
            ports.push(spec);
        }
    }
    Ok(ports)
}

/// Workers asked for, or one for each CPU but one, which is left to the rest of the process.
fn workers(settings: &Settings, cpus: usize) -> u16 {
    let workers = if settings.workers == 0 { cpus.saturating_sub(1) as u32 } else { settings.workers };
    u16::try_from(workers).unwrap_or(u16::MAX).max(1)
}

/// Memory for the buffers of the dearest layout: every queue, ring and thread full.
fn needed_megabytes(ports: &[PortSpec], workers: u16, receivers: u16) -> u32 {
    let (workers, receivers) = (u64::from(workers), u64::from(receivers));
    let queues: u64 =
        ports.iter().map(|port| u64::from(port.descriptors) * port.queues.map_or(workers, u64::from)).sum();
    let rings = workers * receivers * 4096;
    let threads = (workers + receivers + 1) * 512;
    let buffers = (queues + rings + threads).next_power_of_two();
    (buffers * BUFFER_BYTES / (1 << 20) + OTHER_MEGABYTES) as u32
}

fn logs(settings: &Settings) -> Result<LogSet, ConfigurationError> {
    if settings.logs.is_empty() {
        return Ok(LogSet::ALL);
    }
    settings.logs.iter().try_fold(LogSet::NONE, |set, name| {
        let log = Log::ALL.iter().find(|log| log.name() == name);
        log.map(|log| set.with(*log)).ok_or_else(|| ConfigurationError::Log(name.clone()))
    })
}

fn analysis(settings: &Settings, workers: u16, seeds: Seeds) -> worker::Settings {
    let mut analysis = worker::Settings::default();
    let limits = &settings.limits;
    let share = |of_all: u64| (of_all / u64::from(workers)).max(1);
    analysis.decode.verify_checksums = !settings.ignore_checksums;
    analysis.fragments.max_bytes = share(limits.fragment_bytes) as usize;
    analysis.flow.limits.flows = share(limits.flows).min(u64::from(u32::MAX - 1)) as u32;
    analysis.flow.limits.buffered_bytes = limits.reassembly_bytes_per_flow;
    analysis.flow.limits.total_buffered_bytes = share(limits.reassembly_bytes);
    analysis.analysis.hash_files = settings.hash_files;
    analysis.id_key = seeds.id_key;
    analysis.table_seed = seeds.table;
    let shunting = &settings.shunting;
    analysis.decode.defer_payload = shunting.enabled && !shunting.verify_checksums;
    analysis.shunting.enabled = shunting.enabled;
    analysis.shunting.tcp = shunting.tcp_bytes.unwrap_or(u64::MAX);
    analysis.shunting.offload = shunting.offload_bytes.unwrap_or(u64::MAX);
    analysis.shunting.udp = shunting.udp_bytes.unwrap_or(u64::MAX);
    analysis.analysis.hash_limit = shunting.hash_bytes.unwrap_or(u64::MAX);
    if !settings.name.is_empty() {
        analysis.analysis.peer.clone_from(&settings.name);
    }
    if !settings.local_networks.is_empty() {
        let subnet = |network: &control_socket::Network| {
            let mapped = if network.address().is_ipv4() { 96 } else { 0 };
            Subnet { address: Addr::from(network.address()), prefix: network.prefix().saturating_add(mapped) }
        };
        analysis.analysis.local_networks = settings.local_networks.iter().map(subnet).collect();
    }
    analysis
}

#[cfg(test)]
mod tests;
