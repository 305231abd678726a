//! Sections, interfaces and blocks of pcapng.

use super::{BIG, LITTLE, file, read};
use crate::*;

#[test]
fn sections_of_both_byte_orders_and_all_packet_blocks_are_read() {
    let mut bytes = LITTLE.section();
    bytes.extend(LITTLE.interface(1, 0, &[(2, b"eth0"), (9, &[9]), (0, &[])]));
    bytes.extend(LITTLE.block(0x0bad, b"unknown"));
    bytes.extend(LITTLE.enhanced(0, 5_000_000_007, b"one", 60));
    bytes.extend(BIG.section());
    bytes.extend(BIG.interface(113, 2, &[]));
    bytes.extend(BIG.interface(101, 0, &[(14, &1_000_i64.to_be_bytes())]));
    bytes.extend(BIG.enhanced(1, 2_000_001, b"two", 3));
    let mut body = BIG.u16(1).to_vec();
    body.extend(BIG.u16(77));
    body.extend(BIG.words(&[0, 1, 5, 5]));
    body.extend(b"three");
    bytes.extend(BIG.block(2, &body));
    let mut body = BIG.u32(9).to_vec();
    body.extend(b"four");
    bytes.extend(BIG.block(3, &body));
    let (seen, damage) = read(&bytes);
    assert_eq!(damage, None);
    let short: Vec<_> = seen
        .iter()
        .map(|frame| (frame.number, frame.link_type, frame.time, frame.data.as_slice(), frame.wire_len))
        .collect();
    assert_eq!(
        short,
        [
            (0, 1, 5_000_000_007, &b"one"[..], 60),
            (1, 101, 1_002_000_001_000, &b"two"[..], 3),
            (2, 101, 1_000_000_001_000, &b"three"[..], 5),
            (3, 113, 0, &b"fo"[..], 9),
        ]
    );
}

#[test]
fn a_burst_has_one_link_type() {
    let mut bytes = LITTLE.section();
    bytes.extend(LITTLE.interface(1, 0, &[]));
    bytes.extend(LITTLE.interface(101, 0, &[]));
    for interface in [0, 0, 1, 0] {
        bytes.extend(LITTLE.enhanced(interface, 1, b"x", 1));
    }
    let file = file(&bytes);
    let mut reader = Reader::open(file.path()).unwrap();
    assert_eq!(reader.format(), Format::Pcapng);
    let mut bursts = Vec::new();
    loop {
        let mut burst = Burst::new();
        if reader.next_burst(&mut burst).unwrap() == 0 {
            break;
        }
        bursts.push((burst.link_type(), burst.len()));
    }
    assert_eq!(bursts, [(1, 2), (101, 1), (1, 1)]);
    assert_eq!(reader.position(), bytes.len() as u64);
}

#[test]
fn time_resolutions_are_powers_of_ten_and_of_two() {
    for (code, ticks, expected) in [
        (0, 3, Some(3_000_000_000)),
        (3, 3_001, Some(3_001_000_000)),
        (9, 3_000_000_001, Some(3_000_000_001)),
        (12, 3_000_000_001_999, Some(3_000_000_001)),
        (19, u64::MAX, Some(1_844_674_407)),
        (20, 0, None),
        (0x80, 3, Some(3_000_000_000)),
        (0x8a, 1_536, Some(1_500_000_000)),
        (0xbf, 1 << 62, Some(500_000_000)),
        (0xc0, 0, None),
    ] {
        let mut bytes = LITTLE.section();
        let interface = bytes.len() as u64;
        bytes.extend(LITTLE.interface(1, 0, &[(9, &[code])]));
        bytes.extend(LITTLE.enhanced(0, ticks, b"", 0));
        let (seen, damage) = read(&bytes);
        match expected {
            Some(expected) => assert_eq!(seen[0].time, expected, "code {code:#x}"),
            None => assert_eq!(
                damage,
                Some(Damage { offset: interface, kind: DamageKind::InterfaceOption { option: 9 } })
            ),
        }
    }
}
