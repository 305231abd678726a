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
    /// Files of more octets than this are not hashed.
    pub hash_limit: u64,
    /// The name of this node in logs (`peer`).
    pub peer: String,
    /// Keep passwords in logs.
    pub log_passwords: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            local_networks: private_networks(),
            hash_files: true,
            hash_limit: u64::MAX,
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

/// Addresses that are not routed over the Internet, by the IANA special-purpose registries: the default of local
/// networks, the same that Zeek takes (`Site::private_address_space`).
pub fn private_networks() -> Vec<Subnet> {
    let mut networks = PRIVATE_V4.map(|(octets, prefix)| Subnet::v4(octets, prefix)).to_vec();
    networks.extend(PRIVATE_V4.map(|(octets, prefix)| six_to_four(octets, prefix)));
    networks.extend(PRIVATE_V6.map(|(groups, prefix)| Subnet::v6(from_groups(groups), prefix)));
    networks
}

const PRIVATE_V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 24),
    ([239, 0, 0, 0], 8),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

const PRIVATE_V6: [([u16; 8], u8); 10] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 128),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 2, 0, 0, 0, 0, 0, 0], 48),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
];

fn from_groups(groups: [u16; 8]) -> [u8; 16] {
    std::net::Ipv6Addr::from(groups).octets()
}

/// An IPv4 network as 6to4 embeds it (RFC 3056).
fn six_to_four(octets: [u8; 4], prefix: u8) -> Subnet {
    let [a, b, c, d] = octets;
    let groups = [0x2002, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]), 0, 0, 0, 0, 0];
    Subnet::v6(from_groups(groups), prefix.saturating_add(16))
}
