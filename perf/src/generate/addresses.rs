//! Who talks to whom: addresses and ports of flows, no two flows of a capture with the same.
//!
//! A capture's flows are told apart by their ends alone, in conn.log as in the ground truth; so a client's ports are
//! counted, and when they are used up, another address takes the client's place. What this needs to remember does not
//! grow with the number of flows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::frame::Ends;
use super::random::Random;

/// Ephemeral ports (the range that Linux uses).
const EPHEMERAL: (u16, u32) = (32768, 28232);
/// First address of clients: 10.0.0.0/8; of IPv6, 2001:db8:10::/48 (RFC 3849).
const CLIENTS: (u32, u128) = (0x0a00_0001, 0x2001_0db8_0010_0000_0000_0000_0000_0001);
/// First address of servers: 198.18.0.0/15 (RFC 2544) and 2001:db8:20::/48.
const SERVERS: (u32, u128) = (0xc612_0001, 0x2001_0db8_0020_0000_0000_0000_0000_0001);
/// First address of scanners: 203.0.113.0/24 (RFC 5737) and 2001:db8:30::/48.
const SCANNERS: (u32, u128) = (0xcb00_7101, 0x2001_0db8_0030_0000_0000_0000_0000_0001);
/// Ports that are scanned.
const SCANNED: [u16; 16] =
    [22, 23, 80, 443, 445, 3389, 8080, 5900, 21, 25, 3306, 5432, 6379, 8443, 1433, 2222];

/// The servers of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Servers {
    /// Number of the first.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
}

/// A flow's ends, and which server it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Assignment {
    /// Addresses and ports.
    pub(crate) ends: Ends,
    /// Number of the server: what it says of itself depends on that.
    pub(crate) server: u32,
}

/// Gives out ends.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// Flows of each client.
    flows: Vec<u32>,
    scans: [u32; 2],
    scanners: u32,
    /// Share of IPv6.
    ipv6: f64,
}

impl Addresses {
    /// With so many clients that talk at a time, and a share of flows over IPv6 from 0 to 1.
    pub(crate) fn new(clients: u32, scanners: u32, ipv6: f64) -> Self {
        Self { flows: vec![0; clients.max(1) as usize], scans: [0; 2], scanners: scanners.max(1), ipv6 }
    }

    /// Whether the next flow is IPv6.
    pub(crate) fn is_v6(&self, random: &mut Random) -> bool {
        random.chance(self.ipv6)
    }

    /// Ends of a flow to a server's port. Some clients and servers are much busier than others.
    pub(crate) fn dial(
        &mut self,
        random: &mut Random,
        servers: Servers,
        port: u16,
        is_v6: bool,
    ) -> Assignment {
        let clients = self.flows.len() as u64;
        let busy = random.unit();
        let client = ((busy * busy * clients as f64) as u64).min(clients - 1);
        let skewed = random.unit();
        let server = servers.first + (skewed * skewed * f64::from(servers.count)) as u32;
        let (round, port_index) = match self.flows.get_mut(client as usize) {
            Some(flows) => {
                *flows += 1;
                ((*flows - 1) / EPHEMERAL.1, (*flows - 1) % EPHEMERAL.1)
            }
            None => (0, 0),
        };
        let index = client as u32 + round * clients as u32;
        // Each client begins somewhere else, so that ports say nothing about when.
        let source = EPHEMERAL.0 + ((port_index + index.wrapping_mul(7919)) % EPHEMERAL.1) as u16;
        let address = |base: (u32, u128), index: u32| address(base, index, is_v6);
        let ends = Ends::new(address(CLIENTS, index), address(SERVERS, server), [source, port]);
        Assignment { ends, server }
    }

    /// Ends of the next attempt of a scan of the clients' network: port by port, address by address.
    pub(crate) fn scan(&mut self, random: &mut Random) -> Assignment {
        let is_v6 = random.chance(self.ipv6);
        let Some(scans) = self.scans.get_mut(usize::from(is_v6)) else {
            return self.dial(random, Servers { first: 0, count: 1 }, 0, is_v6);
        };
        let number = *scans;
        *scans += 1;
        let ports = SCANNED.len() as u32;
        let port = SCANNED.get((number % ports) as usize).copied().unwrap_or(0);
        let target = number / ports;
        let scanner = target % self.scanners;
        let source = (EPHEMERAL.0 + (random.below(u64::from(EPHEMERAL.1)) as u16)).max(1024);
        let ends =
            Ends::new(address(SCANNERS, scanner, is_v6), address(CLIENTS, target, is_v6), [source, port]);
        Assignment { ends, server: 0 }
    }
}

fn address((v4, v6): (u32, u128), index: u32, is_v6: bool) -> IpAddr {
    if is_v6 {
        IpAddr::V6(Ipv6Addr::from_bits(v6 + u128::from(index)))
    } else {
        IpAddr::V4(Ipv4Addr::from_bits(v4.wrapping_add(index)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_flows_have_the_same_ends() {
        let mut addresses = Addresses::new(3, 2, 0.1);
        let mut random = Random::new(1);
        let servers = Servers { first: 0, count: 1 };
        let mut seen = HashSet::new();
        for _ in 0..200_000 {
            assert!(seen.insert(addresses.dial(&mut random, servers, 80, false).ends));
        }
        for _ in 0..10_000 {
            assert!(seen.insert(addresses.scan(&mut random).ends));
        }
    }
}
