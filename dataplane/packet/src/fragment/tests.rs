use proptest::prelude::*;
use record::{Interval, Time};

use super::*;
use crate::header::ip_proto;
use crate::testing::*;
use crate::{DecodeOptions, Decoded, LinkType, Transport, decode_datagram};

/// Takes in one IP packet that is a fragment.
fn add(reassembler: &mut Reassembler, now: Time, data: &[u8]) -> (Option<Datagram>, Vec<&'static str>) {
    let (decoded, mut weirds) = decoded(LinkType::Ip, data);
    let Decoded::Fragment(fragment) = decoded else { panic!("no fragment: {decoded:?}") };
    let datagram = reassembler.add(now, &fragment, &mut weirds);
    (datagram, names(&weirds))
}

fn ipv4_part(id: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let field = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
    ipv4_fragment(ip_proto::UDP, id, field, data)
}

fn ipv6_part(id: u32, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let field = offset as u16 | u16::from(more);
    let header = join(&[&[ip_proto::UDP, 0], &field.to_be_bytes(), &id.to_be_bytes()]);
    ipv6(ip_proto::FRAGMENT, &join(&[&header, data]))
}

fn is_message(datagram: &Datagram, message: &[u8]) {
    let mut weirds = WeirdList::new();
    match decode_datagram(datagram, &DecodeOptions::default(), &mut weirds) {
        Decoded::Flow(packet) => {
            assert!(matches!(packet.transport, Transport::Udp { .. }));
            assert_eq!(packet.payload, message);
            assert!(!packet.bad_checksum);
        }
        other => panic!("no packet: {other:?}"),
    }
    assert!(weirds.is_empty(), "{:?}", names(&weirds));
}

#[test]
fn two_fragments_make_a_datagram() {
    let message = [0x5a; 200];
    for is_v6 in [false, true] {
        let part = |offset, more, data: &[u8]| {
            if is_v6 { ipv6_part(9, offset, more, data) } else { ipv4_part(9, offset, more, data) }
        };
        let body = udp(is_v6, &message);
        let mut reassembler = Reassembler::default();
        assert!(add(&mut reassembler, Time(0), &part(0, true, &body[..104])).0.is_none());
        assert_eq!(reassembler.len(), 1);
        let (datagram, weirds) = add(&mut reassembler, Time(1), &part(104, false, &body[104..]));
        let datagram = datagram.expect("complete");
        is_message(&datagram, &message);
        assert_eq!(datagram.data().len(), body.len() + if is_v6 { 40 } else { 20 });
        assert!(weirds.is_empty());
        assert!(reassembler.is_empty());
        assert_eq!(reassembler.bytes(), 0);
        reassembler.recycle(datagram);
    }
}

#[test]
fn next_header_comes_from_the_fragment_at_offset_0() {
    let options = hex("2c 00 0104 00000000");
    let body = udp(true, &[1; 32]);
    let first = join(&[&options, &hex("11 00 0001 00000007"), &body[..16]]);
    let last = join(&[&options, &hex("11 00 0010 00000007"), &body[16..]]);
    let mut reassembler = Reassembler::default();
    add(&mut reassembler, Time(0), &ipv6(ip_proto::HOP_BY_HOP, &first));
    let (datagram, _) = add(&mut reassembler, Time(0), &ipv6(ip_proto::HOP_BY_HOP, &last));
    is_message(&datagram.expect("complete"), &[1; 32]);
}

#[test]
fn datagrams_are_kept_apart_by_identification() {
    let body = udp(false, &[7; 64]);
    let mut reassembler = Reassembler::default();
    for id in 1..=3 {
        add(&mut reassembler, Time(0), &ipv4_part(id, 0, true, &body[..48]));
    }
    assert_eq!(reassembler.len(), 3);
    assert!(add(&mut reassembler, Time(0), &ipv4_part(2, 48, false, &body[48..])).0.is_some());
    assert_eq!(reassembler.len(), 2);
}

#[test]
fn data_that_came_first_wins() {
    let body = udp(false, &[7; 64]);
    let mut reassembler = Reassembler::default();
    add(&mut reassembler, Time(0), &ipv4_part(1, 0, true, &body[..48]));
    let same = add(&mut reassembler, Time(0), &ipv4_part(1, 0, true, &body[..48])).1;
    assert_eq!(same, ["fragment_overlap"]);
    let (datagram, weirds) =
        add(&mut reassembler, Time(0), &ipv4_part(1, 40, false, &[&[9; 8], &body[48..]].concat()));
    assert_eq!(weirds, ["fragment_inconsistency"]);
    is_message(&datagram.expect("complete"), &[7; 64]);
}

#[test]
fn odd_fragments_are_reported() {
    let body = udp(false, &[7; 64]);
    let mut reassembler = Reassembler::default();
    let small = ipv4_fragment(ip_proto::UDP, 1, 0x6000, &body[..8]);
    assert_eq!(add(&mut reassembler, Time(0), &small).1, ["fragment_with_DF", "excessively_small_fragment"]);
    let other = ipv4_fragment(ip_proto::TCP, 1, 0x2001, &body[8..56]);
    assert_eq!(add(&mut reassembler, Time(0), &other).1, ["fragment_protocol_inconsistency"]);
    let large = ipv4_part(2, 65_000, true, &[0; 48]);
    assert_eq!(add(&mut reassembler, Time(0), &large).1, ["excessively_large_fragment"]);
    add(&mut reassembler, Time(0), &ipv4_part(3, 128, false, &[0; 48]));
    let beyond = ipv4_part(3, 256, true, &[0; 48]);
    assert_eq!(add(&mut reassembler, Time(0), &beyond).1, ["fragment_size_inconsistency"]);
}

#[test]
fn datagram_beyond_the_limit_of_ip_is_dropped() {
    let mut reassembler = Reassembler::default();
    let mut offset = 0;
    while offset + 1480 <= 65_500 {
        assert!(add(&mut reassembler, Time(0), &ipv4_part(1, offset, true, &[0; 1480])).0.is_none());
        offset += 1480;
    }
    let (datagram, weirds) = add(&mut reassembler, Time(0), &ipv4_part(1, offset, false, &[0; 1480]));
    assert!(datagram.is_none());
    assert_eq!(weirds.last(), Some(&"invalid_IP_header_size"));
    assert_eq!(reassembler.counters().oversized, 1);
    assert!(reassembler.is_empty());
}

#[test]
fn incomplete_datagrams_expire() {
    let mut reassembler = Reassembler::default();
    add(&mut reassembler, Time(0), &ipv4_part(1, 0, true, &[0; 64]));
    add(&mut reassembler, Time::new(200, 0), &ipv4_part(2, 0, true, &[0; 64]));
    reassembler.expire(Time::new(301, 0));
    assert_eq!((reassembler.len(), reassembler.counters().expired), (1, 1));
    reassembler.expire(Time::new(501, 0));
    assert!(reassembler.is_empty());
    assert_eq!(reassembler.bytes(), 0);
}

#[test]
fn oldest_datagrams_make_room() {
    let limits = FragmentLimits { max_datagrams: 2, ..FragmentLimits::default() };
    let mut reassembler = Reassembler::new(limits);
    let body = udp(false, &[7; 64]);
    for id in 1..=3 {
        add(&mut reassembler, Time(0), &ipv4_part(id, 0, true, &body[..48]));
    }
    assert_eq!((reassembler.len(), reassembler.counters().evicted), (2, 1));
    assert!(add(&mut reassembler, Time(0), &ipv4_part(3, 48, false, &body[48..])).0.is_some());

    let limits = FragmentLimits { max_bytes: 1000, ..FragmentLimits::default() };
    let mut reassembler = Reassembler::new(limits);
    for id in 1..=50 {
        add(&mut reassembler, Time(0), &ipv4_part(id, 0, true, &[0; 200]));
        assert!(reassembler.bytes() <= 1000);
    }
    assert!(reassembler.counters().evicted >= 45);
}

#[test]
fn pieces_of_one_datagram_are_bounded() {
    let limits = FragmentLimits { max_pieces: 4, ..FragmentLimits::default() };
    let mut reassembler = Reassembler::new(limits);
    for index in 0..10 {
        add(&mut reassembler, Time(0), &ipv4_part(1, index * 128, true, &[0; 64]));
    }
    assert_eq!(reassembler.counters().dropped, 6);
}

#[test]
fn incomplete_datagrams_of_a_bucket_move_in_the_order_of_their_age() {
    let message = [0x5a; 200];
    let body = udp(false, &message);
    let (mut a, mut b) = (Reassembler::default(), Reassembler::default());
    let begin = |reassembler: &mut Reassembler, id: u16, bucket, seconds| {
        let data = ipv4_part(id, 0, true, &body[..104]);
        let (decoded, mut weirds) = decoded(LinkType::Ip, &data);
        let Decoded::Fragment(fragment) = decoded else { panic!("no fragment: {decoded:?}") };
        assert!(reassembler.add_of(bucket, Time::new(seconds, 0), &fragment, &mut weirds).is_none());
    };
    begin(&mut a, 1, 7, 10);
    begin(&mut a, 2, 8, 11);
    begin(&mut a, 3, 7, 30);
    begin(&mut b, 4, 9, 20);
    a.extract(7).into_iter().for_each(|datagram| b.insert(datagram));
    assert_eq!((a.len(), b.len()), (1, 3));
    // The one that came from the other reassembler is complete there.
    let (datagram, _) = add(&mut b, Time::new(31, 0), &ipv4_part(3, 104, false, &body[104..]));
    is_message(&datagram.expect("complete"), &message);
    // Ages are those of the first fragment: 1 goes before 4.
    b.expire(Time::new(315, 0));
    assert_eq!(b.len(), 1);
    b.expire(Time::new(321, 0));
    assert!(b.is_empty());
    assert_eq!(b.bytes(), 0);
    assert_eq!(a.extract(8).len(), 1);
    assert_eq!(a.bytes(), 0);
}

#[test]
fn age_limit_is_a_setting() {
    let limits = FragmentLimits { timeout: Interval::from_secs(1), ..FragmentLimits::default() };
    let mut reassembler = Reassembler::new(limits);
    add(&mut reassembler, Time(0), &ipv4_part(1, 0, true, &[0; 64]));
    add(&mut reassembler, Time::new(2, 0), &ipv4_part(2, 0, true, &[0; 64]));
    assert_eq!(reassembler.len(), 1);
}

proptest! {
    #[test]
    fn any_split_in_any_order_gives_the_original(
        message in proptest::collection::vec(any::<u8>(), 64..3000),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 1..12),
        overlaps in proptest::collection::vec(0usize..4, 13),
        order in proptest::collection::vec(any::<u32>(), 13),
        is_v6 in any::<bool>(),
    ) {
        let body = udp(is_v6, &message);
        let units = body.len() / 8;
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(units) * 8).filter(|at| *at != 0).collect();
        places.extend([0, body.len()]);
        places.sort_unstable();
        places.dedup();
        let mut parts: Vec<(u32, usize, usize)> = places
            .windows(2)
            .zip(&overlaps)
            .zip(&order)
            .map(|((pair, overlap), order)| (*order, pair[0].saturating_sub(overlap * 8), pair[1]))
            .collect();
        parts.sort_unstable();
        let mut reassembler = Reassembler::default();
        let mut complete = None;
        for (_, start, end) in parts {
            if complete.is_some() {
                break;
            }
            let more = end != body.len();
            let data = if is_v6 {
                ipv6_part(5, start, more, &body[start..end])
            } else {
                ipv4_part(5, start, more, &body[start..end])
            };
            complete = match decoded(LinkType::Ip, &data) {
                (Decoded::Fragment(fragment), _) => {
                    reassembler.add(Time(0), &fragment, &mut WeirdList::new())
                }
                // One part alone is no fragment in IPv4.
                (Decoded::Flow(packet), _) => {
                    prop_assert_eq!(packet.payload, &message[..]);
                    return Ok(());
                }
                (other, _) => panic!("no fragment: {other:?}"),
            };
        }
        is_message(&complete.expect("complete"), &message);
        prop_assert!(reassembler.is_empty());
    }

    #[test]
    fn hostile_fragments_stay_within_bounds(
        parts in proptest::collection::vec((0u16..4, 0u16..0x3fff, 1usize..300), 1..200),
    ) {
        let limits = FragmentLimits { max_bytes: 4096, max_pieces: 8, max_datagrams: 3, ..FragmentLimits::default() };
        let mut reassembler = Reassembler::new(limits);
        for (id, field, length) in parts {
            let data = ipv4_fragment(ip_proto::UDP, id, field, &vec![field as u8; length]);
            if let (Decoded::Fragment(fragment), mut weirds) = decoded(LinkType::Ip, &data) {
                if let Some(datagram) = reassembler.add(Time(0), &fragment, &mut weirds) {
                    reassembler.recycle(datagram);
                }
                prop_assert!(reassembler.bytes() <= 4096 && reassembler.len() <= 3);
            }
        }
    }
}
