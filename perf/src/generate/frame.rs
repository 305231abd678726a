//! Frames: Ethernet, an optional VLAN tag, IP, TCP or UDP, with valid lengths and checksums.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::checksum::{fold, sum};

/// The two sides of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Who sent the first packet.
    Originator,
    /// The other.
    Responder,
}

impl Side {
    /// The side's place in a pair.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Originator => 0,
            Self::Responder => 1,
        }
    }

    /// The other side.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Originator => Self::Responder,
            Self::Responder => Self::Originator,
        }
    }

    /// This side's of a pair, then the other's.
    pub(crate) fn order<T: Copy>(self, [originator, responder]: [T; 2]) -> [T; 2] {
        match self {
            Self::Originator => [originator, responder],
            Self::Responder => [responder, originator],
        }
    }
}

/// Transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Protocol {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
}

impl Protocol {
    /// The name in conn.log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }
}

/// The ends of a flow, the originator first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ends {
    /// IPv6 addresses, IPv4 ones in mapped form (RFC 4291, section 2.5.5.2).
    addresses: [u128; 2],
    /// Ports.
    pub(crate) ports: [u16; 2],
}

impl Ends {
    /// Two ends of the same version of IP; with two versions all is IPv6.
    pub(crate) fn new(originator: IpAddr, responder: IpAddr, ports: [u16; 2]) -> Self {
        let octets = |address: IpAddr| match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        Self { addresses: [octets(originator), octets(responder)], ports }
    }

    /// Whether it is IPv6.
    pub(crate) fn is_v6(&self) -> bool {
        self.addresses.iter().any(|address| address >> 32 != 0xffff)
    }

    /// The address of a side.
    pub(crate) fn address(&self, side: Side) -> IpAddr {
        let [address, _] = side.order(self.addresses);
        if self.is_v6() {
            IpAddr::V6(Ipv6Addr::from_bits(address))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(address as u32))
        }
    }

    /// Octets of the IP header.
    pub(crate) fn ip_header(&self) -> u32 {
        if self.is_v6() { IPV6 } else { IPV4 }
    }
}

/// TCP flags (RFC 9293, section 3.1).
pub(crate) mod flags {
    pub(crate) const FIN: u8 = 0x01;
    pub(crate) const SYN: u8 = 0x02;
    pub(crate) const RST: u8 = 0x04;
    pub(crate) const PSH: u8 = 0x08;
    pub(crate) const ACK: u8 = 0x10;
}

/// Octets of an Ethernet header.
const ETHERNET: u32 = 14;
/// Octets of a VLAN tag (IEEE 802.1Q).
const VLAN: u32 = 4;
/// Octets of an IPv4 header without options.
const IPV4: u32 = 20;
/// Octets of an IPv6 header.
const IPV6: u32 = 40;
/// Octets of a UDP header.
pub(crate) const UDP: u32 = 8;
/// Octets of a TCP header without options.
pub(crate) const TCP: u32 = 20;
/// The least octets of a frame without its check sequence (IEEE 802.3, 64 with it).
const LEAST: u32 = 60;

/// The routers on both sides of the link, locally administered.
const MAC: [[u8; 6]; 2] = [[0x02, 0, 0, 0, 0, 1], [0x02, 0, 0, 0, 0, 2]];

/// Octets of a frame with so many octets of IP.
pub(crate) const fn frame_octets(ip_octets: u32, vlan: bool) -> u32 {
    let least = if vlan { LEAST + VLAN } else { LEAST };
    let octets = ETHERNET + if vlan { VLAN } else { 0 } + ip_octets;
    if octets < least { least } else { octets }
}

/// What is in an IP header besides addresses and lengths.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IpFields {
    /// Time to live, or hop limit.
    pub(crate) ttl: u8,
    /// Identification of IPv4, or the flow label of IPv6.
    pub(crate) id: u16,
}

/// Builds frames, one after the other, in one buffer.
#[derive(Debug)]
pub(crate) struct FrameBuilder {
    octets: Vec<u8>,
    vlan: Option<u16>,
    network: usize,
    transport: usize,
    pseudo_header: u64,
    checksum_at: usize,
}

impl FrameBuilder {
    /// For frames with a VLAN's tag, or none.
    pub(crate) fn new(vlan: Option<u16>) -> Self {
        Self {
            octets: Vec::with_capacity(2048),
            vlan,
            network: 0,
            transport: 0,
            pseudo_header: 0,
            checksum_at: 0,
        }
    }

    /// Begins the frame of a packet that `side` sends.
    pub(crate) fn begin(&mut self, ends: &Ends, side: Side, protocol: Protocol, fields: IpFields) {
        let [from, to] = side.order(MAC);
        self.octets.clear();
        self.octets.extend_from_slice(&to);
        self.octets.extend_from_slice(&from);
        if let Some(vlan) = self.vlan {
            self.octets.extend_from_slice(&[0x81, 0x00]);
            self.octets.extend_from_slice(&vlan.to_be_bytes());
        }
        let [source, destination] = side.order(ends.addresses);
        let [id_high, id_low] = fields.id.to_be_bytes();
        let number = protocol.number();
        if ends.is_v6() {
            self.octets.extend_from_slice(&[0x86, 0xdd]);
            self.network = self.octets.len();
            self.octets.extend_from_slice(&[0x60, 0, id_high, id_low, 0, 0, number, fields.ttl]);
            self.octets.extend_from_slice(&source.to_be_bytes());
            self.octets.extend_from_slice(&destination.to_be_bytes());
        } else {
            self.octets.extend_from_slice(&[0x08, 0x00]);
            self.network = self.octets.len();
            self.octets
                .extend_from_slice(&[0x45, 0, 0, 0, id_high, id_low, 0x40, 0, fields.ttl, number, 0, 0]);
            self.octets.extend_from_slice(&(source as u32).to_be_bytes());
            self.octets.extend_from_slice(&(destination as u32).to_be_bytes());
        }
        self.transport = self.octets.len();
        // A mapped address sums up like its four octets, since a word of all ones is nothing in one's complement.
        let address = |address: u128| sum(&address.to_be_bytes());
        self.pseudo_header = address(source) + address(destination) + u64::from(number);
        for port in side.order(ends.ports) {
            self.octets.extend_from_slice(&port.to_be_bytes());
        }
    }

    /// Appends the rest of a TCP header; `options` are whole words of four octets.
    pub(crate) fn tcp(&mut self, seq: u32, ack: u32, flags: u8, window: u16, options: &[u8]) {
        self.octets.extend_from_slice(&seq.to_be_bytes());
        self.octets.extend_from_slice(&ack.to_be_bytes());
        let words = (TCP as usize + options.len()) / 4;
        self.octets.extend_from_slice(&[(words << 4) as u8, flags]);
        self.octets.extend_from_slice(&window.to_be_bytes());
        self.checksum_at = self.octets.len();
        self.octets.extend_from_slice(&[0; 4]);
        self.octets.extend_from_slice(options);
    }

    /// Appends the rest of a UDP header.
    pub(crate) fn udp(&mut self) {
        self.checksum_at = self.octets.len() + 2;
        self.octets.extend_from_slice(&[0; 4]);
    }

    /// Where payload is appended.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    /// Fills in lengths and checksums and pads the frame.
    pub(crate) fn finish(&mut self) -> &[u8] {
        let transport_octets = self.octets.len().saturating_sub(self.transport);
        let length = (transport_octets as u16).to_be_bytes();
        let is_v6 = self.transport - self.network == IPV6 as usize;
        if is_v6 {
            self.put(self.network + 4, length);
        } else {
            self.put(self.network + 2, (transport_octets as u16 + IPV4 as u16).to_be_bytes());
            let header = self.octets.get(self.network..self.transport).unwrap_or_default();
            self.put(self.network + 10, (!fold(sum(header))).to_be_bytes());
        }
        let is_udp = self.checksum_at == self.transport + 6;
        if is_udp {
            self.put(self.transport + 4, length);
        }
        let data = self.octets.get(self.transport..).unwrap_or_default();
        let checksum = match !fold(self.pseudo_header + transport_octets as u64 + sum(data)) {
            // Zero would say that there is no checksum (RFC 768).
            0 if is_udp => 0xffff,
            checksum => checksum,
        };
        self.put(self.checksum_at, checksum.to_be_bytes());
        let least = frame_octets(0, self.vlan.is_some()) as usize;
        if self.octets.len() < least {
            self.octets.resize(least, 0);
        }
        &self.octets
    }

    /// The frame that was finished last.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    fn put(&mut self, at: usize, value: [u8; 2]) {
        if let Some(to) = self.octets.get_mut(at..at + 2) {
            to.copy_from_slice(&value);
        }
    }
}

#[cfg(test)]
mod tests {
    use packet::{DecodeOptions, Decoded, Frame, LinkType, Transport, WeirdList, decode};
    use proptest::prelude::*;
    use record::Time;

    use super::*;

    fn address(is_v6: bool) -> BoxedStrategy<IpAddr> {
        if is_v6 {
            any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits | 1 << 125))).boxed()
        } else {
            any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))).boxed()
        }
    }

    fn ends() -> impl Strategy<Value = Ends> {
        any::<bool>().prop_flat_map(|is_v6| {
            (address(is_v6), address(is_v6), any::<[u16; 2]>())
                .prop_map(|(a, b, ports)| Ends::new(a, b, ports))
        })
    }

    proptest! {
        #[test]
        fn every_frame_is_decoded_with_valid_checksums(
            ends in ends(),
            is_tcp: bool,
            is_back: bool,
            vlan in prop::option::of(1..4095_u16),
            payload in prop::collection::vec(any::<u8>(), 0..1400),
        ) {
            let side = if is_back { Side::Responder } else { Side::Originator };
            let protocol = if is_tcp { Protocol::Tcp } else { Protocol::Udp };
            let mut builder = FrameBuilder::new(vlan);
            builder.begin(&ends, side, protocol, IpFields { ttl: 61, id: 0xabcd });
            if is_tcp {
                builder.tcp(1, 2, flags::ACK | flags::PSH, 1000, &[1, 1, 1, 1]);
            } else {
                builder.udp();
            }
            builder.payload().extend_from_slice(&payload);
            let header = if is_tcp { TCP + 4 } else { UDP };
            let octets = frame_octets(ends.ip_header() + header + payload.len() as u32, vlan.is_some());
            let data = builder.finish();
            prop_assert_eq!(data.len(), octets as usize);
            let frame = Frame { time: Time(0), clock: Time(0), number: 0, data, wire_len: octets };
            let mut weirds = WeirdList::new();
            let Decoded::Flow(packet) = decode(LinkType::Ethernet, &frame, &DecodeOptions::default(), &mut weirds) else {
                panic!("no packet");
            };
            let names: Vec<_> = weirds.iter().map(|report| report.weird.name()).collect();
            prop_assert!(names.is_empty(), "{:?}", names);
            prop_assert_eq!(packet.payload, payload.as_slice());
            prop_assert_eq!(matches!(packet.transport, Transport::Tcp(_)), is_tcp);
        }
    }
}
