//! What can be set: time-outs, limits, server ports. The defaults are those of Zeek 9.

use record::Interval;

use crate::PortSet;

/// TCP ports of the servers that Zeek's analyzers are registered for (`likely_server_ports`): FTP, SSH, SMTP, DNS,
/// finger, HTTP and proxies, Kerberos, DCE-RPC, SMB, IMAP, LDAP, TLS, Modbus, syslog, SOCKS, databases, MQTT, RDP, XMPP,
/// Redis, IRC, DNP3.
pub const TCP_SERVER_PORTS: &[u16] = &[
    21, 22, 25, 53, 79, 80, 81, 88, 135, 139, 143, 389, 443, 445, 465, 502, 514, 563, 585, 587, 614, 631,
    636, 989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269, 5432,
    6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
];

/// UDP ports of the servers that Zeek's analyzers are registered for (`likely_server_ports`): DNS, DHCP, Kerberos, NTP,
/// SNMP, LDAP, DTLS and QUIC, syslog, RADIUS, RDP, SIP, DNP3, and tunnels (GTP, Teredo, GRE, VXLAN, AYIYA, GENEVE).
pub const UDP_SERVER_PORTS: &[u16] = &[
    53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 1812, 2123, 2152, 3389, 3544, 4011, 4754, 4789, 5060,
    5072, 5353, 5355, 6081, 20000,
];

/// Settings of a [`FlowTable`](crate::FlowTable).
#[derive(Debug, Clone)]
pub struct Config {
    /// Time-outs.
    pub timeouts: Timeouts,
    /// Bounds of memory.
    pub limits: Limits,
    /// TCP ports that servers are likely to use: a connection seen first without a SYN is turned round when its
    /// sender has one of them and its receiver has not. Default: [`TCP_SERVER_PORTS`].
    pub tcp_server_ports: PortSet,
    /// UDP ports that servers are likely to use: a flow whose first sender has one of them, and whose receiver has
    /// not, is turned round. Default: [`UDP_SERVER_PORTS`].
    pub udp_server_ports: PortSet,
    /// Responder ports of UDP flows that last for a question and its answer, see [`Timeouts::short_lived`]: DNS.
    pub short_lived_ports: PortSet,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            tcp_server_ports: TCP_SERVER_PORTS.iter().copied().collect(),
            udp_server_ports: UDP_SERVER_PORTS.iter().copied().collect(),
            short_lived_ports: [53, 137, 5353, 5355].into_iter().collect(),
        }
    }
}

/// Time-outs, in packet time. Zero switches one off, except where it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// An established TCP connection without packets (Zeek: `tcp_inactivity_timeout`). Default: 5 minutes.
    pub tcp_inactivity: Interval,
    /// A TCP connection that is not established, without packets. Default: 1 minute.
    pub tcp_handshake_inactivity: Interval,
    /// A UDP flow without packets (`udp_inactivity_timeout`). Default: 1 minute.
    pub udp_inactivity: Interval,
    /// An ICMP flow without packets (`icmp_inactivity_timeout`). Default: 1 minute.
    pub icmp_inactivity: Interval,
    /// A flow of any other IP protocol without packets (`unknown_ip_inactivity_timeout`). Default: 1 minute.
    pub other_inactivity: Interval,
    /// A SYN without any answer (`tcp_attempt_delay`). Default: 5 seconds.
    pub tcp_attempt: Interval,
    /// How long a closed connection stays to collect stray packets (`tcp_close_delay`); zero means not at all.
    /// Default: 5 seconds.
    pub tcp_close: Interval,
    /// When a new connection is looked at for the first time (`tcp_SYN_timeout`). Default: 5 seconds.
    pub tcp_syn: Interval,
    /// How often a connection is looked at after that (`tcp_session_timer`). Default: 6 seconds.
    pub tcp_session: Interval,
    /// Silence after which a connection that one end closed may be over (`tcp_connection_linger`). Default: 5 seconds.
    pub tcp_linger: Interval,
    /// Inactivity of TCP connections to [`Timeouts::long_lived_ports`]. It holds until the handshake completes, as in
    /// Zeek, or when that was not seen. Default: 1 hour.
    pub long_lived_inactivity: Interval,
    /// Responder ports with `long_lived_inactivity` (FTP, SSH, Telnet, rlogin). Default: 21, 22, 23, 513.
    pub long_lived_ports: [u16; 4],
    /// How often a UDP flow to [`Config::short_lived_ports`] is looked at; it is removed when it has been silent for
    /// this time less a second (`dns_session_timeout`). Default: 10 seconds.
    pub short_lived: Interval,
    /// How much later than due the timer wheel removes a connection, so that packets of several sources that are
    /// slightly out of order never find their connection gone. Default: 2 seconds.
    pub wheel_grace: Interval,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp_inactivity: Interval::from_secs(300),
            tcp_handshake_inactivity: Interval::from_secs(60),
            udp_inactivity: Interval::from_secs(60),
            icmp_inactivity: Interval::from_secs(60),
            other_inactivity: Interval::from_secs(60),
            tcp_attempt: Interval::from_secs(5),
            tcp_close: Interval::from_secs(5),
            tcp_syn: Interval::from_secs(5),
            tcp_session: Interval::from_secs(6),
            tcp_linger: Interval::from_secs(5),
            long_lived_inactivity: Interval::from_secs(3600),
            long_lived_ports: [21, 22, 23, 513],
            short_lived: Interval::from_secs(10),
            wheel_grace: Interval::from_secs(2),
        }
    }
}

/// Bounds of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections in the table; above it an idle one is evicted. At most `u32::MAX - 1`. Default: 1,000,000.
    pub flows: u32,
    /// Octets of payload that one direction may hold unacknowledged or above a hole before its reassembly is given
    /// up (`tcp_excessive_data_without_further_acks`). Default: 10 MiB.
    pub unacked_bytes: u64,
    /// Octets seen before the first acknowledgment after which delivered data no longer waits for one
    /// (`tcp_max_initial_window`). Default: 16384.
    pub initial_window: u64,
    /// Octets above a hole without any acknowledgment after which reassembly is given up
    /// (`tcp_max_above_hole_without_any_acks`). Default: 16384.
    pub above_hole_bytes: u64,
    /// Octets of payload that reassembly may buffer for one direction. Default: 1 MiB.
    pub buffered_bytes: u64,
    /// Segments that reassembly may buffer for one direction. Default: 4096.
    pub buffered_segments: usize,
    /// Octets of payload that reassembly may buffer in the whole table. Default: 512 MiB.
    pub total_buffered_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 1_000_000,
            unacked_bytes: 10 << 20,
            initial_window: 16384,
            above_hole_bytes: 16384,
            buffered_bytes: 1 << 20,
            buffered_segments: 4096,
            total_buffered_bytes: 512 << 20,
        }
    }
}
