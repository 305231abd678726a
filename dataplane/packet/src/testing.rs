//! Frames for tests, built by code.

use record::{Addr, Time};

use crate::header::ip_proto;
use crate::weird::{Weird, WeirdList};
use crate::{DecodeOptions, Decoded, Frame, LinkType, Packet, checksum, decode};

pub(crate) const CLIENT: [u8; 4] = [10, 0, 0, 1];
pub(crate) const SERVER: [u8; 4] = [10, 0, 0, 2];
pub(crate) const CLIENT6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub(crate) const SERVER6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// Octets from hexadecimal digits; white space is ignored.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16).unwrap() as u8).collect();
    assert!(digits.len().is_multiple_of(2));
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

pub(crate) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 2], &[2, 0, 0, 0, 0, 1], &ether_type.to_be_bytes(), payload])
}

/// An IPv4 header with a flags-and-offset field, and what follows it.
pub(crate) fn ipv4_fragment(protocol: u8, identification: u16, field: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend_from_slice(&(payload.len() as u16 + 20).to_be_bytes());
    header.extend_from_slice(&identification.to_be_bytes());
    header.extend_from_slice(&field.to_be_bytes());
    header.extend_from_slice(&[64, protocol, 0, 0]);
    header.extend_from_slice(&CLIENT);
    header.extend_from_slice(&SERVER);
    let sum = !checksum::fold(checksum::sum(&header));
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header.extend_from_slice(payload);
    header
}

pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 1, 0, payload)
}

pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    header.extend_from_slice(&[next, 64]);
    header.extend_from_slice(&CLIENT6);
    header.extend_from_slice(&SERVER6);
    header.extend_from_slice(payload);
    header
}

/// Fills in the checksum at `at` of an upper-layer packet.
fn seal(mut packet: Vec<u8>, at: usize, protocol: u8, is_v6: bool) -> Vec<u8> {
    let (source, destination): (&[u8], &[u8]) = if is_v6 { (&CLIENT6, &SERVER6) } else { (&CLIENT, &SERVER) };
    let pseudo = if protocol == ip_proto::ICMP {
        0
    } else {
        checksum::sum(source) + checksum::sum(destination) + u64::from(protocol) + packet.len() as u64
    };
    let sum = !checksum::fold(pseudo + checksum::sum(&packet));
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    packet
}

pub(crate) fn tcp(is_v6: bool, options: &[u8], payload: &[u8]) -> Vec<u8> {
    assert!(options.len().is_multiple_of(4));
    let mut packet = join(&[
        &40000u16.to_be_bytes(),
        &80u16.to_be_bytes(),
        &0x0102_0304_u32.to_be_bytes(),
        &0x0506_0708_u32.to_be_bytes(),
        &[(((20 + options.len()) / 4) << 4) as u8, 0x18],
        &[0x10, 0x00, 0, 0, 0, 0],
    ]);
    packet.extend_from_slice(options);
    packet.extend_from_slice(payload);
    seal(packet, 16, ip_proto::TCP, is_v6)
}

pub(crate) fn udp_ports(is_v6: bool, source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16 + 8;
    let packet =
        join(&[&source.to_be_bytes(), &destination.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload]);
    seal(packet, 6, ip_proto::UDP, is_v6)
}

pub(crate) fn udp(is_v6: bool, payload: &[u8]) -> Vec<u8> {
    udp_ports(is_v6, 5353, 53, payload)
}

pub(crate) fn icmp_echo(is_v6: bool, payload: &[u8]) -> Vec<u8> {
    let packet = join(&[&[if is_v6 { 128 } else { 8 }, 0, 0, 0, 0x12, 0x34, 0, 1], payload]);
    seal(packet, 2, if is_v6 { ip_proto::ICMPV6 } else { ip_proto::ICMP }, is_v6)
}

/// An IPv4 packet with a UDP message to `port`.
pub(crate) fn ipv4_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    ipv4(ip_proto::UDP, &udp_ports(false, 5000, port, payload))
}

/// The smallest IP packet that shows that decoding got to it.
pub(crate) fn probe() -> Vec<u8> {
    ipv4(ip_proto::UDP, &udp(false, b"probe"))
}

pub(crate) fn probe6() -> Vec<u8> {
    ipv6(ip_proto::UDP, &udp(true, b"probe"))
}

pub(crate) fn frame(data: &[u8]) -> Frame<'_> {
    Frame { time: Time(0), clock: Time(0), number: 0, data, wire_len: data.len() as u32 }
}

pub(crate) fn decoded(link: LinkType, data: &[u8]) -> (Decoded<'_>, WeirdList) {
    let mut weirds = WeirdList::new();
    let decoded = decode(link, &frame(data), &DecodeOptions::default(), &mut weirds);
    (decoded, weirds)
}

pub(crate) fn names(weirds: &WeirdList) -> Vec<&'static str> {
    weirds.iter().map(|report| report.weird.name()).collect()
}

/// The packet of a frame in which nothing is odd.
pub(crate) fn packet(link: LinkType, data: &[u8]) -> Packet<'_> {
    let (decoded, weirds) = decoded(link, data);
    assert!(weirds.is_empty(), "{:?}", names(&weirds));
    match decoded {
        Decoded::Flow(packet) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

pub(crate) fn is_probe(packet: &Packet<'_>) {
    assert_eq!(packet.payload, b"probe");
    assert_eq!(packet.payload_len, 5);
    assert!(matches!(packet.ip.source, a if a == Addr::v4(CLIENT) || a == Addr::v6(CLIENT6)));
}

pub(crate) fn damaged(link: LinkType, data: &[u8], weird: Weird) {
    let (decoded, weirds) = decoded(link, data);
    assert_eq!(decoded, Decoded::Damaged(weird));
    assert_eq!(weirds.iter().last().map(|report| report.weird), Some(weird));
}
