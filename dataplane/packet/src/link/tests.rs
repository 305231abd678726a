use super::LinkType;
use crate::header::ip_proto;
use crate::testing::*;
use crate::weird::{Scope, Source, Weird, WeirdList};
use crate::{DecodeOptions, Decoded, OtherReason};

fn tag(id: u16, inner: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&id.to_be_bytes(), &inner.to_be_bytes(), payload])
}

#[test]
fn ethernet_gives_addresses_and_packet() {
    let data = ethernet(0x0800, &probe());
    let packet = packet(LinkType::Ethernet, &data);
    is_probe(&packet);
    assert_eq!(packet.layer2.source, Some([2, 0, 0, 0, 0, 1]));
    assert_eq!(packet.layer2.destination, Some([2, 0, 0, 0, 0, 2]));
    assert_eq!(packet.layer2.vlan, None);
}

#[test]
fn ethernet_padding_is_not_payload() {
    let mut data = ethernet(0x0800, &ipv4(ip_proto::TCP, &tcp(false, &[], b"")));
    data.resize(60, 0);
    let packet = packet(LinkType::Ethernet, &data);
    assert_eq!((packet.payload.len(), packet.payload_len), (0, 0));
}

#[test]
fn one_two_and_three_vlan_tags_are_followed() {
    let one = ethernet(0x8100, &tag(0x2064, 0x86dd, &probe6()));
    let found = packet(LinkType::Ethernet, &one);
    is_probe(&found);
    assert_eq!((found.layer2.vlan, found.layer2.inner_vlan), (Some(0x64), None));

    let two = ethernet(0x88a8, &tag(7, 0x8100, &tag(8, 0x0800, &probe())));
    let found = packet(LinkType::Ethernet, &two);
    is_probe(&found);
    assert_eq!((found.layer2.vlan, found.layer2.inner_vlan), (Some(7), Some(8)));

    let three = ethernet(0x9100, &tag(7, 0x9100, &tag(8, 0x8100, &tag(9, 0x0800, &probe()))));
    let (decoded, weirds) = decoded(LinkType::Ethernet, &three);
    let Decoded::Flow(found) = decoded else { panic!("no packet") };
    is_probe(&found);
    assert_eq!((found.layer2.vlan, found.layer2.inner_vlan), (Some(7), Some(9)));
    assert_eq!(names(&weirds), ["triple_tagged_vlan_unsupported"]);
    let detail = weirds.iter().next().unwrap().detail.to_string();
    assert_eq!(detail, "overwrote inner vlan ID of 8 with 9");
}

#[test]
fn priority_tag_is_no_vlan() {
    let data = ethernet(0x8100, &tag(0xe000, 0x0800, &probe()));
    assert_eq!(packet(LinkType::Ethernet, &data).layer2.vlan, None);
}

#[test]
fn mpls_label_stack_is_skipped() {
    let labels = hex("00010040 00020040 00030140");
    is_probe(&packet(LinkType::Ethernet, &ethernet(0x8847, &join(&[&labels, &probe()]))));
    is_probe(&packet(LinkType::Ethernet, &ethernet(0x8847, &join(&[&labels[8..], &probe6()]))));
    damaged(LinkType::Ethernet, &ethernet(0x8847, &labels), Weird::TruncatedLinkHeader);
}

#[test]
fn pppoe_session_is_followed_and_its_length_believed() {
    let session = |length: usize, packet: &[u8]| {
        let length = (length as u16).to_be_bytes();
        ethernet(0x8864, &join(&[&hex("11000001"), &length, &hex("0021"), packet]))
    };
    let inner = probe();
    is_probe(&packet(LinkType::Ethernet, &session(inner.len() + 2, &inner)));

    let padded = join(&[&inner, &[0; 6]]);
    let data = session(inner.len() + 2, &padded);
    let (decoded, weirds) = decoded(LinkType::Ethernet, &data);
    assert!(matches!(decoded, Decoded::Flow(packet) if packet.payload == b"probe"));
    assert_eq!(names(&weirds), ["pppoe_extra_data_after_payload"]);
    let report = weirds.iter().next().unwrap();
    assert_eq!((report.source.name(), report.scope), (Some("PPPOE"), Scope::Frame));

    damaged(LinkType::Ethernet, &ethernet(0x8864, &hex("1100000100020021")), Weird::TruncatedPppoeHeader);
}

#[test]
fn vntag_and_backbone_bridging_are_followed() {
    let vntag = ethernet(0x8926, &join(&[&hex("80010002 0800"), &probe()]));
    is_probe(&packet(LinkType::Ethernet, &vntag));

    let customer = join(&[&hex("0a0000000001 0a0000000002 8100 0005 0800"), &probe()]);
    let bridged = ethernet(0x88e7, &join(&[&hex("00000001"), &customer]));
    let found = packet(LinkType::Ethernet, &bridged);
    is_probe(&found);
    assert_eq!(found.layer2.source, Some([0x0a, 0, 0, 0, 0, 2]));
    assert_eq!(found.layer2.vlan, Some(5));
}

#[test]
fn endless_backbone_bridging_ends() {
    let mut data = ethernet(0x0800, &probe());
    for _ in 0..40 {
        data = ethernet(0x88e7, &join(&[&[0; 4], &data]));
    }
    damaged(LinkType::Ethernet, &data, Weird::MaxDepthExceeded);
}

#[test]
fn snap_in_802_3_is_followed() {
    let body = join(&[&hex("aaaa03 000000 0800"), &probe()]);
    is_probe(&packet(LinkType::Ethernet, &ethernet(body.len() as u16, &body)));
}

#[test]
fn other_llc_is_recognised() {
    let spanning_tree = hex("424203 0000000000000000000000");
    let data = ethernet(spanning_tree.len() as u16, &spanning_tree);
    let (decoded, _) = decoded(LinkType::Ethernet, &data);
    assert_eq!(decoded, Decoded::Other(OtherReason::UnknownProtocol(Source::Llc, 0x42)));
}

#[test]
fn odd_ethernet_is_reported() {
    damaged(LinkType::Ethernet, &[0; 16], Weird::TruncatedEthernetFrame);
    damaged(LinkType::Ethernet, &ethernet(100, &[0x42; 20]), Weird::TruncatedEthernetFrame);
    damaged(LinkType::Ethernet, &ethernet(1520, &[0; 20]), Weird::UndefinedEtherType);
    damaged(LinkType::Ethernet, &ethernet(0x8100, &hex("00010800")), Weird::TruncatedVlanHeader);
    damaged(LinkType::Ethernet, &ethernet(0x8100, &tag(1, 1520, &[0; 20])), Weird::UndefinedVlanProtocol);
    damaged(LinkType::Ethernet, &ethernet(2, &[0x42; 20]), Weird::TruncatedLlcHeader);
}

#[test]
fn arp_and_unknown_ether_types_are_other() {
    assert_eq!(decoded(LinkType::Ethernet, &ethernet(0x0806, &[0; 28])).0, Decoded::Other(OtherReason::Arp));
    let unknown = OtherReason::UnknownProtocol(Source::Ethernet, 0x88cc);
    assert_eq!(decoded(LinkType::Ethernet, &ethernet(0x88cc, &[0; 28])).0, Decoded::Other(unknown));
}

#[test]
fn fabric_path_is_skipped() {
    let data = join(&[&hex("020000000000 020000000000 8903 0001"), &ethernet(0x0800, &probe())]);
    is_probe(&packet(LinkType::Ethernet, &data));
}

#[test]
fn raw_ip_needs_no_header() {
    for number in [12, 14, 101, 228, 229] {
        is_probe(&packet(LinkType::from_dlt(number), &probe()));
        is_probe(&packet(LinkType::from_dlt(number), &probe6()));
    }
}

#[test]
fn loopback_takes_both_byte_orders() {
    for (number, family) in [(0, "02000000"), (0, "00000002"), (108, "00000002"), (0, "1e000000")] {
        let data = join(&[&hex(family), &probe()]);
        is_probe(&packet(LinkType::from_dlt(number), &data));
    }
    damaged(LinkType::Null, &[2, 0, 0, 0], Weird::NullHeaderFailed);
}

#[test]
fn linux_cooked_captures_are_read() {
    let sll = join(&[&hex("0000 0001 0006 020000000001 0000 0800"), &probe()]);
    let found = packet(LinkType::from_dlt(113), &sll);
    is_probe(&found);
    assert_eq!(found.layer2.source, Some([2, 0, 0, 0, 0, 1]));

    let sll2 = join(&[&hex("86dd 0000 00000002 0001 00 06 020000000001 0000"), &probe6()]);
    let found = packet(LinkType::from_dlt(276), &sll2);
    is_probe(&found);
    assert_eq!(found.layer2.source, Some([2, 0, 0, 0, 0, 1]));
}

#[test]
fn ppp_is_read_with_and_without_framing() {
    is_probe(&packet(LinkType::from_dlt(9), &join(&[&hex("ff030021"), &probe()])));
    is_probe(&packet(LinkType::from_dlt(9), &join(&[&hex("0057"), &probe6()])));
    is_probe(&packet(LinkType::from_dlt(50), &join(&[&hex("0f000021"), &probe()])));
    is_probe(&packet(LinkType::from_dlt(9), &join(&[&hex("ff030281 00010140"), &probe()])));
    let session =
        join(&[&hex("11000001"), &(probe().len() as u16 + 2).to_be_bytes(), &hex("0021"), &probe()]);
    is_probe(&packet(LinkType::from_dlt(51), &session));
}

#[test]
fn nflog_attributes_are_skipped() {
    let data = join(&[&hex("02000000 0500 0a00 61000000 0800 0100 00000000"), &hex("ffff0900"), &probe()]);
    is_probe(&packet(LinkType::from_dlt(239), &data));
    damaged(LinkType::Nflog, &hex("02000000 0300 0a00 0000"), Weird::NflogBadTlvLen);
    damaged(LinkType::Nflog, &hex("02010000 0300"), Weird::UnknownNflogVersion);
}

#[test]
fn fddi_is_skipped() {
    let data = join(&[&[0x50; 13], &hex("aaaa03 000000 0800"), &probe()]);
    is_probe(&packet(LinkType::from_dlt(10), &data));
}

const LLC_SNAP: &str = "aaaa03 000000 0800";

fn wireless(control: &str, fourth: &str, qos: &str, body: &[u8]) -> Vec<u8> {
    let addresses = hex("020000000001 020000000002 020000000003 1000");
    join(&[&hex(control), &hex("0000"), &addresses, &hex(fourth), &hex(qos), body])
}

#[test]
fn wireless_data_frames_give_their_addresses() {
    let body = join(&[&hex(LLC_SNAP), &probe()]);
    for (control, fourth, source, destination) in
        [("0800", "", 2, 1), ("0801", "", 2, 3), ("0802", "", 3, 1), ("0803", "020000000004", 4, 3)]
    {
        let data = wireless(control, fourth, "", &body);
        let found = packet(LinkType::from_dlt(105), &data);
        is_probe(&found);
        assert_eq!(found.layer2.source, Some([2, 0, 0, 0, 0, source]));
        assert_eq!(found.layer2.destination, Some([2, 0, 0, 0, 0, destination]));
    }
}

#[test]
fn wireless_qos_and_radiotap_headers_are_skipped() {
    let body = join(&[&hex(LLC_SNAP), &probe()]);
    let data = join(&[&hex("0000 0a00 00000000 0000"), &wireless("8801", "", "0000", &body)]);
    is_probe(&packet(LinkType::from_dlt(127), &data));
    damaged(LinkType::WirelessRadiotap, &hex("0000ff00 0000"), Weird::TruncatedRadiotapHeader);
}

#[test]
fn wireless_frames_without_readable_data_are_other() {
    let body = [0; 40];
    for (control, reason) in [
        ("8000", OtherReason::WirelessControl),
        ("4801", OtherReason::WirelessControl),
        ("0841", OtherReason::WirelessProtected),
    ] {
        let data = wireless(control, "", "", &body);
        assert_eq!(decoded(LinkType::Wireless, &data).0, Decoded::Other(reason));
    }
}

#[test]
fn wireless_aggregate_gives_every_packet() {
    let packet = join(&[&hex(LLC_SNAP), &probe()]);
    let subframe = join(&[&[2; 12], &(packet.len() as u16).to_be_bytes(), &packet]);
    let mut padded = subframe.clone();
    padded.resize(padded.len().next_multiple_of(4), 0);
    assert_ne!(padded.len(), subframe.len());
    let data = wireless("8801", "", "8000", &join(&[&padded, &padded, &subframe]));
    let (Decoded::Aggregate(mut aggregate), mut weirds) = decoded(LinkType::Wireless, &data) else {
        panic!("no aggregate");
    };
    let mut count = 0;
    while let Some(next) = aggregate.next(&DecodeOptions::default(), &mut weirds) {
        let Decoded::Flow(packet) = next else { panic!("no packet: {next:?}") };
        is_probe(&packet);
        count += 1;
    }
    assert_eq!(count, 3);
    assert!(weirds.is_empty());
}

#[test]
fn wireless_aggregate_cut_short_is_reported() {
    let data = wireless("8801", "", "8000", &[0xff; 20]);
    let (Decoded::Aggregate(mut aggregate), _) = decoded(LinkType::Wireless, &data) else {
        panic!("no aggregate");
    };
    let mut weirds = WeirdList::new();
    let options = DecodeOptions::default();
    let truncated = Some(Decoded::Damaged(Weird::TruncatedAmsduPacket));
    assert_eq!(aggregate.next(&options, &mut weirds), truncated);
    assert_eq!(aggregate.next(&options, &mut weirds), None);
}
