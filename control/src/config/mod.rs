//! The configuration file: one TOML document, validated as a whole.
//!
//! The structs here are its only definition: names, defaults and documentation. `docs/reference/configuration.md` is
//! generated from them.

mod load;
mod settings;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use load::{ConfigError, load};

/// Where the configuration is unless told otherwise.
pub(crate) const DEFAULT_FILE: &str = "/etc/baleen/baleen.toml";

/// Configuration of a sensor.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Name of the sensor, in every record that names a node. Default: the host's name.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Where packets come from; at least one.
    #[serde(rename = "port")]
    pub(crate) ports: Vec<Port>,
    /// The poll-mode process.
    #[serde(default)]
    pub(crate) dataplane: Dataplane,
    /// When traffic moves from busy workers to others.
    #[serde(default)]
    pub(crate) balance: Balance,
    /// What is analyzed, and how.
    #[serde(default)]
    pub(crate) analysis: Analysis,
    /// Bounds of memory.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// Which payload is not looked at.
    #[serde(default)]
    pub(crate) shunting: Shunting,
    /// The log files.
    #[serde(default)]
    pub(crate) logs: Logs,
    /// The spool between dataplane and control process.
    #[serde(default)]
    pub(crate) spool: Spool,
    /// Sockets and state of this run.
    #[serde(default)]
    pub(crate) runtime: Runtime,
}

/// A port to capture from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Port {
    /// What it is: `pci:0000:17:02.1`, `env:PCIDEVICE_...`, `af_packet:eth1`, `pcap_live:eth1`, `af_xdp:eth1`,
    /// `tap:name`, `memif:...`, `pcap:file`, `null:`.
    pub(crate) name: String,
    /// Receive queues. Default: as many as the port can have, up to the number of workers.
    #[serde(default)]
    pub(crate) queues: Option<u16>,
}

/// The poll-mode process.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Dataplane {
    /// Worker lcores.
    pub(crate) workers: u16,
    /// CPUs for workers and receivers. Default: those that the process may use.
    pub(crate) lcores: Vec<u32>,
    /// Memory for packet buffers.
    #[schemars(with = "String")]
    pub(crate) memory: ByteSize,
    /// Analyze packets with wrong checksums too.
    pub(crate) ignore_checksums: bool,
    /// The program; default: `baleen-dataplane` beside this one, else in the search path.
    pub(crate) program: Option<PathBuf>,
}

/// When traffic moves from busy workers to others. Where the port deals packets out to the workers in hardware, the
/// balance is measured only.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Balance {
    /// Whether any does.
    pub(crate) enabled: bool,
    /// Load of the busiest worker, as a multiple of the mean, above which traffic moves.
    pub(crate) start: f64,
    /// Load of the busiest worker, as a multiple of the mean, that is then enough; at least 1.
    pub(crate) target: f64,
    /// Time between measurements, and least time between a move and the next.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub(crate) interval: Duration,
}

/// What is analyzed, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Analysis {
    /// Networks whose hosts count as local, in CIDR form. Default: all private and special-purpose networks.
    #[schemars(with = "Option<Vec<String>>")]
    pub(crate) local_networks: Option<Vec<IpNet>>,
    /// Compute MD5, SHA-1 and SHA-256 of files.
    pub(crate) hash_files: bool,
    /// Make the unique ids repeatable: for tests only.
    pub(crate) seed: Option<u64>,
}

/// Bounds of memory, for each worker.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Connections tracked; above it the one idle for longest is ended.
    pub(crate) flows: u32,
    /// Payload that TCP reassembly may hold.
    #[schemars(with = "String")]
    pub(crate) reassembly: ByteSize,
    /// Payload that TCP reassembly may hold for one direction of a connection.
    #[schemars(with = "String")]
    pub(crate) reassembly_per_stream: ByteSize,
    /// Fragments of IP packets that wait for others.
    #[schemars(with = "String")]
    pub(crate) fragments: ByteSize,
}

/// Which payload is not looked at.
///
/// Packets with payload that no analyzer wants any more take a short path: they are counted, and cost no more than their
/// headers. That is what TLS and DTLS send after the handshake, SSH after the login, what nobody recognizes, what QUIC
/// sends in packets with short headers, and bodies of HTTP and FTP whose type is known and whose hashes are not wanted.
/// It changes nothing in the logs. Every limit below does: what comes after it is missing in them, but always counted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Shunting {
    /// Whether there is a short path at all.
    pub(crate) enabled: bool,
    /// Verify the checksums of packets on the short path too, as of all others: it reads their payload. Off, corrupt
    /// packets of such a flow count like intact ones.
    pub(crate) verify_checksums: bool,
    /// Payload of a TCP connection, of both directions together, after which no more is analyzed. Default: no limit.
    #[schemars(with = "Option<String>")]
    pub(crate) tcp: Option<ByteSize>,
    /// Payload of a UDP flow, of both directions together, after which no more is analyzed, but for tunnels. Default: no
    /// limit.
    #[schemars(with = "Option<String>")]
    pub(crate) udp: Option<ByteSize>,
    /// Files longer than this are not hashed; those of which the length is told, from their beginning on. Default: no
    /// limit.
    #[schemars(with = "Option<String>")]
    pub(crate) hash: Option<ByteSize>,
    /// Payload on the short path after which a direction of a flow is dropped and counted by the port itself, if it can
    /// match TCP without FIN, SYN and RST. Counts stay exact; retransmissions and oddities in what is dropped do not
    /// show in the history. Default: never.
    #[schemars(with = "Option<String>")]
    pub(crate) offload: Option<ByteSize>,
    /// Most flows that are dropped by each port at a time.
    pub(crate) offload_rules: u32,
}

/// The log files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Logs {
    /// Directory of the log files.
    pub(crate) directory: PathBuf,
    /// How long a file is written before it gets its archive name; 0 for never.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub(crate) rotate: Duration,
    /// Logs that are not written.
    pub(crate) exclude: Vec<String>,
}

/// The spool between dataplane and control process.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Spool {
    /// Directory of the segments.
    pub(crate) directory: PathBuf,
    /// Most that the segments may take; records beyond it are dropped and counted.
    #[schemars(with = "String")]
    pub(crate) size: ByteSize,
}

/// Sockets and state of this run.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Runtime {
    /// Directory of the control sockets; only its owner may enter it.
    pub(crate) directory: PathBuf,
}

impl Default for Dataplane {
    fn default() -> Self {
        Self {
            workers: 1,
            lcores: Vec::new(),
            memory: ByteSize::mib(256),
            ignore_checksums: false,
            program: None,
        }
    }
}

impl Default for Balance {
    fn default() -> Self {
        Self { enabled: true, start: 1.25, target: 1.1, interval: Duration::from_secs(1) }
    }
}

impl Default for Analysis {
    fn default() -> Self {
        Self { local_networks: None, hash_files: true, seed: None }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 1_000_000,
            reassembly: ByteSize::mib(512),
            reassembly_per_stream: ByteSize::mib(1),
            fragments: ByteSize::mib(16),
        }
    }
}

impl Default for Shunting {
    fn default() -> Self {
        Self {
            enabled: true,
            verify_checksums: true,
            tcp: None,
            udp: None,
            hash: None,
            offload: None,
            offload_rules: 1024,
        }
    }
}

impl Default for Logs {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/log/baleen"),
            rotate: Duration::from_secs(3600),
            exclude: Vec::new(),
        }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self { directory: PathBuf::from("/var/spool/baleen"), size: ByteSize::gib(4) }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self { directory: PathBuf::from("/run/baleen") }
    }
}
