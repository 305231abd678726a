//! Names of ports: what to receive from, as a person writes it.
//!
//! A name is `kind:target`, and options `,key=value` behind it. Options are those of the
//! driver behind the kind; DPDK's documentation of the driver explains them.
//!
//! | name | what | driver | options |
//! | --- | --- | --- | --- |
//! | `pci:0000:17:02.1` | network card, or virtual function of one | by device | any |
//! | `env:NAME` | the PCI devices listed in an environment variable, as the SR-IOV device plugin sets it | by device | any |
//! | `af_packet:eth1` | interface of the kernel, several queues | `net_af_packet` | `queues`, `framecnt`, `framesz`, `blocksz` |
//! | `pcap_live:eth1` | interface of the kernel, one queue, exact counts of lost packets | `net_pcap` | |
//! | `af_xdp:eth1` | interface of the kernel, through XDP | `net_af_xdp` | `queues`, `start_queue`, `busy_budget`, `force_copy` |
//! | `tap:sensor0` | new interface of the kernel | `net_tap` | `remote`, `mac`, `persist` |
//! | `memif:/run/memif.sock` | shared memory with another process | `net_memif` | `id`, `role`, `bsize`, `rsize`, `secret`, `zero-copy`, `socket-abstract` |
//! | `virtio_user:/run/vhost.sock` | shared memory with a virtual switch | `net_virtio_user` | `queues`, `queue_size`, `server`, `mac` |
//! | `pcap:/data/trace.pcap` | file | `net_pcap` | `infinite` |
//! | `null:` | endless empty packets, for measurements | `net_null` | `size`, `copy`, `no-rx` |

use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::str::FromStr;

use crate::interface;
use crate::pci::PciAddress;

mod driver;

pub(crate) use driver::Device;

/// What a port receives from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// A PCI device.
    Pci(PciAddress),
    /// The PCI devices that an environment variable lists.
    PciFromEnvironment(String),
    /// An interface of the kernel, by AF_PACKET.
    AfPacket(String),
    /// An interface of the kernel, by libpcap.
    PcapLive(String),
    /// An interface of the kernel, by AF_XDP.
    AfXdp(String),
    /// A new TAP interface of the kernel.
    Tap(String),
    /// A memif socket.
    Memif(String),
    /// A vhost-user socket.
    VirtioUser(String),
    /// A pcap file, by DPDK's reader.
    Pcap(String),
    /// Empty packets.
    Null,
}

impl Source {
    /// Receive queues that such a port has at most, where that is known before it is made: members of a fanout group of
    /// AF_PACKET sockets (packet(7)), queues of a TAP interface (`RTE_PMD_TAP_MAX_QUEUES`), one with libpcap.
    pub const fn max_queues(&self) -> Option<u16> {
        match self {
            Self::AfPacket(_) => Some(256),
            Self::Tap(_) => Some(16),
            Self::PcapLive(_) => Some(1),
            _ => None,
        }
    }

    /// Word before the colon.
    fn kind(&self) -> &'static str {
        match self {
            Self::Pci(_) => "pci",
            Self::PciFromEnvironment(_) => "env",
            Self::AfPacket(_) => "af_packet",
            Self::PcapLive(_) => "pcap_live",
            Self::AfXdp(_) => "af_xdp",
            Self::Tap(_) => "tap",
            Self::Memif(_) => "memif",
            Self::VirtioUser(_) => "virtio_user",
            Self::Pcap(_) => "pcap",
            Self::Null => "null",
        }
    }

    /// The interface of the kernel that is captured from, if it is one.
    pub fn interface(&self) -> Option<&str> {
        match self {
            Self::AfPacket(name) | Self::PcapLive(name) | Self::AfXdp(name) => Some(name),
            _ => None,
        }
    }
}

/// Name of a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PortName {
    source: Source,
    options: Vec<(String, String)>,
}

/// The text names no port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortNameError {
    /// No such kind of port.
    #[error(
        "\"{0}\" does not start with a kind of port: pci:, env:, af_packet:, pcap_live:, af_xdp:, tap:, \
         memif:, virtio_user:, pcap: or null:"
    )]
    Kind(String),
    /// Nothing, or something unusable, behind the kind.
    #[error("port \"{port}\": {reason}")]
    Target {
        /// The name.
        port: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An option that the kind does not have.
    #[error("port \"{port}\" has no option \"{option}\"; there are: {known}")]
    Option {
        /// The name.
        port: String,
        /// The unknown option.
        option: String,
        /// Those that are known.
        known: String,
    },
    /// An option's value is unusable.
    #[error("port \"{port}\": option \"{option}\" is not key=value with a usable value")]
    Value {
        /// The name.
        port: String,
        /// The option.
        option: String,
    },
    /// The environment variable of an `env:` name is absent, or lists no PCI devices.
    #[error("port \"{port}\": {reason}")]
    Environment {
        /// The name.
        port: String,
        /// What is wrong with the variable.
        reason: String,
    },
}

impl FromStr for PortName {
    type Err = PortNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad_target = |reason: String| PortNameError::Target { port: text.to_owned(), reason };
        let (kind, rest) = text.split_once(':').ok_or_else(|| PortNameError::Kind(text.to_owned()))?;
        let mut parts = rest.split(',');
        let target = parts.next().unwrap_or_default();
        let owned = || {
            // DPDK's own syntax of device parameters has no way to quote these.
            if target.is_empty() {
                Err(bad_target(format!("nothing stands behind \"{kind}:\"")))
            } else if target.contains(['[', ']', '"', '\0']) {
                Err(bad_target("a name with [, ] or \" can not be passed to DPDK".into()))
            } else {
                Ok(target.to_owned())
            }
        };
        let source = match kind {
            "pci" => Source::Pci(
                target.parse().map_err(|error: crate::PciAddressError| bad_target(error.to_string()))?,
            ),
            "env" => Source::PciFromEnvironment(owned()?),
            "af_packet" => Source::AfPacket(owned()?),
            "pcap_live" => Source::PcapLive(owned()?),
            "af_xdp" => Source::AfXdp(owned()?),
            "tap" => Source::Tap(owned()?),
            "memif" => Source::Memif(owned()?),
            "virtio_user" => Source::VirtioUser(owned()?),
            "pcap" => Source::Pcap(owned()?),
            "null" if target.is_empty() => Source::Null,
            "null" => return Err(bad_target("nothing may stand behind \"null:\"".into())),
            _ => return Err(PortNameError::Kind(text.to_owned())),
        };
        let mut options = Vec::new();
        for option in parts {
            let bad = || PortNameError::Value { port: text.to_owned(), option: option.to_owned() };
            let (key, value) = option.split_once('=').ok_or_else(bad)?;
            if value.is_empty() || value.contains(['[', ']', '"', '\0']) || key.contains('\0') {
                return Err(bad());
            }
            if let Some(known) = driver::options(&source)
                && !known.iter().any(|(name, _)| *name == key)
            {
                let known: Vec<_> = known.iter().map(|(name, _)| *name).collect();
                return Err(PortNameError::Option {
                    port: text.to_owned(),
                    option: key.to_owned(),
                    known: if known.is_empty() { "none".into() } else { known.join(", ") },
                });
            }
            if key == "queues" && !value.parse::<u16>().is_ok_and(|queues| queues > 0) {
                return Err(bad());
            }
            options.push((key.to_owned(), value.to_owned()));
        }
        Ok(Self { source, options })
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.source.kind())?;
        match &self.source {
            Source::Pci(address) => write!(f, "{address}")?,
            Source::PciFromEnvironment(target)
            | Source::AfPacket(target)
            | Source::PcapLive(target)
            | Source::AfXdp(target)
            | Source::Tap(target)
            | Source::Memif(target)
            | Source::VirtioUser(target)
            | Source::Pcap(target) => f.write_str(target)?,
            Source::Null => {}
        }
        self.options.iter().try_for_each(|(key, value)| write!(f, ",{key}={value}"))
    }
}

impl PortName {
    /// What it receives from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether its packets come as they happen, not from a file.
    pub fn is_live(&self) -> bool {
        !matches!(self.source, Source::Pcap(_))
    }

    /// Value of an option.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Receive queues asked for by the option `queues`.
    pub fn queues(&self) -> Option<u16> {
        self.option("queues").and_then(|value| value.parse().ok())
    }

    /// The same name with so many queues, where the kind has the option `queues` and it is
    /// not given yet.
    #[must_use]
    pub fn with_queues(mut self, queues: u16) -> Self {
        let known = driver::options(&self.source).unwrap_or_default();
        if known.iter().any(|(name, _)| *name == "queues") && self.queues().is_none() {
            self.options.push(("queues".into(), queues.to_string()));
        }
        self
    }

    /// The ports that this name stands for: one for each PCI device that the variable
    /// of an `env:` name lists, itself in all other cases.
    pub fn resolve(&self) -> Result<Vec<Self>, PortNameError> {
        self.resolve_with(|name| env::var_os(name).map(|value| OsStr::to_string_lossy(&value).into_owned()))
    }

    fn resolve_with(&self, environment: impl Fn(&str) -> Option<String>) -> Result<Vec<Self>, PortNameError> {
        let Source::PciFromEnvironment(variable) = &self.source else {
            return Ok(vec![self.clone()]);
        };
        let failed = |reason| PortNameError::Environment { port: self.to_string(), reason };
        let value =
            environment(variable).ok_or_else(|| failed(format!("the variable {variable} is not set")))?;
        let addresses: Vec<PciAddress> = value
            .split(',')
            .map(str::trim)
            .filter(|address| !address.is_empty())
            .map(|address| address.parse().map_err(|error| failed(format!("{variable}: {error}"))))
            .collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(failed(format!("the variable {variable} is empty")));
        }
        Ok(addresses
            .into_iter()
            .map(|address| Self { source: Source::Pci(address), options: self.options.clone() })
            .collect())
    }

    /// Entry for [`EalConfig::pci`](crate::EalConfig::pci), if the port is a PCI device.
    pub fn pci_allow(&self) -> Option<String> {
        let Source::Pci(address) = &self.source else { return None };
        let options = self.options.iter().map(|(key, value)| format!(",{key}={value}"));
        Some(address.to_string() + &options.collect::<String>())
    }

    /// The device that DPDK has to make, or find, for this port.
    pub(crate) fn device(&self) -> Device {
        let mtu = self.source.interface().and_then(|name| interface::mtu(name).ok()).unwrap_or(1500);
        Device::new(self, mtu, interface::lockable_memory())
    }
}

#[cfg(test)]
mod tests;
