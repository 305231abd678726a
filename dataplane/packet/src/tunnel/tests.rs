use super::*;
use crate::testing::*;

const RAW: LinkType = LinkType::Ip;

/// Looks into an IP packet; gives the inside, and what was odd.
fn look<'f>(data: &'f [u8], state: &mut UdpTunnelState) -> (Option<Inner<'f>>, WeirdList) {
    let packet = packet(RAW, data);
    let mut weirds = WeirdList::new();
    let inner = inner(&packet, &TunnelContext::outermost(&packet), state, &mut weirds);
    (inner, weirds)
}

/// The tunnel in an IP packet, which must lead to the probe.
fn through(data: &[u8]) -> (TunnelKind, Carrier, Option<u32>) {
    let (inner, mut weirds) = look(data, &mut UdpTunnelState::default());
    let inner = inner.expect("a tunnel");
    match inner.decode(&DecodeOptions::default(), &mut weirds) {
        Decoded::Flow(packet) => is_probe(&packet),
        other => panic!("no packet: {other:?}"),
    }
    assert!(weirds.is_empty(), "{:?}", names(&weirds));
    (inner.kind, inner.carrier, inner.network_id)
}

fn no_tunnel(data: &[u8], names_expected: &[&str]) {
    let (inner, weirds) = look(data, &mut UdpTunnelState::default());
    assert_eq!(inner, None);
    assert_eq!(names(&weirds), names_expected);
}

fn gre(header: &str, payload: &[u8]) -> Vec<u8> {
    ipv4(ip_proto::GRE, &join(&[&hex(header), payload]))
}

const ENDS: Carrier = Carrier::Addresses(Addr::v4(CLIENT), Addr::v4(SERVER));

#[test]
fn ip_in_ip_and_6in4_are_followed() {
    assert_eq!(through(&ipv4(ip_proto::IPV4, &probe())), (TunnelKind::Ip, ENDS, None));
    assert_eq!(through(&ipv4(ip_proto::IPV6, &probe6())), (TunnelKind::Ip, ENDS, None));
    assert_eq!(through(&ipv6(ip_proto::IPV6, &probe6())).0, TunnelKind::Ip);
    assert_eq!(through(&ipv6(ip_proto::IPV4, &probe())).0, TunnelKind::Ip);
    assert!(packet(RAW, &ipv4(ip_proto::IPV4, &probe())).is_ip_tunnel());
}

#[test]
fn ip_in_ip_must_fit() {
    no_tunnel(&ipv4(ip_proto::IPV4, &probe6()), &["invalid_inner_IP_version"]);
    no_tunnel(&ipv4(ip_proto::IPV6, &probe6()[..44]), &["truncated_inner_IP"]);
    no_tunnel(&ipv4(ip_proto::IPV4, &join(&[&probe(), &[0]])), &["inner_IP_payload_length_mismatch"]);
}

#[test]
fn gre_options_are_skipped() {
    for (header, key) in [
        ("0000 0800", None),
        ("8000 0800 12340000", None),
        ("2000 0800 00000007", Some(7)),
        ("3000 0800 00000007 00000001", Some(7)),
        ("b000 0800 00000000 00000007 00000001", Some(7)),
        ("4000 0800 00000000 00010004 0a000009 00000000", None),
    ] {
        assert_eq!(through(&gre(header, &probe())), (TunnelKind::Gre, ENDS, key));
    }
    assert_eq!(through(&gre("0000 86dd", &probe6())).0, TunnelKind::Gre);
    assert_eq!(through(&gre("0000 8847 00010140", &probe())).0, TunnelKind::Gre);
}

#[test]
fn gre_carries_ethernet_erspan_and_wireless() {
    let frame = ethernet(0x0800, &probe());
    assert_eq!(through(&gre("2000 6558 00000009", &frame)).2, Some(9));
    through(&gre("0000 88be", &frame));
    through(&gre("1000 88be 00000001 1001 0001 00000000", &frame));
    through(&gre("1000 22eb 00000001 2001 0001 00000000 00000000", &frame));
    through(&gre("1000 22eb 00000001 2001 0001 00000000 00000001 0000000000000000", &frame));
    let wireless = join(&[&hex("0801 0000"), &[2; 18], &hex("0000 aaaa03 000000 0800"), &probe()]);
    through(&gre("0000 8200", &wireless));
    through(&gre("0000 8310", &wireless));
}

#[test]
fn pptp_carries_ppp() {
    assert_eq!(through(&gre("3001 880b 00210001 00000001 ff03 0021", &probe())).2, Some(0x0021_0001));
    assert_eq!(through(&gre("3081 880b 00210001 00000001 00000002 ff03 0057", &probe6())).0, TunnelKind::Gre);
    no_tunnel(&gre("3001 880b 00210001 00000001 ff03 c021", &probe()), &["non_ip_packet_in_encap"]);
    no_tunnel(&gre("2001 0800 00000000", &probe()), &["egre_protocol_type"]);
}

#[test]
fn odd_gre_is_reported() {
    no_tunnel(&gre("0000", &[]), &["truncated_GRE"]);
    no_tunnel(&gre("2000 0800", &[]), &["truncated_GRE"]);
    no_tunnel(&gre("0000 6558", &[0; 14]), &["truncated_GRE"]);
    no_tunnel(&gre("0002 0800", &probe()), &["unknown_gre_version"]);
    no_tunnel(&gre("0008 0800", &probe()), &["unknown_gre_flags"]);
    no_tunnel(&gre("4000 0800 00000000 0001ffff", &probe()), &["gre_routing"]);
}

#[test]
fn what_gre_carries_is_taken_for_ip() {
    let data = gre("0000 0806", &[0; 28]);
    let (inner, mut weirds) = look(&data, &mut UdpTunnelState::default());
    let decoded = inner.unwrap().decode(&DecodeOptions::default(), &mut weirds);
    assert_eq!(decoded, Decoded::Damaged(Weird::UnknownIpVersion));
    let report = weirds.iter().next().unwrap();
    assert!(report.in_tunnel);
    assert_eq!(report.scope, Scope::Frame);
}

#[test]
fn vxlan_is_followed() {
    let header = hex("08000000 00002a00");
    let data = ipv4_udp(4789, &join(&[&header, &ethernet(0x0800, &probe())]));
    assert_eq!(through(&data), (TunnelKind::Vxlan, Carrier::Connection, Some(42)));
    no_tunnel(&ipv4_udp(4789, &header), &["vxlan_empty_packet"]);
}

#[test]
fn udp_tunnel_that_was_contradicted_is_not_tried_again() {
    let mut state = UdpTunnelState::default();
    let good = ipv4_udp(4789, &join(&[&hex("08000000 00002a00"), &ethernet(0x0800, &probe())]));
    let bad = ipv4_udp(4789, &join(&[&hex("00000000 00002a00"), &ethernet(0x0800, &probe())]));
    assert!(look(&good, &mut state).0.is_some());
    assert!(look(&bad, &mut state).0.is_none());
    assert!(state.is_violated(TunnelKind::Vxlan));
    assert!(look(&good, &mut state).0.is_none());
}

#[test]
fn geneve_is_followed() {
    let frame = ethernet(0x0800, &probe());
    let data = ipv4_udp(6081, &join(&[&hex("0000 6558 00000100"), &frame]));
    assert_eq!(through(&data), (TunnelKind::Geneve, Carrier::Connection, Some(1)));
    through(&ipv4_udp(6081, &join(&[&hex("0240 6558 00000100 0102030000000000"), &frame])));
    through(&ipv4_udp(6081, &join(&[&hex("0000 86dd 00000100"), &probe6()])));
    no_tunnel(&ipv4_udp(6081, &hex("4000 6558 00000100 00")), &["geneve_invalid_version"]);
    no_tunnel(&ipv4_udp(6081, &hex("0000 6558 00000100")), &["geneve_empty_packet"]);
}

const TEREDO_AUTHENTICATION: &str = "0001 02 01 aabb cc 0000000000000000 00";
const TEREDO_ORIGIN: &str = "0000 1234 f5ffffff";

#[test]
fn teredo_is_followed_on_its_port() {
    for indications in ["", TEREDO_ORIGIN, TEREDO_AUTHENTICATION] {
        let data = ipv4_udp(3544, &join(&[&hex(indications), &probe6()]));
        assert_eq!(through(&data), (TunnelKind::Teredo, Carrier::Connection, None));
    }
}

#[test]
fn teredo_is_recognised_on_any_port() {
    let mut with_prefix = probe6();
    with_prefix[8..12].copy_from_slice(&hex("20010000"));
    for payload in [
        join(&[&hex(TEREDO_ORIGIN), &probe6()]),
        join(&[&hex(TEREDO_AUTHENTICATION), &hex(TEREDO_ORIGIN), &probe6()]),
        with_prefix,
    ] {
        let data = ipv4_udp(1, &payload);
        assert!(look(&data, &mut UdpTunnelState::default()).0.is_some());
    }
    no_tunnel(&ipv4_udp(1, &probe6()), &[]);
}

#[test]
fn teredo_is_confirmed_by_both_directions() {
    let data = ipv4_udp(3544, &probe6());
    let packet = packet(RAW, &data);
    let mut state = UdpTunnelState::default();
    let mut weirds = WeirdList::new();
    let context = TunnelContext::outermost(&packet);
    assert!(!inner(&packet, &context, &mut state, &mut weirds).unwrap().confirmed);
    let back = TunnelContext { from_originator: false, ..context };
    assert!(inner(&packet, &back, &mut state, &mut weirds).unwrap().confirmed);
}

#[test]
fn teredo_bubble_is_quiet_unless_it_carries_something() {
    let bubble = ipv6(ip_proto::NO_NEXT, &[]);
    let data = ipv4_udp(3544, &bubble);
    let (inner, mut weirds) = look(&data, &mut UdpTunnelState::default());
    assert!(matches!(inner.unwrap().decode(&DecodeOptions::default(), &mut weirds), Decoded::Other(_)));
    assert!(weirds.is_empty());

    let data = ipv4_udp(3544, &join(&[&bubble, b"data"]));
    let (inner, weirds) = look(&data, &mut UdpTunnelState::default());
    assert!(inner.is_some());
    assert_eq!(names(&weirds), ["Teredo_bubble_with_payload"]);
    assert_eq!(weirds.iter().next().unwrap().scope, Scope::Connection);
}

#[test]
fn teredo_must_fill_the_datagram() {
    no_tunnel(&ipv4_udp(3544, &join(&[&probe6(), b"more"])), &[]);
    no_tunnel(&ipv4_udp(3544, &probe6()[..45]), &[]);
}

#[test]
fn gtp_user_packets_are_followed() {
    for header in [
        "30ff 0000 00000011",
        "32ff 0000 00000011 00010000",
        "34ff 0000 00000011 00000085 01000100",
        "36ff 0000 00000011 00010085 01000185 02000000 00000000",
    ] {
        let data = ipv4_udp(2152, &join(&[&hex(header), &probe()]));
        assert_eq!(through(&data), (TunnelKind::Gtpv1, Carrier::Connection, Some(0x11)));
    }
    let signalling = ipv4_udp(2152, &join(&[&hex("3001 0000 00000011"), &probe()]));
    no_tunnel(&signalling, &[]);
    let endless = ipv4_udp(2152, &join(&[&hex("34ff 0000 00000011 00000085 00000000"), &probe()]));
    no_tunnel(&endless, &[]);
}

#[test]
fn gtp_in_gtp_is_not_followed() {
    let data = ipv4_udp(2152, &join(&[&hex("30ff 0000 00000011"), &probe()]));
    let packet = packet(RAW, &data);
    let context =
        TunnelContext { inside: Some(TunnelKind::Gtpv1), depth: 1, ..TunnelContext::outermost(&packet) };
    let mut state = UdpTunnelState::default();
    assert_eq!(inner(&packet, &context, &mut state, &mut WeirdList::new()), None);
    assert!(state.is_violated(TunnelKind::Gtpv1));
}

#[test]
fn ayiya_is_followed_on_its_port_and_any_other() {
    let header = join(&[&hex("41521129 00000000"), &[0; 16], &[0; 20]]);
    for port in [5072, 9999] {
        let data = ipv4_udp(port, &join(&[&header, &probe6()]));
        assert_eq!(through(&data).0, TunnelKind::Ayiya);
    }
}

#[test]
fn gre_in_udp_is_known_by_addresses() {
    let data = ipv4_udp(4754, &join(&[&hex("0000 0800"), &probe()]));
    assert_eq!(through(&data), (TunnelKind::Gre, ENDS, None));
}

#[test]
fn depth_is_bounded() {
    for (data, source) in [
        (ipv4(ip_proto::IPV4, &probe()), Source::IpTunnel),
        (gre("0000 0800", &probe()), Source::IpTunnel),
        (ipv4_udp(4789, &[0; 30]), Source::Vxlan),
        (ipv4_udp(6081, &[0; 30]), Source::Geneve),
        (ipv4_udp(3544, &[0; 30]), Source::Teredo),
        (ipv4_udp(5072, &[0; 30]), Source::Ayiya),
    ] {
        let packet = packet(RAW, &data);
        let context = TunnelContext { depth: DEFAULT_MAX_DEPTH, ..TunnelContext::outermost(&packet) };
        let mut weirds = WeirdList::new();
        assert_eq!(inner(&packet, &context, &mut UdpTunnelState::default(), &mut weirds), None);
        let report = weirds.iter().next().unwrap();
        assert_eq!((report.weird, report.source), (Weird::ExceededTunnelMaxDepth, source));
    }
}
