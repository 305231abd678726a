//! What the dataplane needs to know to run.

use std::{collections::BTreeSet, fmt, net::IpAddr, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize, de};
use thiserror::Error;

/// Settings of the dataplane. Strict: unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name of the sensor in records; empty: `baleen`.
    #[serde(default)]
    pub name: String,
    /// Where packets come from, at least one.
    pub ports: Vec<Port>,
    /// Worker lcores; 0: one for each CPU of `lcores` that nothing else needs.
    #[serde(default)]
    pub workers: u32,
    /// CPUs that may be used; none: those that the process may run on.
    #[serde(default)]
    pub lcores: Vec<u32>,
    /// Memory for packets.
    #[serde(default)]
    pub memory: Memory,
    /// Whether packets with wrong IP, TCP, UDP and ICMP checksums are analyzed like others.
    #[serde(default)]
    pub ignore_checksums: bool,
    /// Whether MD5, SHA-1 and SHA-256 of files are computed.
    #[serde(default = "yes")]
    pub hash_files: bool,
    /// What bounds state.
    #[serde(default)]
    pub limits: Limits,
    /// Which payload is not looked at.
    #[serde(default)]
    pub shunting: Shunting,
    /// When traffic moves from busy workers to others.
    #[serde(default)]
    pub balance: Balance,
    /// Networks of this site.
    #[serde(default)]
    pub local_networks: Vec<Network>,
    /// Where records go.
    pub spool: Spool,
    /// Names of the logs that are written; none: all.
    #[serde(default)]
    pub logs: BTreeSet<String>,
    /// Makes unique ids repeatable, for tests; none: from the system's random numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// A source of packets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// What it is: `pci:0000:17:02.1`, `af_packet:eth1`, `af_xdp:eth1`, `env:VARIABLE` and so on.
    pub source: String,
    /// What logs and statistics call it; empty: as `source`.
    #[serde(default)]
    pub name: String,
    /// Receive queues; 0: one for each worker, or as many as it has.
    #[serde(default)]
    pub queues: u16,
    /// Receive descriptors of each queue; 0: as the driver suggests.
    #[serde(default)]
    pub descriptors: u16,
    /// Whether packets for other hosts are received, as a sensor wants it.
    #[serde(default = "yes")]
    pub promiscuous: bool,
}

fn yes() -> bool {
    true
}

impl Port {
    /// What logs and statistics call it.
    pub fn label(&self) -> &str {
        if self.name.is_empty() { &self.source } else { &self.name }
    }
}

/// Memory for packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// Without hugepages: slower, and only for ports that need no DMA.
    pub no_hugepages: bool,
    /// Megabytes on each NUMA node that has a port; 0: what the packet buffers need.
    pub megabytes: u32,
    /// Packet buffers of each port; 0: what its queues and workers need.
    pub buffers: u32,
}

/// What bounds state. Hits are counted in the statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Flows over all workers.
    pub flows: u64,
    /// Bytes held for TCP reassembly over all workers.
    pub reassembly_bytes: u64,
    /// Bytes held for TCP reassembly of one direction of a flow.
    pub reassembly_bytes_per_flow: u64,
    /// Bytes held for IP fragments over all workers.
    pub fragment_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 1 << 20,
            reassembly_bytes: 512 << 20,
            reassembly_bytes_per_flow: 1 << 20,
            fragment_bytes: 64 << 20,
        }
    }
}

/// Which payload is not looked at. By default only that from which nothing more can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shunting {
    /// Whether packets whose payload no analyzer wants take the short path.
    pub enabled: bool,
    /// Whether the checksums of such packets are verified.
    pub verify_checksums: bool,
    /// Bytes of IP packets of a TCP connection after which no more is analyzed; none: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp_bytes: Option<u64>,
    /// Bytes of IP packets of a UDP flow after which no more is analyzed; none: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp_bytes: Option<u64>,
    /// Files of more bytes than this are not hashed; none: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_bytes: Option<u64>,
    /// Flows that have sent so many bytes on the short path are dropped and counted by the port, where it can; none:
    /// never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offload_bytes: Option<u64>,
    /// Most rules in each port.
    pub offload_rules: u32,
}

impl Default for Shunting {
    fn default() -> Self {
        Self {
            enabled: true,
            verify_checksums: true,
            tcp_bytes: None,
            udp_bytes: None,
            hash_bytes: None,
            offload_bytes: None,
            offload_rules: 1024,
        }
    }
}

/// When traffic moves from busy workers to others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Balance {
    /// Whether any does.
    pub enabled: bool,
    /// Load of the busiest worker, as a multiple of the mean, above which buckets move.
    pub start: f64,
    /// Load of the busiest worker, as a multiple of the mean, that is then enough.
    pub target: f64,
    /// Milliseconds between measurements.
    pub interval_milliseconds: u64,
}

impl Default for Balance {
    fn default() -> Self {
        Self { enabled: true, start: 1.25, target: 1.1, interval_milliseconds: 1000 }
    }
}

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spool {
    /// The spool directory, absolute.
    pub directory: PathBuf,
    /// Most bytes of all segments together; past that, records are dropped and counted.
    #[serde(default = "spool_bytes")]
    pub bytes: u64,
    /// Bytes of one segment.
    #[serde(default = "segment_bytes")]
    pub segment_bytes: u64,
    /// Seconds after which a segment is sealed.
    #[serde(default = "segment_seconds")]
    pub segment_seconds: u64,
}

fn spool_bytes() -> u64 {
    8 << 30
}

fn segment_bytes() -> u64 {
    64 << 20
}

fn segment_seconds() -> u64 {
    60
}

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{key}: {problem}")]
pub struct SettingsError {
    /// The key, as it is written: `ports[1].source`.
    pub key: String,
    /// What is wrong with its value.
    pub problem: &'static str,
}

impl Settings {
    /// Settings for these ports and this spool, everything else by default.
    pub fn new(ports: Vec<Port>, spool: Spool) -> Self {
        Self {
            name: String::new(),
            ports,
            workers: 0,
            lcores: Vec::new(),
            memory: Memory::default(),
            ignore_checksums: false,
            hash_files: true,
            limits: Limits::default(),
            shunting: Shunting::default(),
            balance: Balance::default(),
            local_networks: Vec::new(),
            spool,
            logs: BTreeSet::new(),
            seed: None,
        }
    }

    /// Checks what can be checked without looking at the host.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let wrong = |key: &str, problem| Err(SettingsError { key: key.to_owned(), problem });
        if self.ports.is_empty() {
            return wrong("ports", "there must be at least one");
        }
        let mut labels = BTreeSet::new();
        for (number, port) in self.ports.iter().enumerate() {
            if !port
                .source
                .split_once(':')
                .is_some_and(|(kind, rest)| !kind.is_empty() && (!rest.is_empty() || kind == "null"))
            {
                return wrong(
                    &format!("ports[{number}].source"),
                    "must have the form kind:name, as in af_packet:eth1",
                );
            }
            if !labels.insert(port.label()) {
                return wrong(&format!("ports[{number}].name"), "another port has the same");
            }
        }
        if self.shunting.offload_bytes.is_some() && !self.shunting.enabled {
            return wrong("shunting.offload_bytes", "needs shunting.enabled");
        }
        let mut lcores = BTreeSet::new();
        if !self.lcores.iter().all(|lcore| lcores.insert(*lcore)) {
            return wrong("lcores", "a CPU is named twice");
        }
        if !self.lcores.is_empty() && self.workers as usize > self.lcores.len() {
            return wrong("workers", "more than there are lcores");
        }
        let limits = &self.limits;
        for (key, limit) in [
            ("limits.flows", limits.flows),
            ("limits.reassembly_bytes", limits.reassembly_bytes),
            ("limits.reassembly_bytes_per_flow", limits.reassembly_bytes_per_flow),
            ("limits.fragment_bytes", limits.fragment_bytes),
            ("spool.bytes", self.spool.bytes),
            ("spool.segment_bytes", self.spool.segment_bytes),
            ("spool.segment_seconds", self.spool.segment_seconds),
        ] {
            if limit == 0 {
                return wrong(key, "must not be 0");
            }
        }
        let balance = &self.balance;
        if !balance.target.is_finite() || balance.target < 1.0 {
            return wrong("balance.target", "must be a number from 1 on");
        }
        if !balance.start.is_finite() || balance.start < balance.target {
            return wrong("balance.start", "must not be below balance.target");
        }
        if balance.interval_milliseconds < 10 {
            return wrong("balance.interval_milliseconds", "must be 10 or more");
        }
        if !self.spool.directory.is_absolute() {
            return wrong("spool.directory", "must be an absolute path");
        }
        if self.spool.segment_bytes > self.spool.bytes {
            return wrong("spool.segment_bytes", "more than spool.bytes");
        }
        Ok(())
    }
}

/// An IP network, `10.0.0.0/8`; an address alone is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// What is before the slash is no address.
    #[error("not an IP address")]
    Address,
    /// What is after it is no number from 0 to 32, or 128 for IPv6.
    #[error("not a prefix length")]
    Prefix,
}

impl Network {
    /// The address as written; bits beyond the prefix may be set.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Bits that count, from the left.
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= longest).ok_or(NetworkError::Prefix)?
            }
            Some(_) => return Err(NetworkError::Prefix),
        };
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| de::Error::custom(format_args!("{text:?}: {error}")))
    }
}
