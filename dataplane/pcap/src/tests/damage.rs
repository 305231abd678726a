//! What is no capture, what is cut short, what is damaged.

use proptest::prelude::*;

use super::{LITTLE, Layout, open_error, pcap_with, read};
use crate::*;

#[test]
fn frames_before_the_damage_are_handed_out() {
    let whole = pcap_with(100);
    let (seen, _) = read(&whole);
    let last = seen[99].offset;
    let (cut, damage) = read(&whole[..whole.len() - 1]);
    assert_eq!(cut, seen[..99]);
    let len = whole.len() - last as usize;
    assert_eq!(
        damage,
        Some(Damage { offset: last, kind: DamageKind::Truncated { needed: len, available: len - 1 } })
    );
    let (cut, damage) = read(&whole[..last as usize + 5]);
    assert_eq!(cut, seen[..99]);
    assert_eq!(
        damage,
        Some(Damage { offset: last, kind: DamageKind::Truncated { needed: 16, available: 5 } })
    );

    let mut oversized = whole;
    let captured = last as usize + 8;
    oversized[captured..captured + 4].copy_from_slice(&(MAX_SNAPLEN + 1).to_le_bytes());
    let (cut, damage) = read(&oversized);
    assert_eq!(cut, seen[..99]);
    assert_eq!(
        damage,
        Some(Damage { offset: last, kind: DamageKind::Oversized { captured: MAX_SNAPLEN + 1 } })
    );
}

#[test]
fn what_is_no_capture_is_named() {
    assert!(matches!(open_error(b""), OpenError::Empty { .. }));
    assert!(matches!(open_error(b"\xd4\xc3"), OpenError::UnknownFormat { magic: [0xd4, 0xc3, 0, 0], .. }));
    assert!(matches!(
        open_error(b"GET / HTTP/1.1"),
        OpenError::UnknownFormat { magic: [b'G', b'E', b'T', b' '], .. }
    ));
    assert!(matches!(
        open_error(&LITTLE.pcap(0xa1b2_c3d4, (2, 4), 0, 1)[..23]),
        OpenError::TruncatedHeader { length: 23, .. }
    ));
    assert!(matches!(
        open_error(&LITTLE.pcap(0xa1b2_c3d4, (3, 1), 0, 1)),
        OpenError::Version { major: 3, minor: 1, .. }
    ));
    let missing = Reader::open("no/such/file").unwrap_err();
    assert!(missing.to_string().starts_with("cannot read no/such/file: "), "{missing}");
    assert!(matches!(Reader::open(std::env::temp_dir()), Err(OpenError::Io { .. })));
}

#[test]
fn damaged_section_headers_are_refused_at_once() {
    let section = LITTLE.section();
    let damage = |bytes: &[u8]| match open_error(bytes) {
        OpenError::Damaged { damage, .. } => damage.kind,
        other => panic!("{other}"),
    };
    assert_eq!(damage(&section[..20]), DamageKind::Truncated { needed: 28, available: 20 });
    assert_eq!(damage(&section[..6]), DamageKind::Truncated { needed: 8, available: 6 });
    let mut claims = section.clone();
    claims[4..8].copy_from_slice(&MAX_BLOCK.to_le_bytes());
    assert_eq!(damage(&claims), DamageKind::Truncated { needed: MAX_BLOCK as usize, available: 28 });
    claims[4..8].copy_from_slice(&(MAX_BLOCK + 4).to_le_bytes());
    assert_eq!(damage(&claims), DamageKind::BlockLength { length: MAX_BLOCK + 4 });
    let mut magic = section.clone();
    magic[8] = 0;
    assert_eq!(damage(&magic), DamageKind::ByteOrder { magic: 0x1a2b_3c00 });
    let mut version = section;
    version[12] = 9;
    assert_eq!(damage(&version), DamageKind::Version { major: 9, minor: 0 });
}

#[test]
fn damaged_blocks_are_named() {
    let mut start = LITTLE.section();
    start.extend(LITTLE.interface(1, 0, &[]));
    start.extend(LITTLE.enhanced(0, 1, b"sound", 5));
    let offset = start.len() as u64;
    let mut lengths = LITTLE.enhanced(0, 1, b"abcd", 4);
    let end = lengths.len() - 4;
    lengths[end] = 40;
    let mut oversized = LITTLE.enhanced(0, 1, b"abcd", 4);
    oversized[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut overlong = LITTLE.enhanced(0, 1, b"abcd", 4);
    overlong[20] = 5;
    let cases = [
        (lengths, DamageKind::BlockTrailer { leading: 36, trailing: 40 }),
        (oversized, DamageKind::Oversized { captured: u32::MAX }),
        (overlong, DamageKind::BlockContent { block_type: 6 }),
        (LITTLE.enhanced(1, 1, b"abcd", 4), DamageKind::UnknownInterface { interface: 1 }),
        (LITTLE.words(&[6, 8]), DamageKind::BlockLength { length: 8 }),
        (LITTLE.words(&[6, 37]), DamageKind::BlockLength { length: 37 }),
        (LITTLE.block(6, b"short"), DamageKind::BlockContent { block_type: 6 }),
        (LITTLE.block(1, b"tiny"), DamageKind::BlockContent { block_type: 1 }),
        (LITTLE.interface(1, 0, &[(14, b"abc")]), DamageKind::InterfaceOption { option: 14 }),
    ];
    for (block, kind) in cases {
        let mut bytes = start.clone();
        bytes.extend(block);
        let (seen, damage) = read(&bytes);
        assert_eq!(seen.len(), 1);
        assert_eq!(damage, Some(Damage { offset, kind }));
    }
}

proptest! {
    #[test]
    fn a_file_cut_anywhere_gives_the_frames_before_the_cut(share in 0.0..1.0_f64) {
        let whole = pcap_with(150);
        let cut = 24 + ((whole.len() - 24) as f64 * share) as usize;
        let (all, _) = read(&whole);
        let (seen, damage) = read(&whole[..cut]);
        prop_assert_eq!(&seen, &all[..seen.len()]);
        let next = all[seen.len()].offset;
        prop_assert_eq!(damage.map(|damage| damage.offset), (next < cut as u64).then_some(next));
    }

    #[test]
    fn any_bytes_after_a_header_are_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        small in prop::collection::vec((0..8_u32, 12..64_u32), 0..20),
        big in any::<bool>(),
    ) {
        let layout = Layout { big };
        let mut file = layout.pcap(0xa1b2_c3d4, (2, 4), 0, 1);
        file.extend(&bytes);
        read(&file);
        // Blocks whose frame is right and whose content is not.
        let mut file = layout.section();
        file.extend(layout.interface(1, 0, &[]));
        let mut content = bytes.iter().copied().cycle();
        for (block_type, len) in small {
            let body: Vec<u8> = content.by_ref().take(if bytes.is_empty() { 0 } else { len as usize }).collect();
            file.extend(layout.block(block_type, &body));
        }
        file.extend(&bytes);
        read(&file);
    }
}
