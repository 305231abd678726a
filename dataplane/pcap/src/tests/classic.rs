//! Classic pcap, read and written.

use packet::Frame;
use proptest::prelude::*;
use record::Time;

use super::{BIG, LITTLE, Seen, read};
use crate::*;

#[test]
fn every_magic_in_both_byte_orders_gives_the_same_frames() {
    for layout in [LITTLE, BIG] {
        for (magic, fraction, extra) in
            [(0xa1b2_c3d4, 250_000, 0), (0xa1b2_3c4d, 250_000_000, 0), (0xa1b2_cd34, 250_000, 8)]
        {
            let mut bytes = layout.pcap(magic, (2, 4), 65535, 1);
            bytes.extend(layout.words(&[1_600_000_000, fraction, 3, 9]));
            bytes.extend(vec![0xee; extra]);
            bytes.extend(b"abc");
            let (seen, damage) = read(&bytes);
            assert_eq!(damage, None);
            assert_eq!(
                seen,
                [Seen {
                    link_type: 1,
                    time: 1_600_000_000_250_000_000,
                    number: 0,
                    data: b"abc".to_vec(),
                    wire_len: 9,
                    offset: 24
                }]
            );
        }
    }
}

#[test]
fn old_versions_have_the_lengths_the_other_way_round() {
    for (version, first, second) in
        [((2, 4), 2, 5), ((2, 3), 2, 5), ((2, 3), 5, 2), ((2, 2), 5, 2), ((543, 0), 5, 2)]
    {
        let mut bytes = LITTLE.pcap(0xa1b2_c3d4, version, 0, 1);
        bytes.extend(LITTLE.words(&[1, 0, first, second]));
        bytes.extend(b"ab");
        let (seen, damage) = read(&bytes);
        assert_eq!(damage, None);
        assert_eq!((seen[0].data.as_slice(), seen[0].wire_len), (&b"ab"[..], 5), "{version:?}");
    }
}

#[test]
fn a_record_over_the_snapshot_length_is_cut_to_it() {
    let mut bytes = LITTLE.pcap(0xa1b2_c3d4, (2, 4), 4, 1);
    bytes.extend(LITTLE.words(&[1, 0, 6, 6]));
    bytes.extend(b"abcdef");
    bytes.extend(LITTLE.words(&[2, 0, 1, 1]));
    bytes.extend(b"x");
    let (seen, damage) = read(&bytes);
    assert_eq!(damage, None);
    assert_eq!(seen[0].data, b"abcd");
    assert_eq!(seen[1].data, b"x");
}

#[test]
fn the_fraction_is_signed_and_may_be_over_a_second() {
    let mut bytes = LITTLE.pcap(0xa1b2_c3d4, (2, 4), 0, 1);
    for fraction in [-1_404_616_i32, 1_653_292] {
        bytes.extend(LITTLE.words(&[1_953_631_157, fraction as u32, 0, 0]));
    }
    let (seen, _) = read(&bytes);
    assert_eq!(seen[0].time, 1_953_631_155_595_384_000);
    assert_eq!(seen[1].time, 1_953_631_158_653_292_000);
}

#[test]
fn frame_check_sequence_bits_are_no_part_of_the_link_type() {
    let mut bytes = LITTLE.pcap(0xa1b2_c3d4, (2, 4), 0, 0x2400_0001);
    bytes.extend(LITTLE.words(&[1, 0, 0, 0]));
    assert_eq!(read(&bytes).0[0].link_type, 1);
}

#[test]
fn largest_frame_is_read_from_a_stream() {
    let mut bytes = LITTLE.pcap(0xa1b2_c3d4, (2, 4), 0, 1);
    for _ in 0..3 {
        bytes.extend(LITTLE.words(&[1, 0, MAX_SNAPLEN, MAX_SNAPLEN]));
        bytes.extend(vec![7; MAX_SNAPLEN as usize]);
    }
    let (seen, damage) = read(&bytes);
    assert_eq!((seen.len(), damage), (3, None));
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold() {
    let mut writer = Writer::new(Vec::new(), 1, Precision::Micro).unwrap();
    let long = vec![0; MAX_SNAPLEN as usize + 1];
    let frame = Frame { time: Time(0), clock: Time(0), number: 0, data: &long, wire_len: 0 };
    assert!(matches!(writer.write(&frame), Err(WriteError::Oversized { .. })));
    let frame = Frame { time: Time(u64::MAX), clock: Time(u64::MAX), number: 0, data: &[], wire_len: 0 };
    assert!(matches!(writer.write(&frame), Err(WriteError::Time { .. })));
    assert_eq!(writer.finish().unwrap().len(), 24);
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        frames in prop::collection::vec((0..4_000_000_000_000_000_000_u64, prop::collection::vec(any::<u8>(), 0..300), any::<u32>()), 0..200),
        link_type in any::<u16>(),
    ) {
        let mut writer = Writer::new(Vec::new(), link_type, Precision::Nano).unwrap();
        for (time, data, wire_len) in &frames {
            writer.write(&Frame { time: Time(*time), clock: Time(*time), number: 0, data, wire_len: *wire_len }).unwrap();
        }
        let (seen, damage) = read(&writer.finish().unwrap());
        prop_assert_eq!(damage, None);
        prop_assert_eq!(seen.len(), frames.len());
        for (number, (seen, (time, data, wire_len))) in seen.iter().zip(&frames).enumerate() {
            prop_assert_eq!((seen.link_type, seen.time, seen.wire_len), (link_type, *time, *wire_len));
            prop_assert_eq!((&seen.data, seen.number), (data, number as u64));
        }
    }
}
