//! Everything that a worker can be told.

use packet::DecodeOptions;
use packet::fragment::FragmentLimits;

/// Settings of a worker.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How frames are decoded.
    pub decode: DecodeOptions,
    /// Bounds of fragment reassembly.
    pub fragments: FragmentLimits,
    /// Time-outs and bounds of the connection table.
    pub flow: flow::Config,
    /// Settings of the analyzers.
    pub analysis: protocol::Settings,
    /// Key of unique ids: secret and random, but for repeatable runs.
    pub id_key: [u8; 16],
    /// Seed of the connection table's hash: random, so that no one can choose addresses that collide.
    pub table_seed: u64,
    /// Most tunnels followed into each other (Zeek: `Tunnel::max_depth`).
    pub tunnel_depth: u8,
    /// IP tunnels remembered.
    pub max_tunnels: usize,
    /// What takes the short path.
    pub shunting: Shunting,
}

/// Which payload is not looked at. By default only that from which nothing more can follow: no log shows a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shunting {
    /// Whether payload that no analyzer wants takes the short path at all.
    pub enabled: bool,
    /// Octets of IP packets of a TCP connection, both directions together, after which no more is analyzed.
    pub tcp: u64,
    /// Octets of IP packets of a UDP flow, both directions together, after which no more is analyzed; tunnels go on.
    pub udp: u64,
    /// Octets of IP packets of one direction of a flow, after which a port is asked to drop and count it if nobody wants
    /// its payload.
    pub offload: u64,
}

impl Default for Shunting {
    fn default() -> Self {
        Self { enabled: true, tcp: u64::MAX, udp: u64::MAX, offload: u64::MAX }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            decode: DecodeOptions::default(),
            fragments: FragmentLimits::default(),
            flow: flow::Config::default(),
            analysis: protocol::Settings::default(),
            id_key: seeded_id_key(0),
            table_seed: 0,
            tunnel_depth: packet::tunnel::DEFAULT_MAX_DEPTH,
            max_tunnels: 100_000,
            shunting: Shunting::default(),
        }
    }
}

/// A key for repeatable ids.
pub const fn seeded_id_key(seed: u64) -> [u8; 16] {
    let s = seed.to_le_bytes();
    [s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], 0x62, 0x61, 0x6c, 0x65, 0x65, 0x6e, 0, 1]
}
