//! Connections: a bounded table of flows, time-outs in packet time, TCP state and stream reassembly, and everything
//! a connection record says.
//!
//! The meaning of states, history letters, byte counts, gaps and time-outs is that of Zeek 9, since that is what the
//! `conn` log promises. The one deliberate difference: what a record says depends on the packets of its own
//! connection alone. Time-outs of a connection are judged against the time of its own next packet; the timer wheel
//! only gives memory back, after a grace period. So the records are the same for any number of workers.
//!
//! The caller decodes packets, calls [`FlowTable::packet`] for each, and implements [`Hooks`] to learn of new
//! connections, of payload in order, of gaps and of the end of connections.
//!
//! Sans-IO: no clock, no thread, no file. Depends on `packet` (headers) and `record` (values of log fields) only.
//!
//! # Limits
//!
//! Connections, bytes buffered by reassembly (of one direction and of the table), segments buffered of one direction,
//! and history letters are bounded, see [`Limits`]; every hit is counted in [`Counters`].

mod config;
mod conn_state;
mod connection;
mod counters;
mod datagram;
mod history;
mod hooks;
mod index;
mod info;
mod key;
mod port_set;
mod prefetch;
mod slab;
mod table;
mod tcp;
#[cfg(test)]
mod testing;
mod timer_wheel;

pub use config::{Config, Limits, TCP_SERVER_PORTS, Timeouts, UDP_SERVER_PORTS};
pub use conn_state::{ConnState, EndpointState};
pub use connection::{Connection, Removal};
pub use counters::Counters;
pub use history::{History, MAX_HISTORY};
pub use hooks::Hooks;
pub use info::{Direction, FlowInfo, Skipping};
pub use key::{FlowKey, HashKey, icmp_counterpart};
pub use port_set::PortSet;
pub use table::{DetachedFlow, Extraction, FlowTable, Lookup, Offloaded};
