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
    /// What is analyzed, and how.
    #[serde(default)]
    pub(crate) analysis: Analysis,
    /// Bounds of memory.
    #[serde(default)]
    pub(crate) limits: Limits,
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
