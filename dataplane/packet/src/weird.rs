//! Oddities found while decoding, as values: Zeek's names for them, and where each one belongs.
//!
//! A decoder never fails: it gives the best it could make of the bytes, and reports what was odd in a [`WeirdList`]
//! of fixed size. The names are those of Zeek's `weird` log, since people search for them.

use std::fmt;

use record::Addr;

macro_rules! weirds {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal,)+) => {
        /// An oddity of a packet; [`Weird::name`] is Zeek's name for it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Weird {
            $($(#[$doc])+ $variant,)+
        }

        impl Weird {
            /// Every oddity this crate can report.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in the `weird` log.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

weirds! {
    /// Fewer bytes than an Ethernet header, or than the 802.3 length field says.
    TruncatedEthernetFrame = "truncated_ethernet_frame",
    /// A Cisco FabricPath header without room for an Ethernet header behind it.
    TruncatedFabricPath = "truncated_link_header_cfp",
    /// A type/length field that is neither (1501 to 1535).
    UndefinedEtherType = "undefined_ether_type",
    /// An LLC header cut short.
    TruncatedLlcHeader = "truncated_llc_header",
    /// The LLC part of a SNAP header cut short.
    TruncatedSnapLlcHeader = "truncated_snap_llc_header",
    /// A SNAP header cut short.
    TruncatedSnapHeader = "truncated_snap_header",
    /// A VLAN tag cut short.
    TruncatedVlanHeader = "truncated_VLAN_header",
    /// A type/length field behind a VLAN tag that is neither (1501 to 1535).
    UndefinedVlanProtocol = "undefined_vlan_protocol",
    /// A third VLAN tag: its identifier replaces that of the second.
    TripleTaggedVlan = "triple_tagged_vlan_unsupported",
    /// A VNTag cut short.
    TruncatedVntagHeader = "truncated_vntag_header",
    /// A provider backbone bridge tag cut short.
    TruncatedPbbHeader = "truncated_PBB_header",
    /// An MPLS label stack cut short.
    TruncatedLinkHeader = "truncated_link_header",
    /// A PPPoE header cut short.
    TruncatedPppoeHeader = "truncated_pppoe_header",
    /// More bytes than the PPPoE length field says.
    PppoeExtraData = "pppoe_extra_data_after_payload",
    /// Fewer bytes than the PPPoE length field says.
    PppoeTruncatedPayload = "pppoe_truncated_payload",
    /// A PPP header cut short.
    TruncatedPppHeader = "truncated_ppp_header",
    /// A PPP header in HDLC-like framing cut short.
    TruncatedPppHdlcHeader = "truncated_ppp_hdlc_header",
    /// A serial PPP header cut short.
    TruncatedPppSerialHeader = "truncated_ppp_serial_header",
    /// A BSD loopback header cut short.
    NullHeaderFailed = "null_analyzer_failed",
    /// A Linux cooked header cut short.
    TruncatedLinuxSll = "truncated_Linux_SLL_header",
    /// A Linux cooked header, version 2, cut short.
    TruncatedLinuxSll2 = "truncated_Linux_SLL2_header",
    /// An NFLOG header cut short.
    TruncatedNflogHeader = "truncated_nflog_header",
    /// An NFLOG version other than 0.
    UnknownNflogVersion = "unknown_nflog_version",
    /// No payload attribute in an NFLOG message.
    NflogNoPayload = "nflog_no_pcap_payload",
    /// An NFLOG attribute shorter than its own header.
    NflogBadTlvLen = "nflog_bad_tlv_len",
    /// An FDDI header cut short.
    FddiFailed = "FDDI_analyzer_failed",
    /// A radiotap header cut short.
    TruncatedRadiotapHeader = "truncated_radiotap_header",
    /// An 802.11 header cut short.
    TruncatedWirelessHeader = "truncated_802_11_header",
    /// An 802.11 data frame without room for LLC and SNAP.
    TruncatedWirelessLlcHeader = "truncated_802_11_llc_header",
    /// An A-MSDU subframe header cut short.
    TruncatedAmsduHeader = "truncated_802_11_amsdu_header",
    /// An A-MSDU subframe cut short.
    TruncatedAmsduPacket = "truncated_802_11_amsdu_packet",
    /// More link-layer headers around each other than a packet has a use for.
    MaxDepthExceeded = "max_packet_analyzer_depth_exceeded",

    /// Fewer bytes than an IP header.
    TruncatedIp = "truncated_IP",
    /// The packet is shorter than its IP header says.
    TruncatedIpLen = "truncated_IP_len",
    /// The IP version is neither 4 nor 6.
    UnknownIpVersion = "unknown_ip_version",
    /// The IP length field is 0, as segmentation offload leaves it.
    IpHdrLenZero = "ip_hdr_len_zero",
    /// The IP header is longer than the IP packet.
    InvalidIpHeaderSize = "invalid_IP_header_size",
    /// A header is longer than what was captured.
    InternallyTruncatedHeader = "internally_truncated_header",
    /// An IPv4 header shorter than 20 octets.
    Ipv4MinHeaderSize = "IPv4_min_header_size",
    /// The IPv4 header checksum is wrong.
    BadIpChecksum = "bad_IP_checksum",
    /// "No next header" (59) outside of a Teredo bubble.
    Ipv6NoNext = "ipv6_no_next",
    /// A type 0 routing header (deprecated by RFC 5095).
    Routing0Hdr = "routing0_hdr",
    /// A type 0 routing header with half an address.
    OddRouting0Len = "odd_routing0_len",
    /// A type 2 routing header that is not 24 octets long.
    BadRouting2Len = "bad_routing2_len",
    /// Any other routing type.
    UnknownRoutingType = "unknown_routing_type",
    /// More than one routing header.
    MultipleRoutingHeaders = "multiple_routing_headers",
    /// A destination option that runs over its header.
    BadIpv6DestOptLen = "bad_ipv6_dest_opt_len",
    /// A home address option that is not an address long.
    BadHomeAddrLen = "bad_home_addr_len",
    /// More than one home address option.
    MultipleHomeAddrOpts = "multiple_home_addr_opts",
    /// The checksum of a mobility header is wrong.
    BadMobilityChecksum = "bad_MH_checksum",
    /// Data behind a mobility header.
    MobilityPiggyback = "mobility_piggyback",

    /// A fragment that was not captured whole.
    IncompletelyCapturedFragment = "incompletely_captured_fragment",
    /// A fragment with the "don't fragment" bit.
    FragmentWithDf = "fragment_with_DF",
    /// A fragment, not the last one, of fewer than 64 octets.
    ExcessivelySmallFragment = "excessively_small_fragment",
    /// A fragment that ends beyond 64,000 octets.
    ExcessivelyLargeFragment = "excessively_large_fragment",
    /// Fragments that disagree on the size of the datagram.
    FragmentSizeInconsistency = "fragment_size_inconsistency",
    /// Fragments that disagree on protocol or header length.
    FragmentProtocolInconsistency = "fragment_protocol_inconsistency",
    /// Fragments that overlap, with the same data.
    FragmentOverlap = "fragment_overlap",
    /// Fragments that overlap, with different data.
    FragmentInconsistency = "fragment_inconsistency",

    /// Less IP payload than a transport header, or TCP options beyond it.
    TruncatedHeader = "truncated_header",
    /// A TCP header length below 20.
    BadTcpHeaderLen = "bad_TCP_header_len",
    /// The TCP checksum is wrong.
    BadTcpChecksum = "bad_TCP_checksum",
    /// The UDP checksum is wrong.
    BadUdpChecksum = "bad_UDP_checksum",
    /// The ICMP or ICMPv6 checksum is wrong.
    BadIcmpChecksum = "bad_ICMP_checksum",
    /// The UDP length is not what IP says.
    UdpLengthMismatch = "UDP_datagram_length_mismatch",

    /// Tunnels in tunnels beyond the limit.
    ExceededTunnelMaxDepth = "exceeded_tunnel_max_depth",
    /// The IP version inside is not the one that the outer header promises.
    InvalidInnerIpVersion = "invalid_inner_IP_version",
    /// The IP packet inside is cut short.
    TruncatedInnerIp = "truncated_inner_IP",
    /// There is more inside than the inner IP packet.
    InnerIpLengthMismatch = "inner_IP_payload_length_mismatch",
    /// A GRE header cut short.
    TruncatedGre = "truncated_GRE",
    /// A GRE version other than 0 and 1.
    UnknownGreVersion = "unknown_gre_version",
    /// GRE version 1 that carries something other than PPP.
    EgreProtocolType = "egre_protocol_type",
    /// GRE with reserved flags set.
    UnknownGreFlags = "unknown_gre_flags",
    /// GRE with a source route whose entries run over the packet (RFC 1701).
    GreRouting = "gre_routing",
    /// PPP in GRE that carries something other than IP.
    NonIpPacketInEncap = "non_ip_packet_in_encap",
    /// A VXLAN header with nothing behind it.
    VxlanEmptyPacket = "vxlan_empty_packet",
    /// A GENEVE version other than 0.
    GeneveInvalidVersion = "geneve_invalid_version",
    /// A GENEVE header with nothing behind it.
    GeneveEmptyPacket = "geneve_empty_packet",
    /// An AYIYA header with nothing behind it.
    AyiyaEmptyPacket = "ayiya_empty_packet",
    /// A Teredo bubble with data behind its IPv6 header.
    TeredoBubbleWithPayload = "Teredo_bubble_with_payload",
    /// Tunnels in tunnels beyond the limit, at a GTP header.
    TunnelDepth = "tunnel_depth",
}

/// The part of the decoder that noticed an oddity: the `source` column of the `weird` log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// None is logged.
    None,
    /// Ethernet.
    Ethernet,
    /// IEEE 802.2 LLC.
    Llc,
    /// SNAP.
    Snap,
    /// VLAN tags.
    Vlan,
    /// VNTag.
    Vntag,
    /// Provider backbone bridges (IEEE 802.1ah).
    Pbb,
    /// MPLS.
    Mpls,
    /// PPP over Ethernet.
    Pppoe,
    /// PPP.
    Ppp,
    /// PPP on a serial line.
    PppSerial,
    /// BSD loopback.
    Null,
    /// Linux cooked capture.
    LinuxSll,
    /// Linux cooked capture, version 2.
    LinuxSll2,
    /// Linux netfilter log.
    Nflog,
    /// FDDI.
    Fddi,
    /// 802.11.
    Wireless,
    /// 802.11 with radiotap.
    WirelessRadio,
    /// IP.
    Ip,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP.
    Icmp,
    /// IP in IP and what GRE carries.
    IpTunnel,
    /// GRE.
    Gre,
    /// VXLAN.
    Vxlan,
    /// GENEVE.
    Geneve,
    /// Teredo.
    Teredo,
    /// GTP.
    Gtpv1,
    /// AYIYA.
    Ayiya,
}

impl Source {
    /// The name in logs; `None` when the column stays empty.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Ethernet => "ETHERNET",
            Self::Llc => "LLC",
            Self::Snap => "SNAP",
            Self::Vlan => "VLAN",
            Self::Vntag => "VNTAG",
            Self::Pbb => "PBB",
            Self::Mpls => "MPLS",
            Self::Pppoe => "PPPOE",
            Self::Ppp => "PPP",
            Self::PppSerial => "PPPSERIAL",
            Self::Null => "NULL",
            Self::LinuxSll => "LINUXSLL",
            Self::LinuxSll2 => "LINUXSLL2",
            Self::Nflog => "NFLOG",
            Self::Fddi => "FDDI",
            Self::Wireless => "IEEE802_11",
            Self::WirelessRadio => "IEEE802_11_RADIO",
            Self::Ip => "IP",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::IpTunnel => "IPTUNNEL",
            Self::Gre => "GRE",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "GENEVE",
            Self::Teredo => "TEREDO",
            Self::Gtpv1 => "GTPV1",
            Self::Ayiya => "AYIYA",
        })
    }
}

/// What an oddity is about, and so which columns its log record gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The frame: nothing trustworthy is known of its ends.
    Frame,
    /// A pair of addresses, source first; logged with ports 0 and no connection.
    Addresses(Addr, Addr),
    /// The connection that the decoded packet belongs to.
    Connection,
}

/// More about an oddity: the `addl` column. `Display` writes it as Zeek does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// A number.
    Number(u32),
    /// A protocol version.
    Version(u32),
    /// A protocol number.
    Protocol(u32),
    /// Two VLAN identifiers, of which the second replaces the first.
    Vlans(u16, u16),
    /// Two lengths that should be the same: what the header says, and what there is.
    Lengths(u32, u32),
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Number(number) => write!(f, "{number}"),
            Self::Version(version) => write!(f, "version={version}"),
            Self::Protocol(protocol) => write!(f, "proto={protocol}"),
            Self::Vlans(old, new) => write!(f, "overwrote inner vlan ID of {old} with {new}"),
            Self::Lengths(claimed, actual) => write!(f, "{claimed} != {actual}"),
        }
    }
}

/// One oddity with all that its log record needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeirdReport {
    /// What was odd.
    pub weird: Weird,
    /// Who noticed.
    pub source: Source,
    /// What it is about.
    pub scope: Scope,
    /// More about it.
    pub detail: Detail,
    /// The packet came out of a tunnel: Zeek appends `_in_tunnel` to the name.
    pub in_tunnel: bool,
}

/// Room in a [`WeirdList`]: more than any sane frame needs.
pub const WEIRD_LIST_CAPACITY: usize = 8;

/// Oddities of one frame, in the order they were found; of fixed size, more are only counted.
#[derive(Debug, Clone, Default)]
pub struct WeirdList {
    reports: [Option<WeirdReport>; WEIRD_LIST_CAPACITY],
    len: u8,
    dropped: u32,
}

impl WeirdList {
    /// An empty list.
    pub const fn new() -> Self {
        Self { reports: [None; WEIRD_LIST_CAPACITY], len: 0, dropped: 0 }
    }

    /// Whether nothing odd was reported.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of reports held.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Reports that found no room since the last [`clear`](Self::clear).
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Forgets all reports.
    #[inline]
    pub const fn clear(&mut self) {
        self.len = 0;
        self.dropped = 0;
    }

    /// The reports held.
    pub fn iter(&self) -> impl Iterator<Item = &WeirdReport> {
        self.reports.iter().take(self.len()).flatten()
    }

    /// Adds a report, or counts it as dropped when the list is full.
    #[cold]
    pub fn push(&mut self, report: WeirdReport) {
        match self.reports.get_mut(usize::from(self.len)) {
            Some(slot) => {
                *slot = Some(report);
                self.len += 1;
            }
            None => self.dropped = self.dropped.saturating_add(1),
        }
    }
}
