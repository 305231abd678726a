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

/// Networks, apart by the form of their addresses, so that few have to be looked at for an address.
#[derive(Debug, Clone, Default)]
pub struct Networks {
    /// Address and mask.
    v4: Vec<(u32, u32)>,
    v6: Vec<Subnet>,
}

impl Networks {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether an address is in one of them.
    pub fn contain(&self, address: Addr) -> bool {
        match address.as_v4() {
            Some(octets) => {
                let address = u32::from_be_bytes(octets);
                self.v4.iter().any(|(network, mask)| (address ^ network) & mask == 0)
            }
            None => self.v6.iter().any(|network| network.contains(address)),
        }
    }
}

impl From<Vec<Subnet>> for Networks {
    fn from(subnets: Vec<Subnet>) -> Self {
        let mut networks = Self::default();
        for subnet in subnets {
            match (subnet.address.as_v4(), subnet.prefix.checked_sub(96)) {
                (Some(octets), Some(prefix)) => {
                    let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
                    networks.v4.push((u32::from_be_bytes(octets), mask));
                }
                _ => {
                    // One that holds the mapped form of IPv4 as a whole, or more, holds every IPv4 address.
                    if subnet.contains(Addr::v4([0; 4])) {
                        networks.v4.push((0, 0));
                    }
                    networks.v6.push(subnet);
                }
            }
        }
        networks
    }
}

impl FromIterator<Subnet> for Networks {
    fn from_iter<T: IntoIterator<Item = Subnet>>(subnets: T) -> Self {
        Vec::from_iter(subnets).into()
    }
}

/// Settings of all analyzers of one worker; immutable while a burst is processed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Networks whose hosts count as local.
    pub local_networks: Networks,
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
            local_networks: private_networks().into(),
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
        self.local_networks.contain(address)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn networks_contain_what_one_of_them_contains(
            subnets in prop::collection::vec((any::<[u8; 4]>(), 0..=32_u8, any::<bool>()), 0..6),
            wide in 0..=128_u8,
            address in any::<[u8; 4]>(),
        ) {
            let mut all: Vec<Subnet> =
                subnets.iter().map(|(octets, prefix, near)| {
                    let [a, b, ..] = address;
                    Subnet::v4(if *near { [a, b, octets[2], octets[3]] } else { *octets }, *prefix)
                }).collect();
            let networks = |all: &[Subnet]| Networks::from(all.to_vec());
            let one = |all: &[Subnet], address| all.iter().any(|subnet| subnet.contains(address));
            let v4 = Addr::v4(address);
            prop_assert_eq!(networks(&all).contain(v4), one(&all, v4));
            let [a, b, c, d] = address;
            let v6 = Addr::v6([0x20, 1, a, b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, c, d]);
            for base in [v6, Addr::v6([0; 16]), v4] {
                all.push(Subnet { address: base, prefix: wide });
                prop_assert_eq!(networks(&all).contain(v4), one(&all, v4));
                prop_assert_eq!(networks(&all).contain(v6), one(&all, v6));
            }
        }
    }
}
