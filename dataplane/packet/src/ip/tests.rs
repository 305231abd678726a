use record::{Addr, Time};

use crate::header::ip_proto;
use crate::testing::*;
use crate::weird::{Scope, Source, Weird, WeirdList};
use crate::{DecodeOptions, Decoded, Frame, LinkType, OtherReason, Transport, decode};

const RAW: LinkType = LinkType::Ip;

fn unchecked(data: &[u8]) -> (Decoded<'_>, WeirdList) {
    let mut weirds = WeirdList::new();
    let options = DecodeOptions { verify_checksums: false, ..DecodeOptions::default() };
    (decode(RAW, &frame(data), &options, &mut weirds), weirds)
}

#[test]
fn tcp_header_is_read() {
    let options = hex("020405b4");
    let data = ipv4(ip_proto::TCP, &tcp(false, &options, b"hello"));
    let packet = packet(RAW, &data);
    let Transport::Tcp(header) = packet.transport else { panic!("no TCP") };
    assert_eq!((header.source_port, header.destination_port), (40000, 80));
    assert_eq!((header.sequence, header.acknowledgment), (0x0102_0304, 0x0506_0708));
    assert_eq!((header.flags, header.window, header.header_len), (0x18, 0x1000, 24));
    assert_eq!(header.options, options);
    assert_eq!(packet.payload, b"hello");
    assert_eq!((packet.ip.total_len, packet.ip.header_len, packet.ip.ttl), (49, 20, 64));
    assert_eq!((packet.ip.source, packet.ip.destination), (Addr::v4(CLIENT), Addr::v4(SERVER)));
}

#[test]
fn icmp_identifier_is_that_of_messages_that_have_one() {
    for data in
        [ipv4(ip_proto::ICMP, &icmp_echo(false, b"ping")), ipv6(ip_proto::ICMPV6, &icmp_echo(true, b"ping"))]
    {
        let packet = packet(RAW, &data);
        assert!(matches!(packet.transport, Transport::Icmp { code: 0, identifier: 0x1234, .. }));
        assert_eq!(packet.payload, b"ping");
    }
    let unreachable = ipv4(ip_proto::ICMP, &hex("0301 fcfe 00000000"));
    assert_eq!(packet(RAW, &unreachable).transport, Transport::Icmp { kind: 3, code: 1, identifier: 0 });
}

#[test]
fn other_transports_keep_their_payload() {
    let data = ipv4(ip_proto::SCTP, b"whatever follows");
    let packet = packet(RAW, &data);
    assert_eq!((packet.transport, packet.payload), (Transport::Other, &b"whatever follows"[..]));
    assert!(!packet.is_ip_tunnel());
}

#[test]
fn igmp_makes_no_connection() {
    let data = ipv4(ip_proto::IGMP, &[0x16; 8]);
    assert_eq!(decoded(RAW, &data).0, Decoded::Other(OtherReason::Igmp));
}

#[test]
fn ipv6_extension_headers_are_skipped() {
    let options = "00 0104 00000000";
    for first in [ip_proto::HOP_BY_HOP, ip_proto::DESTINATION_OPTIONS] {
        let data = ipv6(first, &join(&[&hex("11"), &hex(options), &udp(true, b"probe")]));
        let found = packet(RAW, &data);
        is_probe(&found);
        assert_eq!((found.ip.protocol, found.ip.header_len), (ip_proto::UDP, 48));
    }
    let authenticated =
        ipv6(ip_proto::AH, &join(&[&hex("11 02 0000 00000001 00000001 aabbccdd"), &udp(true, b"probe")]));
    is_probe(&packet(RAW, &authenticated));
}

#[test]
fn ipv6_routing_header_names_the_destination() {
    let last = [0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
    let data = ipv6(ip_proto::ROUTING, &join(&[&hex("11 02 00 01 00000000"), &last, &udp(true, b"x")]));
    let (decoded, weirds) = unchecked(&data);
    let Decoded::Flow(packet) = decoded else { panic!("no packet") };
    assert_eq!(packet.ip.destination, Addr::v6(last));
    assert_eq!(names(&weirds), ["routing0_hdr"]);
    let report = weirds.iter().next().unwrap();
    assert_eq!(report.scope, Scope::Addresses(Addr::v6(CLIENT6), Addr::v6(last)));
    assert_eq!(report.source.name(), None);
}

#[test]
fn ipv6_home_address_is_the_source() {
    let home = [0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let options = join(&[&hex("11 02 0102 0000 c910"), &home]);
    let data = ipv6(ip_proto::DESTINATION_OPTIONS, &join(&[&options, &udp(true, b"x")]));
    let (decoded, weirds) = unchecked(&data);
    assert!(matches!(decoded, Decoded::Flow(packet) if packet.ip.source == Addr::v6(home)));
    assert!(weirds.is_empty());
}

#[test]
fn esp_ends_ipv6_and_is_a_transport_of_ipv4() {
    assert_eq!(unchecked(&ipv6(ip_proto::ESP, &[0; 16])).0, Decoded::Other(OtherReason::Esp));
    let data = ipv4(ip_proto::ESP, &[0; 16]);
    assert_eq!(packet(RAW, &data).transport, Transport::Other);
}

#[test]
fn no_next_header_is_reported() {
    let data = ipv6(ip_proto::NO_NEXT, &[]);
    let (decoded, weirds) = unchecked(&data);
    assert_eq!(decoded, Decoded::Other(OtherReason::NoNextHeader));
    assert_eq!(names(&weirds), ["ipv6_no_next"]);
}

#[test]
fn extension_header_cut_short_is_the_payload() {
    let data = ipv6(ip_proto::HOP_BY_HOP, &hex("11ff0000"));
    let (decoded, _) = unchecked(&data);
    assert!(matches!(decoded, Decoded::Flow(packet) if packet.ip.protocol == ip_proto::HOP_BY_HOP));
}

#[test]
fn lying_headers_are_damage() {
    let good = probe();
    damaged(RAW, &good[..19], Weird::TruncatedIp);
    damaged(RAW, &[0x75; 40], Weird::UnknownIpVersion);
    damaged(RAW, &probe6()[..39], Weird::TruncatedIp);

    let mut long = good.clone();
    long[2..4].copy_from_slice(&500u16.to_be_bytes());
    damaged(RAW, &long, Weird::TruncatedIpLen);

    let mut short = good.clone();
    short[2..4].copy_from_slice(&10u16.to_be_bytes());
    damaged(RAW, &short, Weird::InvalidIpHeaderSize);

    let mut tiny = good.clone();
    tiny[0] = 0x44;
    damaged(RAW, &tiny, Weird::Ipv4MinHeaderSize);

    let mut corrupt = good;
    corrupt[8] = 63;
    damaged(RAW, &corrupt, Weird::BadIpChecksum);
}

#[test]
fn length_zero_is_taken_from_the_capture_when_checksums_do_not_matter() {
    let mut data = probe();
    data[2..4].fill(0);
    damaged(RAW, &data, Weird::IpHdrLenZero);
    let (decoded, weirds) = unchecked(&data);
    let Decoded::Flow(packet) = decoded else { panic!("no packet") };
    assert_eq!((packet.payload, packet.payload_len, packet.ip.total_len), (&b"probe"[..], 5, 0));
    assert_eq!(names(&weirds), ["ip_hdr_len_zero"]);

    let mut data = probe6();
    data[4..6].fill(0);
    assert!(matches!(unchecked(&data).0, Decoded::Flow(packet) if packet.payload == b"probe"));
}

#[test]
fn transport_headers_cut_short_are_damage() {
    let data = ipv4(ip_proto::UDP, &[0; 7]);
    damaged(RAW, &data, Weird::TruncatedHeader);
    damaged(RAW, &ipv4(ip_proto::TCP, &[]), Weird::InternallyTruncatedHeader);
    let whole = ipv4(ip_proto::TCP, &tcp(false, &[], b""));
    let mut weirds = WeirdList::new();
    let cut = Frame { time: Time(0), clock: Time(0), number: 0, data: &whole[..30], wire_len: 40 };
    let decoded = decode(RAW, &cut, &DecodeOptions::default(), &mut weirds);
    assert_eq!(decoded, Decoded::Damaged(Weird::InternallyTruncatedHeader));
    let report = weirds.iter().next().unwrap();
    assert_eq!(report.source, Source::Tcp);
    assert_eq!(report.scope, Scope::Addresses(Addr::v4(CLIENT), Addr::v4(SERVER)));
}

#[test]
fn tcp_header_that_lies_counts_for_its_connection() {
    for (offset, name) in [(0x40, "bad_TCP_header_len"), (0xf0, "truncated_header")] {
        let mut segment = tcp(false, &[], b"");
        segment[12] = offset;
        let data = ipv4(ip_proto::TCP, &segment);
        let (decoded, weirds) = unchecked(&data);
        assert!(matches!(decoded, Decoded::Flow(packet) if packet.bad_header && packet.payload.is_empty()));
        assert_eq!(names(&weirds), [name]);
        assert_eq!(weirds.iter().next().unwrap().scope, Scope::Connection);
    }
}

#[test]
fn wrong_checksums_are_flagged() {
    let segments = [
        (ipv4(ip_proto::TCP, &tcp(false, &[], b"odd")), "bad_TCP_checksum"),
        (ipv4(ip_proto::UDP, &udp(false, b"odd")), "bad_UDP_checksum"),
        (ipv4(ip_proto::ICMP, &icmp_echo(false, b"odd")), "bad_ICMP_checksum"),
        (ipv6(ip_proto::TCP, &tcp(true, &[], b"odd")), "bad_TCP_checksum"),
        (ipv6(ip_proto::UDP, &udp(true, b"odd")), "bad_UDP_checksum"),
        (ipv6(ip_proto::ICMPV6, &icmp_echo(true, b"odd")), "bad_ICMP_checksum"),
    ];
    for (mut data, name) in segments {
        assert!(!packet(RAW, &data).bad_checksum);
        *data.last_mut().unwrap() ^= 1;
        let (found, weirds) = decoded(RAW, &data);
        assert!(matches!(found, Decoded::Flow(packet) if packet.bad_checksum));
        assert_eq!(names(&weirds), [name]);
        let (found, weirds) = unchecked(&data);
        assert!(matches!(found, Decoded::Flow(packet) if !packet.bad_checksum));
        assert!(weirds.is_empty());
    }
}

#[test]
fn checksums_of_cut_packets_are_not_verified() {
    let mut data = ipv4(ip_proto::TCP, &tcp(false, &[], b"payload"));
    data[40] ^= 1;
    let cut = Frame {
        time: Time(0),
        clock: Time(0),
        number: 0,
        data: &data[..data.len() - 2],
        wire_len: data.len() as u32,
    };
    let mut weirds = WeirdList::new();
    let decoded = decode(RAW, &cut, &DecodeOptions::default(), &mut weirds);
    let Decoded::Flow(packet) = decoded else { panic!("no packet") };
    assert!(!packet.bad_checksum);
    assert_eq!((packet.payload.len(), packet.payload_len), (5, 7));
}

#[test]
fn udp_without_checksum_is_good_on_ipv4_only() {
    let mut data = ipv4(ip_proto::UDP, &udp(false, b"probe"));
    data[26..28].fill(0);
    assert!(!packet(RAW, &data).bad_checksum);
    let mut data = ipv6(ip_proto::UDP, &udp(true, b"probe"));
    data[46..48].fill(0);
    assert_eq!(names(&decoded(RAW, &data).1), ["bad_UDP_checksum"]);
}

#[test]
fn udp_length_that_differs_is_reported_with_both_lengths() {
    let mut datagram = udp(false, b"probe");
    datagram[4..6].copy_from_slice(&99u16.to_be_bytes());
    let data = ipv4(ip_proto::UDP, &datagram);
    let (decoded, weirds) = unchecked(&data);
    assert!(matches!(decoded, Decoded::Flow(packet) if packet.payload == b"probe"));
    let report = weirds.iter().next().unwrap();
    assert_eq!(
        (report.weird.name(), report.detail.to_string()),
        ("UDP_datagram_length_mismatch", "99 != 13".into())
    );
}

#[test]
fn fragments_that_were_cut_tell_their_header_if_first() {
    let body = udp(false, &[0x55; 64]);
    let first = ipv4_fragment(ip_proto::UDP, 1, 0x2000, &body);
    let later = ipv4_fragment(ip_proto::UDP, 1, 0x0010, &body);
    for (data, is_first) in [(first, true), (later, false)] {
        let cut = Frame {
            time: Time(0),
            clock: Time(0),
            number: 0,
            data: &data[..60],
            wire_len: data.len() as u32,
        };
        let mut weirds = WeirdList::new();
        let decoded = decode(RAW, &cut, &DecodeOptions::default(), &mut weirds);
        assert_eq!(names(&weirds), ["incompletely_captured_fragment"]);
        assert_eq!(matches!(decoded, Decoded::Flow(_)), is_first);
    }
}

#[test]
fn mobility_header_ends_the_analysis() {
    let mut message = hex("3b 00 05 00 0000 0000");
    let sum = crate::checksum::sum(&CLIENT6) + crate::checksum::sum(&SERVER6) + 135 + 8;
    let sum = !crate::checksum::fold(sum + crate::checksum::sum(&message));
    message[4..6].copy_from_slice(&sum.to_be_bytes());
    let data = ipv6(ip_proto::MOBILITY, &message);
    let (found, weirds) = decoded(RAW, &data);
    assert_eq!((found, names(&weirds)), (Decoded::Other(OtherReason::Mobility), vec![]));
    message[2] = 6;
    let data = ipv6(ip_proto::MOBILITY, &message);
    damaged(RAW, &data, Weird::BadMobilityChecksum);
}
