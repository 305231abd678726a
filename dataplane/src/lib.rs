//! The poll-mode process of the sensor, as a library that its binary and its tests share.
//!
//! Ports are received in one of two ways, which [`ports::Layout`] chooses from what the
//! ports can do:
//!
//! ```text
//! run to completion    queue i of every port ─► worker lcore i
//! distribute           queues ─► receiver lcores ─► flow hash ─► rings ─► worker lcores
//! ```
//!
//! Either way all packets between two hosts, both directions and fragments, come to one
//! worker, and a worker shares nothing with the others.
//!
//! The only crate that knows both DPDK and the analysis; holds no analysis of its own.

pub mod analysis;
pub mod balance;
pub mod clock;
pub mod configuration;
pub mod frames;
pub mod lcores;
pub mod poll;
pub mod ports;
pub mod records;
pub mod sensor;
pub mod shunt;
pub mod statistics;
pub mod stats;
pub mod store;

/// Most packets taken from a queue or ring at once, and analyzed as one burst.
pub const BURST: usize = 64;

/// A burst of packets.
pub type Burst = dpdk::MbufArray<BURST>;
