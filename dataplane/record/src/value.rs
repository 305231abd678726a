//! Values of log fields: the Zeek types, and how each is written as JSON and as TSV.

use std::fmt;

/// A point in packet time: nanoseconds since the Unix epoch. Zeek type `time`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// A date that a document tells, in seconds since the Unix epoch: before 1970 or after what [`Time`] holds too. Zeek
/// type `time`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(pub i64);

/// A span of packet time in nanoseconds. Zeek type `interval`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(pub u64);

impl Time {
    /// From seconds and nanoseconds since the epoch.
    pub const fn new(seconds: u64, nanoseconds: u32) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds as u64))
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Interval {
        Interval(self.0.saturating_sub(earlier.0))
    }

    /// The point `span` after this one, saturating.
    #[must_use]
    pub const fn after(self, span: Interval) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Interval {
    /// From whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// From whole milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds.saturating_mul(1_000_000))
    }
}

/// An IPv4 or IPv6 address; IPv4 is held as `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2). Zeek type `addr`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Addr(pub [u8; 16]);

impl Addr {
    /// From the four octets of an IPv4 address.
    pub const fn v4(o: [u8; 4]) -> Self {
        Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, o[0], o[1], o[2], o[3]])
    }

    /// From the sixteen octets of an IPv6 address.
    pub const fn v6(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The four octets, if this is an IPv4 address.
    pub const fn as_v4(&self) -> Option<[u8; 4]> {
        match self.0 {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => Some([a, b, c, d]),
            _ => None,
        }
    }

    /// Whether this is an IPv4 address.
    pub const fn is_v4(&self) -> bool {
        self.as_v4().is_some()
    }

    /// The address as the standard library's type.
    pub fn to_ip(self) -> std::net::IpAddr {
        match self.as_v4() {
            Some(octets) => octets.into(),
            None => self.0.into(),
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ip().fmt(f)
    }
}

impl fmt::Debug for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ip().fmt(f)
    }
}

impl From<std::net::IpAddr> for Addr {
    fn from(ip: std::net::IpAddr) -> Self {
        match ip {
            std::net::IpAddr::V4(v4) => Self::v4(v4.octets()),
            std::net::IpAddr::V6(v6) => Self::v6(v6.octets()),
        }
    }
}

/// A transport protocol as logs name it. Zeek type `enum` (`transport_proto`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Proto {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP and ICMPv6.
    Icmp,
    /// Any other IP protocol.
    #[default]
    Unknown,
}

impl Proto {
    /// The name in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Unknown => "unknown_transport",
        }
    }
}

/// The two ends of a connection. Written as the four columns `id.orig_h`, `id.orig_p`, `id.resp_h`, `id.resp_p`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// Originator's address.
    pub orig_h: Addr,
    /// Originator's port; the type for ICMP.
    pub orig_p: u16,
    /// Responder's address.
    pub resp_h: Addr,
    /// Responder's port; the code for ICMP.
    pub resp_p: u16,
}
