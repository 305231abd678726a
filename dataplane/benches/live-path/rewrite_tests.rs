use packet::{DecodeOptions, Decoded, Frame, LinkType, Packet, WeirdList};
use record::{Addr, Time};

use super::*;

/// The one's complement sum of 16-bit words (RFC 1071).
fn sum(parts: &[&[u8]]) -> u16 {
    let octets = parts.concat();
    let total: u32 = octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)))
        .sum();
    let total = (total >> 16) + (total & 0xffff);
    ((total >> 16) + (total & 0xffff)) as u16
}

/// A frame with valid checksums; `tags` VLAN tags.
fn frame(source: &[u8], destination: &[u8], protocol: u8, tags: usize, transport: &[u8]) -> Vec<u8> {
    let mut transport = transport.to_vec();
    let offset = match protocol {
        TCP => 16,
        UDP => 6,
        _ => 2,
    };
    let length = (transport.len() as u32).to_be_bytes();
    let pseudo = [source, destination, &length, &[0, 0, 0, protocol]].concat();
    let pseudo: &[u8] = if protocol == 1 { &[] } else { &pseudo };
    let checksum = !sum(&[pseudo, &transport]);
    transport[offset..offset + 2].copy_from_slice(&checksum.to_be_bytes());
    let mut frame = vec![2; 12];
    for tag in 0..tags {
        frame.extend([0x81, 0, 0, tag as u8 + 1]);
    }
    if source.len() == 4 {
        let mut header = vec![0x45, 0];
        header.extend((20 + transport.len() as u16).to_be_bytes());
        header.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
        header.extend(source);
        header.extend(destination);
        let checksum = !sum(&[&header]);
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        frame.extend([8, 0]);
        frame.extend(header);
    } else {
        // With a hop-by-hop header of padding.
        frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend((8 + transport.len() as u16).to_be_bytes());
        frame.extend([0, 64]);
        frame.extend(source);
        frame.extend(destination);
        frame.extend([protocol, 0, 1, 4, 0, 0, 0, 0]);
    }
    frame.extend(transport);
    frame
}

fn with_packet<T>(frame: &[u8], look: impl FnOnce(&Packet<'_>) -> T) -> T {
    let frame = Frame { time: Time(0), clock: Time(0), number: 0, data: frame, wire_len: frame.len() as u32 };
    let options = DecodeOptions { verify_checksums: true, ..DecodeOptions::default() };
    match packet::decode(LinkType::Ethernet, &frame, &options, &mut WeirdList::new()) {
        Decoded::Flow(packet) => look(&packet),
        other => panic!("no packet: {other:?}"),
    }
}

fn v6(last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    (address[0], address[1], address[15]) = (0x20, 0x01, last);
    address
}

/// Transport headers with a little payload.
fn transports() -> [(u8, Vec<u8>); 2] {
    let tcp = [[0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0, 0, 0].as_slice(), b"odd"];
    let udp = [[0x9c, 0x40, 0x27, 0x0f, 0, 13, 0, 0].as_slice(), b"hello"];
    [(TCP, tcp.concat()), (UDP, udp.concat())]
}

#[test]
fn checksums_are_valid_and_addresses_others_with_any_bits() {
    let (a, b) = ([10, 1, 2, 3], [192, 0, 2, 9]);
    let (a6, b6) = (v6(1), v6(2));
    let pairs: [(&[u8], &[u8]); 2] = [(&a, &b), (&a6, &b6)];
    for (protocol, transport) in transports() {
        for (source, destination) in pairs {
            for tags in 0..3 {
                let original = frame(source, destination, protocol, tags, &transport);
                let rewrite = Rewrite::of(&original);
                for bits in [0, 1, 0x00ff, 0x0100, 0x1234, 0xffff] {
                    let mut changed = original.clone();
                    rewrite.apply(&mut changed, bits);
                    with_packet(&changed, |packet| {
                        assert!(!packet.bad_checksum, "{packet:?} {bits:x}");
                        let [high, low] = bits.to_be_bytes();
                        if source.len() == 4 {
                            let changed = Addr::v4([10, 1 ^ high, 2 ^ low, 3]);
                            assert_eq!(packet.ip.source, changed);
                            let changed = Addr::v4([192, high, 2 ^ low, 9]);
                            assert_eq!(packet.ip.destination, changed);
                        } else {
                            let mut changed = v6(1);
                            changed[6..8].copy_from_slice(&[high, low]);
                            assert_eq!(packet.ip.source, Addr::v6(changed));
                        }
                    });
                    rewrite.apply(&mut changed, bits);
                    assert_eq!(changed, original, "undone");
                }
            }
        }
    }
}

#[test]
fn icmp_over_ipv6_has_its_addresses_in_the_checksum_and_over_ipv4_has_not() {
    let echo = [128, 0, 0, 0, 0, 7, 0, 1, 9, 9];
    let mut changed = frame(&v6(1), &v6(2), ICMPV6, 0, &echo);
    Rewrite::of(&changed).apply(&mut changed, 0x0707);
    with_packet(&changed, |packet| assert!(!packet.bad_checksum));
    let mut changed = frame(&[10, 0, 0, 1], &[10, 0, 0, 2], 1, 0, &[8, 0, 0, 0, 0, 7, 0, 1, 9, 9]);
    Rewrite::of(&changed).apply(&mut changed, 0x0707);
    with_packet(&changed, |packet| assert!(!packet.bad_checksum));
}

#[test]
fn a_wrong_checksum_stays_wrong_and_none_stays_none() {
    let [_, (_, mut transport)] = transports();
    let mut changed = frame(&[10, 0, 0, 1], &[10, 0, 0, 2], UDP, 0, &transport);
    let last = changed.len() - 1;
    changed[last] ^= 1;
    Rewrite::of(&changed).apply(&mut changed, 0x0707);
    with_packet(&changed, |packet| assert!(packet.bad_checksum));
    changed[40..42].fill(0);
    Rewrite::of(&changed).apply(&mut changed, 0x0808);
    assert_eq!(changed[40..42], [0, 0]);
    with_packet(&changed, |packet| assert!(!packet.bad_checksum));
    transport.clear();
}

#[test]
fn group_addresses_and_what_is_not_ip_stay_as_they_are() {
    let [_, (_, transport)] = transports();
    let mut changed = frame(&[10, 0, 0, 1], &[224, 0, 0, 251], UDP, 0, &transport);
    Rewrite::of(&changed).apply(&mut changed, 0x0707);
    with_packet(&changed, |packet| {
        assert!(!packet.bad_checksum);
        assert_eq!(packet.ip.source, Addr::v4([10, 7, 7, 1]));
        assert_eq!(packet.ip.destination, Addr::v4([224, 0, 0, 251]));
    });
    let arp = [[2; 12].as_slice(), &[8, 6], &[1; 28]].concat();
    let mut changed = arp.clone();
    Rewrite::of(&arp).apply(&mut changed, 0x0707);
    assert_eq!(changed, arp);
}

#[test]
fn later_fragments_have_no_transport_header() {
    let [(_, transport), _] = transports();
    let mut changed = frame(&[10, 0, 0, 1], &[10, 0, 0, 2], TCP, 0, &transport);
    changed[20..22].copy_from_slice(&[0, 8]);
    let before = changed.clone();
    Rewrite::of(&changed).apply(&mut changed, 0x0707);
    assert_ne!(changed[..34], before[..34]);
    assert_eq!(changed[34..], before[34..]);
}

#[test]
fn frames_cut_anywhere_are_no_trouble() {
    for (protocol, transport) in transports() {
        for whole in [
            frame(&[10, 0, 0, 1], &[10, 0, 0, 2], protocol, 1, &transport),
            frame(&v6(1), &v6(2), protocol, 1, &transport),
        ] {
            for length in 0..whole.len() {
                let mut cut = whole[..length].to_vec();
                Rewrite::of(&cut).apply(&mut cut, 0x0707);
            }
        }
    }
}
