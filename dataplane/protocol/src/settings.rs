//! What analyzers are told by the configuration.

use record::Addr;

/// A network in CIDR form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// Network address; IPv4 as mapped IPv6.
    pub address: Addr,
    /// Prefix length in bits, 0 to 128; for IPv4 the 96 bits of the mapping are included.
    pub prefix: u8,
}

impl Subnet {
    /// An IPv4 network; `prefix` is 0 to 32.
    pub const fn v4(octets: [u8; 4], prefix: u8) -> Self {
        Self { address: Addr::v4(octets), prefix: prefix.saturating_add(96) }
    }

    /// An IPv6 network; `prefix` is 0 to 128.
    pub const fn v6(octets: [u8; 16], prefix: u8) -> Self {
        Self { address: Addr::v6(octets), prefix }
    }

    /// Whether `address` is in the network.
    pub const fn contains(&self, address: Addr) -> bool {
        let difference = u128::from_be_bytes(self.address.0) ^ u128::from_be_bytes(address.0);
        let host_bits = 128u32.saturating_sub(self.prefix as u32);
        match difference.checked_shr(host_bits) {
            Some(rest) => rest == 0,
            None => true,
        }
    }
}

/// Settings of all analyzers of one worker; immutable while a burst is processed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Networks whose hosts count as local.
    pub local_networks: Vec<Subnet>,
    /// Compute MD5, SHA-1 and SHA-256 of files.
    pub hash_files: bool,
    /// The name of this node in logs (`peer`).
    pub peer: String,
    /// Keep passwords in logs.
    pub log_passwords: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            local_networks: PRIVATE_NETWORKS.to_vec(),
            hash_files: true,
            peer: "baleen".to_owned(),
            log_passwords: false,
        }
    }
}

impl Settings {
    /// Whether `address` is in a local network.
    pub fn is_local(&self, address: Addr) -> bool {
        self.local_networks.iter().any(|network| network.contains(address))
    }
}

/// Addresses that are local to a site by their registration (IANA special-purpose registries): the default of
/// `local_networks`, the same set that Zeek takes for private.
pub const PRIVATE_NETWORKS: &[Subnet] = &[
    Subnet::v4([0, 0, 0, 0], 8),
    Subnet::v4([10, 0, 0, 0], 8),
    Subnet::v4([100, 64, 0, 0], 10),
    Subnet::v4([127, 0, 0, 0], 8),
    Subnet::v4([169, 254, 0, 0], 16),
    Subnet::v4([172, 16, 0, 0], 12),
    Subnet::v4([192, 0, 0, 0], 24),
    Subnet::v4([192, 0, 2, 0], 24),
    Subnet::v4([192, 168, 0, 0], 16),
    Subnet::v4([198, 18, 0, 0], 15),
    Subnet::v4([198, 51, 100, 0], 24),
    Subnet::v4([203, 0, 113, 0], 24),
    Subnet::v4([240, 0, 0, 0], 4),
    Subnet::v4([255, 255, 255, 255], 32),
    Subnet::v6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 128),
    Subnet::v6([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 128),
    Subnet::v6([0xfc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 7),
    Subnet::v6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 10),
];
