//! Files built by hand, in every format, sound and damaged.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use packet::Frame;
use proptest::prelude::*;
use record::Time;
use tempfile::NamedTempFile;

use super::*;

/// What is left of a frame once its burst is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    link_type: u16,
    time: u64,
    number: u64,
    data: Vec<u8>,
    wire_len: u32,
    offset: u64,
}

fn drain(reader: &mut Reader) -> (Vec<Seen>, Option<Damage>) {
    let mut seen = Vec::new();
    loop {
        let mut burst = Burst::new();
        match reader.next_burst(&mut burst) {
            Ok(0) => return (seen, None),
            Ok(count) => {
                assert_eq!((count, count), (burst.frames().len(), burst.offsets().len()));
                for (frame, offset) in burst.frames().iter().zip(burst.offsets()) {
                    seen.push(Seen {
                        link_type: burst.link_type(),
                        time: frame.time.0,
                        number: frame.number,
                        data: frame.data.to_vec(),
                        wire_len: frame.wire_len,
                        offset: *offset,
                    });
                }
            }
            Err(damage) => {
                assert_eq!(reader.next_burst(&mut Burst::new()), Err(damage), "damage stays");
                return (seen, Some(damage));
            }
        }
    }
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Reads the bytes mapped and streamed, which must agree.
fn read(bytes: &[u8]) -> (Vec<Seen>, Option<Damage>) {
    let file = file(bytes);
    let mapped = drain(&mut Reader::open_with(file.path(), Access::Map).unwrap());
    let streamed = drain(&mut Reader::open_with(file.path(), Access::Stream).unwrap());
    assert_eq!(mapped, streamed);
    mapped
}

fn open_error(bytes: &[u8]) -> OpenError {
    let file = file(bytes);
    let mapped = Reader::open_with(file.path(), Access::Map).unwrap_err();
    let streamed = Reader::open_with(file.path(), Access::Stream).unwrap_err();
    assert_eq!(mapped.to_string(), streamed.to_string());
    mapped
}

/// Lays out integers in a byte order.
#[derive(Clone, Copy)]
struct Layout {
    big: bool,
}

const LITTLE: Layout = Layout { big: false };
const BIG: Layout = Layout { big: true };

impl Layout {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn words(self, values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| self.u32(*value)).collect()
    }

    fn pcap(self, magic: u32, version: (u16, u16), snaplen: u32, link_type: u32) -> Vec<u8> {
        let mut bytes = self.u32(magic).to_vec();
        bytes.extend(self.u16(version.0));
        bytes.extend(self.u16(version.1));
        bytes.extend(self.words(&[0, 0, snaplen, link_type]));
        bytes
    }

    fn block(self, block_type: u32, body: &[u8]) -> Vec<u8> {
        let padding = body.len().next_multiple_of(4) - body.len();
        let len = (12 + body.len() + padding) as u32;
        let mut bytes = self.words(&[block_type, len]);
        bytes.extend(body);
        bytes.extend(vec![0; padding]);
        bytes.extend(self.u32(len));
        bytes
    }

    fn section(self) -> Vec<u8> {
        let mut body = self.u32(0x1a2b_3c4d).to_vec();
        body.extend(self.u16(1));
        body.extend(self.u16(0));
        body.extend([0xff; 8]);
        self.block(pcapng::SECTION_HEADER, &body)
    }

    fn interface(self, link_type: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = self.u16(link_type).to_vec();
        body.extend([0, 0]);
        body.extend(self.u32(snaplen));
        for (code, value) in options {
            body.extend(self.u16(*code));
            body.extend(self.u16(value.len() as u16));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, ticks: u64, data: &[u8], wire_len: u32) -> Vec<u8> {
        let mut body =
            self.words(&[interface, (ticks >> 32) as u32, ticks as u32, data.len() as u32, wire_len]);
        body.extend(data);
        self.block(6, &body)
    }
}

fn pcap_with(records: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), 1, Precision::Nano).unwrap();
    for number in 0..records as u64 {
        let data = vec![number as u8; 60 + (number % 7) as usize];
        let frame = Frame {
            time: Time(1_700_000_000_000_000_000 + number),
            clock: Time(1_700_000_000_000_000_000 + number),
            number,
            data: &data,
            wire_len: data.len() as u32 + 4,
        };
        writer.write(&frame).unwrap();
    }
    writer.finish().unwrap()
}

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

#[test]
fn a_file_may_go_on_where_another_ended() {
    let file = file(&pcap_with(2));
    let mut reader = Reader::open(file.path()).unwrap();
    let later = Time(1_800_000_000_000_000_000);
    reader.continue_from(7, later);
    let mut burst = Burst::new();
    assert_eq!(reader.next_burst(&mut burst), Ok(2));
    let stamps: Vec<_> = burst.frames().iter().map(|frame| (frame.number, frame.clock)).collect();
    assert_eq!(stamps, [(7, later), (8, later)]);
    assert!(burst.frames().iter().all(|frame| frame.time < later));
}

#[test]
fn compressed_files_read_like_plain_ones() {
    let plain = pcap_with(5_000);
    let expected = read(&plain);
    let (first, second) = plain.split_at(plain.len() / 3);
    let mut gzip = Vec::new();
    let mut zstandard = Vec::new();
    for part in [first, second] {
        let mut encoder = flate2::write::GzEncoder::new(&mut gzip, flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        encoder.finish().unwrap();
        zstandard.extend(zstd::stream::encode_all(part, 1).unwrap());
    }
    assert_eq!(read(&gzip), expected);
    assert_eq!(read(&zstandard), expected);

    for compressed in [gzip, zstandard] {
        let (seen, damage) = read(&compressed[..compressed.len() - 20]);
        assert!(seen.len() > 1_000 && seen == expected.0[..seen.len()], "{}", seen.len());
        assert_eq!(damage.unwrap().kind, DamageKind::Read(std::io::ErrorKind::UnexpectedEof));
    }
}

#[test]
fn a_pipe_is_read_as_it_comes() {
    let bytes = pcap_with(1_000);
    let expected = read(&bytes);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));
    let feeder = std::thread::spawn(move || {
        for piece in bytes.chunks(1_001) {
            writer.write_all(piece).unwrap();
        }
    });
    assert_eq!(drain(&mut Reader::open(path).unwrap()), expected);
    feeder.join().unwrap();
}

#[test]
fn a_mapped_file_that_shrinks_is_reported_as_truncated() {
    let mut bytes = LITTLE.pcap(0xa1b2_c3d4, (2, 4), 0, 1);
    while bytes.len() < 3 * READ_AHEAD {
        bytes.extend(LITTLE.words(&[1, 0, 1_400, 1_400]));
        bytes.extend([3; 1_400]);
    }
    let file = file(&bytes);
    let mut reader = Reader::open(file.path()).unwrap();
    assert_eq!(reader.size(), Some(bytes.len() as u64));
    reader.next_burst(&mut Burst::new()).unwrap();
    let left = READ_AHEAD + READ_AHEAD / 2;
    file.as_file().set_len(left as u64).unwrap();
    let (seen, damage) = drain(&mut reader);
    assert_eq!(seen.len() + BURST, (left - 24) / 1_416);
    assert!(matches!(damage, Some(Damage { kind: DamageKind::Truncated { .. }, .. })), "{damage:?}");
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

/// Captures of the shared collection, or none where it is not there.
fn captures() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.to_string_lossy().contains(".pcap") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let mut found = Vec::new();
    if root.is_dir() {
        walk(&root, &mut found);
    } else {
        println!("skipped: no captures in {}", root.display());
    }
    found
}

#[test]
fn of_the_shared_captures_those_are_damaged_that_zeek_refused() {
    let refused = [
        ("bug-1450-04/tls_DER-incomplete-header.pcap", 5_035, 6),
        ("bug-1450-05/tls_DER-incomplete-content.pcap", 5_035, 6),
        ("bug-6875-01/fuzz.pcap", 228, 1),
        ("smtp-to-comma/10.7.29.101_49898-178.63.41.150_25.pcap", 3_695, 18),
    ];
    for path in captures() {
        let mut reader = match Reader::open_with(&path, Access::Map) {
            Ok(reader) => reader,
            // Expectations beside the captures have like names.
            Err(OpenError::UnknownFormat { .. } | OpenError::Empty { .. }) => continue,
            Err(error) => panic!("{error}"),
        };
        let (seen, damage) = drain(&mut reader);
        let expected = refused.iter().find(|(name, ..)| path.ends_with(name));
        let found = damage.map(|damage| (damage.offset, seen.len()));
        assert_eq!(found, expected.map(|(_, offset, count)| (*offset, *count)), "{}", path.display());
        let streamed = drain(&mut Reader::open_with(&path, Access::Stream).unwrap());
        assert_eq!((seen, damage), streamed, "{}", path.display());
    }
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

#[test]
fn standard_input_is_named_by_a_dash() {
    if std::env::var_os("PCAP_TEST_READ_STDIN").is_some() {
        let (seen, damage) = drain(&mut Reader::open("-").unwrap());
        assert_eq!((seen.len(), damage), (10, None));
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::standard_input_is_named_by_a_dash", "--nocapture"])
        .env("PCAP_TEST_READ_STDIN", "1")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&pcap_with(10)).unwrap();
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(child.wait().unwrap().success(), "{output}");
}
