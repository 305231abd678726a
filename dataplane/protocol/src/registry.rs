//! Every protocol, in one list: its module, the ports it is registered on, and how it is recognized by content.

use record::{Proto, Time};

use crate::Direction;
use crate::analyzer::{Analyzer, FlowContext, FlowEnd, Verdict};

/// What is known when a protocol is to be recognized by content.
#[derive(Debug, Clone, Copy)]
pub struct Probe<'a> {
    /// Transport of the connection.
    pub proto: Proto,
    /// First octets of the originator: of its stream for TCP, of its last datagram for UDP.
    pub originator: &'a [u8],
    /// First octets of the responder, likewise.
    pub responder: &'a [u8],
}

/// What content says of a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It is not this protocol.
    No,
    /// It may be, when more is seen.
    Maybe,
    /// It looks like this protocol: analyze it.
    Yes,
}

/// Lists the protocols. For each: the module under `protocol/src`, with an `Analyzer` that has `new(Proto)`, and a
/// function `probe`; and the responder ports on which it is started without looking.
macro_rules! protocols {
    ($( $(#[doc = $doc:literal])* $variant:ident = $module:ident, tcp: [$($tcp:literal),*], udp: [$($udp:literal),*]; )*) => {
        /// A protocol that the sensor analyzes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Protocol {
            $( $(#[doc = $doc])* $variant, )*
        }

        impl Protocol {
            /// Every protocol.
            pub const ALL: &'static [Protocol] = &[$( Protocol::$variant ),*];

            /// Name in the configuration: that of its module.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($module) ),* }
            }

            /// What it is.
            pub const fn description(self) -> &'static str {
                match self { $( Self::$variant => concat!($($doc),*).trim_ascii() ),* }
            }

            /// TCP ports of servers.
            pub const fn tcp_ports(self) -> &'static [u16] {
                match self { $( Self::$variant => &[$($tcp),*] ),* }
            }

            /// UDP ports of servers.
            pub const fn udp_ports(self) -> &'static [u16] {
                match self { $( Self::$variant => &[$($udp),*] ),* }
            }

            /// Whether content looks like this protocol.
            pub(crate) fn probe(self, probe: &Probe<'_>) -> Match {
                match self { $( Self::$variant => crate::$module::probe(probe) ),* }
            }

            /// A new analyzer.
            pub(crate) fn start(self, proto: Proto) -> Active {
                match self { $( Self::$variant => Active::$variant(Box::new(crate::$module::Analyzer::new(proto))) ),* }
            }
        }

        /// An analyzer at work.
        #[derive(Debug)]
        pub(crate) enum Active {
            $( $variant(Box<crate::$module::Analyzer>), )*
        }

        impl Analyzer for Active {
            fn data(&mut self, context: &mut FlowContext<'_>, direction: Direction, payload: &[u8]) -> Verdict {
                match self { $( Self::$variant(analyzer) => analyzer.data(context, direction, payload) ),* }
            }

            fn skippable(&self, now: Time, direction: Direction) -> u64 {
                match self { $( Self::$variant(analyzer) => analyzer.skippable(now, direction) ),* }
            }

            fn skipped(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
                match self { $( Self::$variant(analyzer) => analyzer.skipped(context, direction, length) ),* }
            }

            fn gap(&mut self, context: &mut FlowContext<'_>, direction: Direction, length: u64) -> Verdict {
                match self { $( Self::$variant(analyzer) => analyzer.gap(context, direction, length) ),* }
            }

            fn end_of_stream(&mut self, context: &mut FlowContext<'_>, direction: Direction) {
                match self { $( Self::$variant(analyzer) => analyzer.end_of_stream(context, direction) ),* }
            }

            fn end(&mut self, context: &mut FlowContext<'_>, why: FlowEnd) {
                match self { $( Self::$variant(analyzer) => analyzer.end(context, why) ),* }
            }
        }
    };
}

protocols! {
    /// DCE 1.1 remote procedure calls over connections ([MS-RPCE]).
    DceRpc = dce_rpc, tcp: [135], udp: [];
    /// Dynamic Host Configuration Protocol (RFC 2131).
    Dhcp = dhcp, tcp: [], udp: [67, 68, 4011];
    /// Distributed Network Protocol 3 (IEEE 1815).
    Dnp3 = dnp3, tcp: [20000], udp: [20000];
    /// Domain Name System (RFC 1035), with multicast DNS, LLMNR and NetBIOS name service.
    Dns = dns, tcp: [53], udp: [53, 137, 5353, 5355];
    /// Datagram TLS 1.0 to 1.3 (RFC 6347, RFC 9147).
    Dtls = dtls, tcp: [], udp: [443];
    /// Finger user information (RFC 1288).
    Finger = finger, tcp: [79], udp: [];
    /// File Transfer Protocol, control connections (RFC 959).
    Ftp = ftp, tcp: [21, 2811], udp: [];
    /// Hypertext Transfer Protocol, versions 0.9 to 1.1 (RFC 9112).
    Http = http, tcp: [80, 81, 631, 1080, 3128, 8000, 8080, 8888], udp: [];
    /// Internet Message Access Protocol, version 4 (RFC 9051).
    Imap = imap, tcp: [143], udp: [];
    /// Internet Relay Chat (RFC 2812).
    Irc = irc, tcp: [6666, 6667, 6668, 6669], udp: [];
    /// Kerberos 5 (RFC 4120).
    Kerberos = krb, tcp: [88], udp: [88];
    /// Lightweight Directory Access Protocol (RFC 4511).
    Ldap = ldap, tcp: [389, 3268], udp: [389];
    /// Modbus/TCP.
    Modbus = modbus, tcp: [502], udp: [];
    /// MQTT 3.1 and 3.1.1.
    Mqtt = mqtt, tcp: [1883], udp: [];
    /// MySQL client/server protocol.
    Mysql = mysql, tcp: [1434, 3306], udp: [];
    /// Network Time Protocol (RFC 5905).
    Ntp = ntp, tcp: [], udp: [123];
    /// Post Office Protocol, version 3 (RFC 1939).
    Pop3 = pop3, tcp: [], udp: [];
    /// PostgreSQL frontend/backend protocol, version 3.
    Postgresql = postgresql, tcp: [5432], udp: [];
    /// QUIC 1 and 2 (RFC 9000, RFC 9369); 784 and 853 are DNS over QUIC (RFC 9250).
    Quic = quic, tcp: [], udp: [443, 784, 853];
    /// Remote Authentication Dial In User Service (RFC 2865).
    Radius = radius, tcp: [], udp: [1812];
    /// Remote Desktop Protocol (MS-RDPBCGR).
    Rdp = rdp, tcp: [3389], udp: [];
    /// Remote Desktop Protocol's UDP transport.
    RdpUdp = rdpeudp, tcp: [], udp: [3389];
    /// Redis serialization protocol, versions 2 and 3.
    Redis = redis, tcp: [6379], udp: [];
    /// Remote Framebuffer (VNC) up to version 3.8 (RFC 6143).
    Rfb = rfb, tcp: [], udp: [];
    /// Session Initiation Protocol (RFC 3261).
    Sip = sip, tcp: [], udp: [5060];
    /// Server Message Block 1 to 3 ([MS-CIFS], [MS-SMB2]).
    Smb = smb, tcp: [139, 445], udp: [];
    /// Simple Mail Transfer Protocol (RFC 5321).
    Smtp = smtp, tcp: [25, 587], udp: [];
    /// Simple Network Management Protocol (RFC 3411).
    Snmp = snmp, tcp: [], udp: [161, 162];
    /// SOCKS 4, 4a and 5 (RFC 1928).
    Socks = socks, tcp: [1080], udp: [];
    /// Secure Shell 1 and 2 (RFC 4253).
    Ssh = ssh, tcp: [22], udp: [];
    /// SSL 2.0 and 3.0, TLS 1.0 to 1.3 (RFC 8446).
    Ssl = ssl, tcp: [443, 465, 563, 585, 614, 636, 989, 990, 992, 993, 995, 5223], udp: [];
    /// Syslog (RFC 5424).
    Syslog = syslog, tcp: [514], udp: [514];
    /// Files on connections that others announced: FTP data, IRC DCC.
    Transfer = transfer, tcp: [], udp: [];
    /// Extensible Messaging and Presence Protocol (RFC 6120).
    Xmpp = xmpp, tcp: [5222, 5269], udp: [];
}

impl Protocol {
    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|protocol| protocol.name() == name)
    }

    /// Ports of servers on a transport.
    pub const fn ports(self, proto: Proto) -> &'static [u16] {
        match proto {
            Proto::Tcp => self.tcp_ports(),
            Proto::Udp => self.udp_ports(),
            Proto::Icmp | Proto::Unknown => &[],
        }
    }
}
