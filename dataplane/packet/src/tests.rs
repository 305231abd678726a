use proptest::prelude::*;
use record::{Addr, Time};

use crate::header::ip_proto;
use crate::testing::*;
use crate::tunnel::{TunnelContext, UdpTunnelState, inner};
use crate::{DecodeOptions, Decoded, Frame, LinkType, WeirdList, checksum, decode, hosts};

const LINK_TYPES: [u32; 18] = [0, 1, 9, 10, 12, 14, 50, 51, 101, 105, 108, 113, 127, 228, 229, 239, 276, 999];

#[test]
fn checksum_is_that_of_rfc_1071() {
    // The example of section 3.
    assert_eq!(checksum::fold(checksum::sum(&hex("0001 f203 f4f5 f6f7"))), 0xddf2);
}

#[test]
fn addresses_are_found_behind_any_link_layer() {
    let addresses =
        |link, octets: &[u8]| hosts(link, &frame(octets)).map(|hosts| (hosts.source, hosts.destination));
    let pair = Some((Addr::v4(CLIENT), Addr::v4(SERVER)));
    let tagged = ethernet(0x8100, &join(&[&hex("0005 0800"), &probe()]));
    assert_eq!(addresses(LinkType::Ethernet, &tagged), pair);
    assert_eq!(addresses(LinkType::Ip, &probe()), pair);
    let six = Some((Addr::v6(CLIENT6), Addr::v6(SERVER6)));
    assert_eq!(addresses(LinkType::Ip, &probe6()), six);
    assert_eq!(addresses(LinkType::Ethernet, &ethernet(0x0806, &[0; 28])), None);
}

/// A UDP packet of IPv4 with these ports and this payload.
fn udp_packet(ports: [u16; 2], fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend_from_slice(&(28 + payload.len() as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    packet.extend_from_slice(&fragment.to_be_bytes());
    packet.extend_from_slice(&[64, 17, 0, 0, 10, 0, 0, 1, 192, 0, 2, 1]);
    for value in [ports[0], ports[1], 8 + payload.len() as u16, 0] {
        packet.extend_from_slice(&value.to_be_bytes());
    }
    packet.extend_from_slice(payload);
    packet
}

#[test]
fn teredo_is_known_by_port_and_by_what_it_carries() {
    let is_teredo =
        |packet: &[u8]| crate::hosts(LinkType::Ip, &frame(packet)).is_some_and(|hosts| hosts.is_teredo);
    let mut ipv6 = [0u8; 40];
    ipv6[0] = 0x60;
    ipv6[24..28].copy_from_slice(&[0x20, 1, 0, 0]);
    let origin = [[0, 0, 1, 2, 3, 4, 5, 6].as_slice(), &ipv6].concat();
    assert!(is_teredo(&udp_packet([40000, 3544], 0, b"")));
    assert!(is_teredo(&udp_packet([40000, 32900], 0, &ipv6)));
    assert!(is_teredo(&udp_packet([40000, 32900], 0, &origin)));
    assert!(!is_teredo(&udp_packet([40000, 53], 0, b"something else, of some length, but no packet")));
    assert!(!is_teredo(&udp_packet([40000, 3544], 0x2000, b"")), "fragments go by their addresses");
}

#[test]
fn weird_list_counts_what_it_cannot_hold() {
    let mut weirds = WeirdList::new();
    for _ in 0..crate::WEIRD_LIST_CAPACITY + 3 {
        let data = ipv4(ip_proto::UDP, &[0; 3]);
        decode(LinkType::Ip, &frame(&data), &DecodeOptions::default(), &mut weirds);
    }
    assert_eq!((weirds.len(), weirds.dropped()), (crate::WEIRD_LIST_CAPACITY, 3));
    weirds.clear();
    assert!(weirds.is_empty() && weirds.iter().next().is_none());
}

/// Every slice that a decoding gives is a part of the frame; follows tunnels to their end.
fn stays_inside(frame_data: &[u8], decoded: Decoded<'_>, depth: u8, options: &DecodeOptions) {
    let bounds = frame_data.as_ptr_range();
    let inside = |part: &[u8]| {
        let part = part.as_ptr_range();
        assert!(part.is_empty() || (bounds.start <= part.start && part.end <= bounds.end));
    };
    let mut weirds = WeirdList::new();
    match decoded {
        Decoded::Flow(packet) => {
            inside(packet.payload);
            assert!(packet.payload.len() as u32 <= packet.payload_len);
            let offloaded = packet.ip.total_len == if packet.ip.source.is_v4() { 0 } else { 40 };
            assert!(offloaded || packet.ip.header_len <= packet.ip.total_len);
            let ports = [53, 2152, 3544, 4754, 4789, 5072, 6081];
            for port in ports {
                let context =
                    TunnelContext { depth, responder_port: port, ..TunnelContext::outermost(&packet) };
                let found = inner(&packet, &context, &mut UdpTunnelState::default(), &mut weirds);
                if let Some(found) = found {
                    inside(found.payload);
                    stays_inside(frame_data, found.decode(options, &mut weirds), depth + 1, options);
                }
            }
        }
        Decoded::Fragment(fragment) => {
            inside(fragment.payload);
            inside(fragment.header);
        }
        Decoded::Aggregate(mut aggregate) => {
            while let Some(next) = aggregate.next(options, &mut weirds) {
                stays_inside(frame_data, next, depth, options);
            }
        }
        Decoded::Other(_) | Decoded::Damaged(_) => {}
    }
}

fn check(data: &[u8], wire_len: u32, verify_checksums: bool) {
    let options = DecodeOptions { verify_checksums, ..DecodeOptions::default() };
    let frame = Frame { time: Time(0), clock: Time(0), number: 0, data, wire_len };
    for number in LINK_TYPES {
        let link = LinkType::from_dlt(number);
        let mut weirds = WeirdList::new();
        let decoded = decode(link, &frame, &options, &mut weirds);
        if let Decoded::Damaged(weird) = decoded {
            assert_eq!(weirds.iter().last().map(|report| report.weird), Some(weird));
        }
        let later = DecodeOptions { defer_payload: true, ..options };
        let deferred = decode(link, &frame, &later, &mut WeirdList::new());
        if let (Decoded::Flow(now), Decoded::Flow(later)) = (decoded, deferred) {
            assert_eq!(now.bad_checksum, later.bad_checksum || later.has_bad_payload());
        }
        stays_inside(data, decoded, 0, &options);
        hosts(link, &frame);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_are_decoded_within_their_bounds(
        data in proptest::collection::vec(any::<u8>(), 0..200),
        more in 0u32..2000,
        verify in any::<bool>(),
    ) {
        check(&data, data.len() as u32 + more, verify);
    }

    #[test]
    fn mutated_tunnels_are_decoded_within_their_bounds(
        which in 0usize..12,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        keep in any::<proptest::sample::Index>(),
        verify in any::<bool>(),
    ) {
        let inside = ethernet(0x0800, &probe());
        let packet = match which {
            0 => ipv4(ip_proto::IPV6, &probe6()),
            1 => ipv4(ip_proto::GRE, &join(&[&hex("3000 6558 00000001 00000002"), &inside])),
            2 => ipv4(ip_proto::GRE, &join(&[&hex("1000 22eb 00000001 2001 0001 00000000 00000001 0000000000000000"), &inside])),
            3 => ipv4(ip_proto::GRE, &join(&[&hex("4000 0800 00000000 00010004 0a000009 00000000"), &probe()])),
            4 => ipv4_udp(4789, &join(&[&hex("08000000 00002a00"), &inside])),
            5 => ipv4_udp(6081, &join(&[&hex("0240 6558 00000100 0102030000000000"), &inside])),
            6 => ipv4_udp(3544, &join(&[&hex("0001 02 01 aabb cc 0000000000000000 00"), &probe6()])),
            7 => ipv4_udp(2152, &join(&[&hex("34ff 0000 00000011 00000085 01 000100"), &probe()])),
            8 => ipv6(ip_proto::HOP_BY_HOP, &join(&[&hex("2b 00 0104 00000000 11 02 00 01 00000000"), &[1; 16], &udp(true, b"x")])),
            9 => ipv6(ip_proto::FRAGMENT, &join(&[&hex("11 00 0001 00000007"), &udp(true, b"x")])),
            10 => ipv4(ip_proto::TCP, &tcp(false, &hex("020405b4 01010402"), b"payload")),
            _ => ipv6(ip_proto::ICMPV6, &icmp_echo(true, b"payload")),
        };
        let mut data = ethernet(0x0800, &packet);
        for (at, value) in changes {
            let at = at.index(data.len());
            data[at] = value;
        }
        let wire_len = data.len() as u32;
        data.truncate(keep.index(data.len() + 1).max(14));
        check(&data, wire_len, verify);
        check(&data[14..], wire_len - 14, verify);
    }

    #[test]
    fn sum_of_words_is_the_sum_of_octet_pairs(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut simple = 0u64;
        for pair in data.chunks(2) {
            simple += u64::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
        }
        let (fast, simple) = (checksum::fold(checksum::sum(&data)), checksum::fold(simple));
        prop_assert!(fast == simple || (fast % 0xffff == 0 && simple % 0xffff == 0));
    }
}
