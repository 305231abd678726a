//! Where captures come from: mapped and growing files, compressed ones, pipes, standard input, the shared collection.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use record::Time;

use super::{LITTLE, drain, file, pcap_with, read};
use crate::*;

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

#[test]
fn standard_input_is_named_by_a_dash() {
    if std::env::var_os("PCAP_TEST_READ_STDIN").is_some() {
        let (seen, damage) = drain(&mut Reader::open("-").unwrap());
        assert_eq!((seen.len(), damage), (10, None));
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::sources::standard_input_is_named_by_a_dash", "--nocapture"])
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

/// A capture of `count` frames of 1,000 octets, each full of its number's low octet.
fn many_frames(count: usize) -> Vec<u8> {
    let mut bytes =
        [&0xa1b2_c3d4_u32.to_le_bytes()[..], &[2, 0, 4, 0], &[0; 12], &1_u32.to_le_bytes()].concat();
    for number in 0..count {
        bytes.extend([0; 8]);
        bytes.extend(1000_u32.to_le_bytes());
        bytes.extend(1000_u32.to_le_bytes());
        bytes.extend([number as u8; 1000]);
    }
    bytes
}

/// Reads all of it, keeping the buffers of the last `kept` bursts; gives the buffers that there were.
fn buffers_of(bytes: &[u8], kept: usize) -> Vec<*const u8> {
    let file = file(bytes);
    let mut reader = Reader::open_with(file.path(), Access::Stream).unwrap();
    let mut held = std::collections::VecDeque::new();
    let mut seen = Vec::new();
    loop {
        let mut burst = Burst::new();
        if reader.next_burst(&mut burst).unwrap() == 0 {
            break;
        }
        let buffer = burst.buffer().unwrap();
        if !seen.contains(&buffer.bytes().as_ptr()) {
            seen.push(buffer.bytes().as_ptr());
        }
        let ranges = burst.frames().iter().map(|frame| (frame.number, buffer.range_of(frame.data).unwrap()));
        held.push_back((buffer.clone(), ranges.collect::<Vec<_>>()));
        if held.len() > kept {
            held.pop_front();
        }
        for (buffer, ranges) in &held {
            for (number, range) in ranges {
                assert_eq!(buffer.bytes()[range.clone()], [*number as u8; 1000]);
            }
        }
    }
    seen
}

#[test]
fn frames_stay_as_they_are_while_their_buffer_is_kept() {
    let bytes = many_frames(4000);
    assert_eq!(buffers_of(&bytes, 0).len(), 1, "a buffer that nobody keeps is used again");
    // 20 bursts are five buffers; one more is read into, another may be kept for a burst that is just gone.
    let buffers = buffers_of(&bytes, 20).len();
    assert!((5..=8).contains(&buffers), "{buffers} buffers, given up and used again");
}

#[test]
fn a_frame_is_found_in_its_own_buffer_only() {
    let buffer = Buffer::holding(vec![1; 8]);
    let other = Buffer::holding(vec![1; 8]);
    assert_eq!(buffer.range_of(&buffer.bytes()[2..5]), Some(2..5));
    assert_eq!(buffer.range_of(other.bytes()), None);
    assert!(buffer.is(&buffer.clone()) && !buffer.is(&other));
}
