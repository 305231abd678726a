//! The mixes: which applications, how much of each, how fast.
//!
//! Weights are shares of flows; what they make of a capture (octets a frame, shares of octets) was set by measuring.

use super::application::Application;
use super::random::Sizes;

/// How fast flows begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many a second.
    Flows(f64),
    /// So many that the link carries this many bits of frames a second.
    Bits(f64),
    /// All within so many seconds.
    Within(f64),
}

/// A mix of traffic.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is like.
    pub description: &'static str,
    /// How fast flows begin unless told otherwise.
    pub pace: Pace,
    /// Clients that talk at a time.
    pub clients: u32,
    /// Share of flows over IPv6, from 0 to 1.
    pub ipv6: f64,
    entries: &'static [(Application, f64)],
}

const GIGABIT: f64 = 1e9;

const fn sizes(least: u64, most: u64, shape: f64) -> Sizes {
    Sizes { least, most, shape }
}

/// Pages and interfaces.
const PAGE: Sizes = sizes(300, 4_000_000, 0.6);
/// Mails of text.
const MAIL: Sizes = sizes(800, 400_000, 0.8);

/// All mixes.
pub const MIXES: [Mix; 8] = [
    Mix {
        name: "campus",
        description: "a university's or company's perimeter: TLS, QUIC, DNS, HTTP, mail, SSH, elephants, and a fifth of \
                      the flows unanswered SYNs; 863 octets a frame",
        pace: Pace::Bits(GIGABIT),
        clients: 16_384,
        ipv6: 0.15,
        entries: &[
            (Application::Dns, 36.0),
            (Application::Unanswered, 18.7),
            (Application::Tls { is_13: true, body: PAGE }, 16.0),
            (Application::Tls { is_13: false, body: PAGE }, 6.0),
            (Application::Quic { body: sizes(1_000, 8_000_000, 0.6) }, 8.0),
            (Application::Http { body: PAGE }, 8.0),
            (Application::Ntp, 3.0),
            (Application::Scan, 2.0),
            (Application::RefusedScan, 0.5),
            (Application::Smtp { body: MAIL }, 1.2),
            (Application::Ssh, 0.8),
            (Application::Rtp { payload: 160, packets: sizes(400, 4_000, 0.8) }, 0.2),
            (Application::Bulk { size: sizes(1_000_000, 20_000_000, 0.9) }, 0.28),
        ],
    },
    Mix {
        name: "enterprise",
        description: "a company's inside: data bases, terminal servers, HTTP, TLS, mail, DNS, calls",
        pace: Pace::Bits(GIGABIT),
        clients: 8_192,
        ipv6: 0.05,
        entries: &[
            (Application::Dns, 30.0),
            (Application::Tls { is_13: true, body: PAGE }, 12.0),
            (Application::Tls { is_13: false, body: PAGE }, 12.0),
            (Application::Http { body: PAGE }, 14.0),
            (Application::Dialogue { port: 1521, name: "database", response: sizes(60, 60_000, 0.7) }, 12.0),
            (Application::Dialogue { port: 1494, name: "terminal", response: sizes(60, 8_000, 0.7) }, 5.0),
            (Application::Smtp { body: MAIL }, 4.0),
            (Application::Ssh, 3.0),
            (Application::Ntp, 4.0),
            (Application::Rtp { payload: 160, packets: sizes(100, 2_000, 0.8) }, 1.0),
            (Application::Bulk { size: sizes(200_000, 20_000_000, 0.9) }, 1.0),
            (Application::Unanswered, 2.0),
        ],
    },
    Mix {
        name: "sfr",
        description: "like the SFR profile of TRex, which many vendors of DPI publish figures of: HTTP, HTTPS, calls, \
                      mail, DNS, data bases, terminal servers; 437 octets a frame",
        pace: Pace::Bits(GIGABIT),
        clients: 16_384,
        ipv6: 0.0,
        entries: &[
            (Application::Dns, 53.0),
            (Application::Http { body: sizes(300, 60_000, 0.6) }, 21.0),
            (Application::Tls { is_13: false, body: sizes(300, 60_000, 0.8) }, 2.5),
            (Application::Dialogue { port: 6001, name: "mailbox", response: sizes(60, 2_000, 0.8) }, 14.0),
            (Application::Dialogue { port: 1521, name: "database", response: sizes(60, 2_000, 0.8) }, 3.3),
            (Application::Dialogue { port: 1494, name: "terminal", response: sizes(60, 1_500, 0.8) }, 2.3),
            (Application::Smtp { body: MAIL }, 1.5),
            (Application::Rtp { payload: 160, packets: sizes(1_500, 4_500, 0.8) }, 1.5),
            (Application::Rtp { payload: 1_000, packets: sizes(2_000, 5_500, 0.8) }, 0.56),
        ],
    },
    Mix {
        name: "imix",
        description: "UDP in the sizes of the simple IMIX: 64, 570 and 1518 octets (with the check sequence, which the \
                      capture has not) as 7:4:1",
        pace: Pace::Bits(GIGABIT),
        clients: 4_096,
        ipv6: 0.0,
        entries: &[(Application::Imix, 1.0)],
    },
    Mix {
        name: "dns-flood",
        description: "queries of random names that do not exist, half of them answered",
        pace: Pace::Flows(200_000.0),
        clients: 65_536,
        ipv6: 0.1,
        entries: &[(Application::DnsFlood, 1.0)],
    },
    Mix {
        name: "syn-scan",
        description: "scanners that try port by port and host by host; one in ten attempts is refused, the others are \
                      not answered",
        pace: Pace::Flows(500_000.0),
        clients: 1,
        ipv6: 0.0,
        entries: &[(Application::Scan, 9.0), (Application::RefusedScan, 1.0)],
    },
    Mix {
        name: "elephants",
        description: "few long TCP transfers, some of them in TLS, with the traffic of a campus beside them",
        pace: Pace::Bits(GIGABIT),
        clients: 1_024,
        ipv6: 0.1,
        entries: &[
            (Application::Bulk { size: sizes(4_000_000, 60_000_000, 0.9) }, 3.0),
            (Application::Tls { is_13: true, body: sizes(4_000_000, 60_000_000, 0.9) }, 1.0),
            (Application::Dns, 40.0),
            (Application::Tls { is_13: true, body: PAGE }, 16.0),
            (Application::Http { body: PAGE }, 10.0),
        ],
    },
    Mix {
        name: "idle",
        description: "flows that say little, are silent until all others have begun, and speak once more: all of them \
                      are open at once",
        pace: Pace::Within(20.0),
        clients: 65_536,
        ipv6: 0.1,
        entries: &[(Application::IdleTcp, 1.0), (Application::IdleUdp, 1.0)],
    },
];

impl Mix {
    /// The mix of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MIXES.iter().find(|mix| mix.name == name)
    }

    /// The applications, and how many flows are of each relative to the others.
    pub(crate) fn entries(&self) -> &'static [(Application, f64)] {
        self.entries
    }
}
