//! Application analyzers, one folder a protocol, and protocol detection.
//!
//! An analyzer is a folder with the same files everywhere: `mod.rs` the analyzer and its state, `parse.rs` octets to
//! typed messages, `tests.rs`; and one line in the registry (`registry.rs`), which gives the dispatch, the names in
//! the configuration and the documentation.
//!
//! Sans-IO: payload and packet time in, records out. May depend on `record` and `flow`.

mod analyzer;
mod ber;
mod detect;
mod file;
mod frames;
mod lines;
mod mime;
mod percent;
mod registry;
mod services;
mod session;
mod settings;
mod shared;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

mod dce_rpc;
mod dhcp;
mod dnp3;
mod dns;
mod dtls;
mod finger;
mod ftp;
mod gssapi;
mod http;
mod imap;
mod irc;
mod krb;
mod ldap;
mod modbus;
mod mqtt;
mod mysql;
mod ntp;
mod pop3;
mod postgresql;
mod quic;
mod radius;
mod rdp;
mod rdpeudp;
mod redis;
mod rfb;
mod sip;
mod smb;
mod smtp;
mod snmp;
mod socks;
mod ssh;
mod ssl;
mod syslog;
mod transfer;
mod x509;
mod xmpp;

pub use analyzer::{Analyzer, FlowContext, FlowEnd, Verdict};
pub use flow::{Direction, FlowInfo};
pub use registry::{Match, Probe, Protocol};
pub use services::Services;
pub use session::{Session, Surroundings};
pub use settings::{Networks, Settings, Subnet, private_networks};
pub use shared::{DetachedShared, Shared};
