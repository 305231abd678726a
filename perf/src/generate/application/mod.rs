//! What applications say to each other: models that need no recorded traffic.
//!
//! A model draws a flow's sizes, names and times from the random numbers it is given, and tells which servers and port
//! the flow goes to. Payload is as right as a protocol parser wants it; what is encrypted is noise.

mod bulk;
mod dns;
mod hello;
mod http;
mod ntp;
mod quic;
mod rtp;
mod scan;
mod smtp;
mod ssh;
mod tls;

use std::sync::Arc;

use super::addresses::{Addresses, Servers};
use super::conversation::{Conversation, MICROSECOND, MILLISECOND, Transport};
use super::flow::{Content, Start};
use super::random::{Random, Sizes};

/// An application, with what of it a mix decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Application {
    /// Requests and responses of HTTP/1.1.
    Http {
        /// Octets of a response's body.
        body: Sizes,
    },
    /// TLS 1.2 with a certificate, or TLS 1.3.
    Tls {
        /// TLS 1.3.
        is_13: bool,
        /// Octets of a response, under encryption.
        body: Sizes,
    },
    /// Queries of A, AAAA and MX over UDP, some of names that do not exist.
    Dns,
    /// Queries of random names of one zone.
    DnsFlood,
    /// QUIC to UDP port 443.
    Quic {
        /// Octets of a response, under encryption.
        body: Sizes,
    },
    /// Banners, key exchange, encrypted packets.
    Ssh,
    /// A mail.
    Smtp {
        /// Octets of the mail.
        body: Sizes,
    },
    /// A request and a response.
    Ntp,
    /// One TCP connection with nothing that is known.
    Bulk {
        /// Octets that the responder sends.
        size: Sizes,
    },
    /// Small requests and responses of a protocol that is not known, on a TCP port.
    Dialogue {
        /// The port.
        port: u16,
        /// Name in the ground truth.
        name: &'static str,
        /// Octets of a response.
        response: Sizes,
    },
    /// Media over UDP.
    Rtp {
        /// Octets of a packet's payload.
        payload: u64,
        /// Packets.
        packets: Sizes,
    },
    /// A SYN of a client to a server that does not answer.
    Unanswered,
    /// A scanner's SYN that nobody answers.
    Scan,
    /// A scanner's SYN that is answered with RST.
    RefusedScan,
    /// A connection that says something at its begin, and again after all others have begun.
    IdleTcp,
    /// The same over UDP.
    IdleUdp,
    /// UDP in the sizes of the simple IMIX.
    Imix,
}

/// What the models share.
#[derive(Debug)]
pub(crate) struct Models {
    tls: tls::Certificates,
    unanswered: Arc<Conversation>,
    refused: Arc<Conversation>,
    idle_tcp: Arc<Conversation>,
    idle_udp: Arc<Conversation>,
}

impl Models {
    /// Idle flows are silent for `silence` nanoseconds.
    pub(crate) fn new(silence: u64) -> Self {
        Self {
            tls: tls::Certificates::new(),
            unanswered: Arc::new(scan::unanswered()),
            refused: Arc::new(scan::refused()),
            idle_tcp: Arc::new(bulk::idle_tcp(silence)),
            idle_udp: Arc::new(bulk::idle_udp(silence)),
        }
    }
}

/// All servers that the mixes know: which numbers are of which kind.
mod servers {
    use super::Servers;

    pub(super) const WEB: Servers = Servers { first: 0, count: 60_000 };
    pub(super) const RESOLVERS: Servers = Servers { first: 100_000, count: 8 };
    pub(super) const CLOCKS: Servers = Servers { first: 100_100, count: 16 };
    pub(super) const MAIL: Servers = Servers { first: 100_200, count: 64 };
    pub(super) const SHELLS: Servers = Servers { first: 101_000, count: 400 };
    pub(super) const OTHERS: Servers = Servers { first: 102_000, count: 4_000 };
    pub(super) const PEERS: Servers = Servers { first: 110_000, count: 20_000 };
}

impl Application {
    /// A flow of it.
    pub(crate) fn flow(self, random: &mut Random, addresses: &mut Addresses, models: &Models) -> Start {
        if matches!(self, Self::Scan | Self::RefusedScan) {
            let assignment = addresses.scan(random);
            let (label, shared) = match self {
                Self::RefusedScan => ("refused", &models.refused),
                _ => ("unanswered", &models.unanswered),
            };
            let content = Content::conversation(label, Arc::clone(shared), random);
            return Start { assignment, content, after: 0 };
        }
        let (servers, port) = self.service(random);
        let is_v6 = addresses.is_v6(random);
        let assignment = addresses.dial(random, servers, port, is_v6);
        let server = assignment.server;
        let (label, mut conversation) = match self {
            Self::Unanswered | Self::Scan | Self::RefusedScan => {
                let content = Content::conversation("unanswered", Arc::clone(&models.unanswered), random);
                return Start { assignment, content, after: 0 };
            }
            Self::IdleTcp => {
                let content = Content::conversation("idle", Arc::clone(&models.idle_tcp), random);
                return Start { assignment, content, after: 0 };
            }
            Self::IdleUdp => {
                let content = Content::conversation("idle", Arc::clone(&models.idle_udp), random);
                return Start { assignment, content, after: 0 };
            }
            Self::Http { body } => ("http", http::conversation(random, server, body)),
            Self::Tls { is_13: false, body } => ("tls12", tls::tls12(random, server, body, &models.tls)),
            Self::Tls { is_13: true, body } => ("tls13", tls::tls13(random, server, body)),
            Self::Dns => ("dns", dns::lookup(random)),
            Self::DnsFlood => ("dns-flood", dns::flood(random)),
            Self::Quic { body } => ("quic", quic::conversation(random, server, body)),
            Self::Ssh => ("ssh", ssh::conversation(random)),
            Self::Smtp { body } => ("smtp", smtp::conversation(random, server, body)),
            Self::Ntp => ("ntp", ntp::conversation(random)),
            Self::Bulk { size } => ("bulk", bulk::transfer(random, size)),
            Self::Dialogue { name, response, .. } => (name, bulk::dialogue(random, response)),
            Self::Rtp { payload, packets } => ("rtp", rtp::conversation(random, payload, packets)),
            Self::Imix => ("imix", bulk::imix(random, is_v6)),
        };
        if !matches!(self, Self::Imix) {
            hosts_and_path(random, &mut conversation);
        }
        Start { assignment, content: Content::conversation(label, Arc::new(conversation), random), after: 0 }
    }

    /// Servers and port.
    fn service(self, random: &mut Random) -> (Servers, u16) {
        match self {
            Self::Http { .. } => (servers::WEB, if random.chance(0.05) { 8080 } else { 80 }),
            Self::Tls { .. } | Self::Quic { .. } => (servers::WEB, 443),
            Self::Dns | Self::DnsFlood => (servers::RESOLVERS, 53),
            Self::Ssh => (servers::SHELLS, 22),
            Self::Smtp { .. } => (servers::MAIL, 25),
            Self::Ntp => (servers::CLOCKS, 123),
            Self::Bulk { .. } => (servers::OTHERS, random.between(20_000, 29_999) as u16),
            Self::Dialogue { port, .. } => (servers::OTHERS, port),
            Self::Rtp { .. } => (servers::PEERS, (random.between(8_192, 16_383) * 2) as u16),
            Self::Unanswered => (servers::PEERS, random.pick(&[80, 443, 22, 445, 8443, 25, 3389, 8080])),
            Self::Scan | Self::RefusedScan => (servers::PEERS, 0),
            Self::IdleTcp => (servers::PEERS, 5222),
            Self::IdleUdp => (servers::PEERS, 27_015),
            Self::Imix => (servers::PEERS, random.between(40_000, 40_999) as u16),
        }
    }
}

/// What depends on hosts and on the path between them: time stamps or not; campus, country or world.
fn hosts_and_path(random: &mut Random, conversation: &mut Conversation) {
    if let Transport::Tcp { timestamps, .. } = &mut conversation.transport {
        *timestamps = random.chance(0.5);
    }
    let (least, most) = random.pick(&[(300, 3_000), (5_000, 30_000), (20_000, 60_000), (80_000, 180_000)]);
    conversation.round_trip = random.between(least, most) * MICROSECOND;
    if conversation.segment_gap == 0 {
        conversation.segment_gap = random.between(6, 60) * MICROSECOND;
    }
}

/// Time that a server or a person takes, in nanoseconds: mostly short.
fn thinking(random: &mut Random, mean_milliseconds: u64) -> u64 {
    let mean = (mean_milliseconds * MILLISECOND) as f64;
    random.exponential(mean).min(mean * 8.0) as u64 + 50 * MICROSECOND
}
