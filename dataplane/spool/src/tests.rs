//! Spools written, damaged, killed and filled.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

fn settings(directory: &Path) -> Settings {
    Settings { writer: "test 1".to_owned(), ..Settings::new(directory, 64 << 20) }
}

fn writer(directory: &Path) -> SpoolWriter {
    SpoolWriter::open(settings(directory)).unwrap()
}

fn reader(directory: &Path) -> SpoolReader {
    SpoolReader::open(directory, "sink", Start::Oldest).unwrap()
}

fn append(writer: &mut SpoolWriter, records: &str) {
    writer.append(Block::new(records.as_bytes()).unwrap()).unwrap();
}

/// The blocks that are there now, and what was skipped between them.
fn drain(reader: &mut SpoolReader) -> (Vec<String>, Vec<Skip>) {
    let (mut blocks, mut skips) = (Vec::new(), Vec::new());
    while let Some(item) = reader.next().unwrap() {
        match item {
            Item::Records(records) => {
                assert_eq!(records.iter().count(), records.count() as usize);
                assert!(records.start() < records.end());
                blocks.push(String::from_utf8(records.as_bytes().to_vec()).unwrap());
            }
            Item::Skipped(skip) => {
                assert!(skip.bytes > 0);
                skips.push(skip);
            }
        }
    }
    (blocks, skips)
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".ndjson"))
        .collect();
    files.sort();
    files
}

#[test]
fn a_segment_is_json_lines_with_the_records_as_they_are() {
    let spool = TempDir::new().unwrap();
    let mut writer = writer(spool.path());
    append(&mut writer, "{\"_path\":\"dns\"}\n{\"_path\":\"conn\"}\n");
    let active = files(spool.path());
    assert!(active[0].to_string_lossy().ends_with(".ndjson.active"));
    drop(writer);
    let sealed = files(spool.path());
    assert_eq!(sealed.len(), 1);
    assert!(sealed[0].to_string_lossy().ends_with(".ndjson"));
    let text = fs::read_to_string(&sealed[0]).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["_spool"], "segment");
    assert_eq!((&lines[0]["version"], &lines[0]["writer"]), (&1.into(), &"test 1".into()));
    assert_eq!(
        lines[1],
        serde_json::json!({"_spool": "block", "len": 33, "count": 2, "crc32c": lines[1]["crc32c"]})
    );
    assert_eq!(lines[3], serde_json::json!({"_path": "conn"}));
}

#[test]
fn a_reader_follows_a_live_writer_over_segments() {
    let spool = TempDir::new().unwrap();
    let mut reader = reader(spool.path());
    assert!(reader.next().unwrap().is_none());
    let mut writer = SpoolWriter::open(Settings { segment_bytes: 300, ..settings(spool.path()) }).unwrap();
    let mut expected = Vec::new();
    for number in 0..50 {
        let line = format!("{{\"n\":{number}}}\n");
        append(&mut writer, &line);
        expected.push(line);
        if number % 3 == 0 {
            assert_eq!(drain(&mut reader), (std::mem::take(&mut expected), vec![]));
        }
    }
    assert_eq!(drain(&mut reader), (expected, vec![]));
    assert!(files(spool.path()).len() > 5);
    assert_eq!(reader.backlog().unwrap(), 0);
    assert_eq!(writer.counters().records, 50);
}

#[test]
fn a_cursor_continues_where_it_was_committed() {
    let spool = TempDir::new().unwrap();
    let mut writer = writer(spool.path());
    append(&mut writer, "1\n");
    append(&mut writer, "2\n");
    append(&mut writer, "3\n");
    {
        let mut reader = reader(spool.path());
        let Some(Item::Records(records)) = reader.next().unwrap() else { panic!() };
        let end = records.end();
        reader.commit(end).unwrap();
        assert_eq!(drain(&mut reader).0, ["2\n", "3\n"]);
        reader.rewind();
        assert_eq!(drain(&mut reader).0, ["2\n", "3\n"]);
    }
    let mut reader = reader(spool.path());
    assert_eq!(drain(&mut reader).0, ["2\n", "3\n"]);
    reader.commit(reader.position()).unwrap();
    drop((reader, writer));
    let mut reader = self::reader(spool.path());
    assert_eq!(drain(&mut reader).0, Vec::<String>::new());
    append(&mut self::writer(spool.path()), "4\n");
    assert_eq!(drain(&mut reader).0, ["4\n"]);
}

#[test]
fn a_new_sink_may_start_with_what_comes() {
    let spool = TempDir::new().unwrap();
    let mut writer = writer(spool.path());
    append(&mut writer, "old\n");
    let mut reader = SpoolReader::open(spool.path(), "new", Start::Newest).unwrap();
    assert_eq!(drain(&mut reader), (vec![], vec![]));
    append(&mut writer, "new\n");
    assert_eq!(drain(&mut reader), (vec!["new\n".to_owned()], vec![]));
}

#[test]
fn a_damaged_cursor_starts_with_the_oldest_record() {
    let spool = TempDir::new().unwrap();
    append(&mut writer(spool.path()), "1\n");
    let mut reader = reader(spool.path());
    drain(&mut reader);
    reader.commit(reader.position()).unwrap();
    drop(reader);
    fs::write(spool.path().join("cursors/sink.json"), b"{\"_spool\":\"cur").unwrap();
    assert_eq!(reclaim(spool.path()).unwrap(), Reclaimed::default());
    let mut reader = self::reader(spool.path());
    assert!(reader.cursor_was_damaged());
    assert_eq!(drain(&mut reader).0, ["1\n"]);
}

#[test]
fn a_segment_goes_when_every_cursor_is_past_it() {
    let spool = TempDir::new().unwrap();
    let mut writer = SpoolWriter::open(Settings { segment_bytes: 1, ..settings(spool.path()) }).unwrap();
    for line in ["1\n", "2\n", "3\n"] {
        append(&mut writer, line);
    }
    assert_eq!(reclaim(spool.path()).unwrap(), Reclaimed::default(), "nobody is registered");
    let mut fast = SpoolReader::open(spool.path(), "fast", Start::Oldest).unwrap();
    let slow = SpoolReader::open(spool.path(), "slow", Start::Oldest).unwrap();
    drain(&mut fast);
    fast.commit(fast.position()).unwrap();
    assert_eq!(reclaim(spool.path()).unwrap(), Reclaimed::default());
    assert!(matches!(unregister(spool.path(), "slow"), Err(SpoolError::Locked { .. })));
    drop(slow);
    unregister(spool.path(), "slow").unwrap();
    assert_eq!(reclaim(spool.path()).unwrap().segments, 2, "the active one stays");
    writer.seal().unwrap();
    assert_eq!(reclaim(spool.path()).unwrap().segments, 1);
    assert!(files(spool.path()).is_empty());
    append(&mut writer, "4\n");
    assert_eq!(drain(&mut fast).0, ["4\n"]);
}

#[test]
fn a_full_spool_refuses_until_there_is_room() {
    let spool = TempDir::new().unwrap();
    let mut writer =
        SpoolWriter::open(Settings { segment_bytes: 1_000, ..Settings::new(spool.path(), 5_000) }).unwrap();
    let mut reader = reader(spool.path());
    let line = format!("{}\n", "x".repeat(199));
    let block = Block::new(line.as_bytes()).unwrap();
    let mut taken = 0;
    let full = loop {
        match writer.append(block) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AppendError::SpoolFull { limit: 5_000, .. }), "{full}");
    assert!((15..=25).contains(&taken), "{taken}");
    let used: u64 = files(spool.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(used <= 5_000);
    assert!(writer.append(block).is_err());
    assert_eq!(writer.counters().refused, 2);

    assert_eq!(drain(&mut reader).0.len(), taken);
    reader.commit(reader.position()).unwrap();
    reclaim(spool.path()).unwrap();
    std::thread::sleep(Duration::from_millis(250));
    writer.append(block).unwrap();
    assert_eq!(drain(&mut reader).0.len(), 1);
}

#[test]
fn an_old_segment_is_sealed_when_idle() {
    let spool = TempDir::new().unwrap();
    let mut writer =
        SpoolWriter::open(Settings { segment_age: Duration::ZERO, ..settings(spool.path()) }).unwrap();
    append(&mut writer, "1\n");
    writer.idle().unwrap();
    assert!(files(spool.path())[0].extension().is_some_and(|extension| extension == "ndjson"));
}

#[test]
fn there_is_one_writer_and_one_reader_of_a_name() {
    let spool = TempDir::new().unwrap();
    let _writer = writer(spool.path());
    assert!(matches!(
        SpoolWriter::open(settings(spool.path())),
        Err(SpoolError::Locked { role: "writer", .. })
    ));
    let _reader = reader(spool.path());
    assert!(matches!(SpoolReader::open(spool.path(), "sink", Start::Oldest), Err(SpoolError::Locked { .. })));
    for name in ["", ".hidden", "a/b", "a b", &"x".repeat(65)] {
        assert!(matches!(SpoolReader::open(spool.path(), name, Start::Oldest), Err(SpoolError::Name { .. })));
    }
}

#[test]
fn blocks_are_whole_lines_of_limited_length() {
    assert_eq!(Block::new(b"").unwrap_err(), BlockError::Empty);
    assert_eq!(Block::new(b"a\nb").unwrap_err(), BlockError::Unterminated);
    let long = vec![b'\n'; MAX_BLOCK + 1];
    assert_eq!(Block::new(&long).unwrap_err(), BlockError::TooLong { length: MAX_BLOCK + 1 });
    assert_eq!(Block::new(b"a\nb\n").unwrap().count(), 2);
}

#[test]
fn the_largest_block_is_read() {
    let spool = TempDir::new().unwrap();
    let mut writer = writer(spool.path());
    let mut large = "x".repeat(MAX_BLOCK - 1);
    large.push('\n');
    append(&mut writer, &large);
    append(&mut writer, "after\n");
    assert_eq!(drain(&mut reader(spool.path())), (vec![large, "after\n".to_owned()], vec![]));
}

#[test]
fn a_torn_tail_waits_while_active_and_is_skipped_once_sealed() {
    let spool = TempDir::new().unwrap();
    let mut first = writer(spool.path());
    append(&mut first, "1\n");
    // As a killed writer leaves it: no destructor, lock released.
    let path = files(spool.path()).remove(0);
    drop(first);
    let sealed = files(spool.path()).remove(0);
    fs::rename(&sealed, &path).unwrap();
    let torn = b"{\"_spool\":\"block\",\"len\":100,\"count\":1,\"crc32c\":\"00000000\"}\n{\"half\":";
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(torn).unwrap();
    let mut reader = reader(spool.path());
    assert_eq!(drain(&mut reader), (vec!["1\n".to_owned()], vec![]));
    append(&mut writer(spool.path()), "2\n");
    let (blocks, skips) = drain(&mut reader);
    assert_eq!(blocks, ["2\n"]);
    assert_eq!((skips.len(), skips[0].bytes, skips[0].reason), (1, torn.len() as u64, SkipReason::Torn));
    assert_eq!(skips[0].reason.name(), "torn");
}

#[test]
fn a_cursor_beyond_a_shrunk_segment_goes_on_with_the_next() {
    let spool = TempDir::new().unwrap();
    append(&mut writer(spool.path()), "1\n");
    let mut reader = reader(spool.path());
    drain(&mut reader);
    reader.commit(reader.position()).unwrap();
    drop(reader);
    fs::OpenOptions::new().write(true).open(&files(spool.path())[0]).unwrap().set_len(100).unwrap();
    append(&mut writer(spool.path()), "2\n");
    let (blocks, skips) = drain(&mut self::reader(spool.path()));
    assert_eq!(blocks, ["2\n"]);
    assert_eq!(skips[0].reason, SkipReason::Shrunk);
}

#[test]
fn a_later_format_is_refused_and_later_keys_are_passed_over() {
    let spool = TempDir::new().unwrap();
    append(&mut writer(spool.path()), "1\n");
    let path = files(spool.path()).remove(0);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(",\"count\"", ",\"new\":[1,{}],\"count\"")).unwrap();
    assert_eq!(drain(&mut reader(spool.path())).0, ["1\n"]);
    fs::write(&path, text.replace("\"version\":1", "\"version\":2")).unwrap();
    assert!(matches!(reader(spool.path()).next(), Err(SpoolError::Version { version: 2, .. })));
}

#[test]
fn a_segment_of_nothing_but_false_blocks_is_given_up_in_good_time() {
    let spool = TempDir::new().unwrap();
    append(&mut writer(spool.path()), "1\n");
    let path = files(spool.path()).remove(0);
    let mut bytes = fs::read(&path).unwrap();
    let line = format!("{{\"_spool\":\"block\",\"len\":{},\"count\":1,\"crc32c\":\"00000000\"}}\n", 4 << 20);
    while bytes.len() < 12 << 20 {
        bytes.extend(line.as_bytes());
    }
    fs::write(&path, bytes).unwrap();
    append(&mut writer(spool.path()), "2\n");
    let (blocks, skips) = drain(&mut reader(spool.path()));
    assert_eq!(blocks, ["1\n", "2\n"]);
    assert_eq!(skips.len(), 1);
}

/// Appends numbered blocks until it is killed, and says after each which it was.
fn append_for_ever(directory: &Path) {
    let mut writer = SpoolWriter::open(Settings { segment_bytes: 20_000, ..settings(directory) }).unwrap();
    for number in 0.. {
        append(&mut writer, &format!("{{\"n\":{number},\"filling\":\"{}\"}}\n", "x".repeat(number % 3_000)));
        println!("appended {number}");
    }
}

#[test]
fn what_a_killed_writer_said_was_appended_is_there() {
    if let Some(directory) = std::env::var_os("SPOOL_TEST_WRITE") {
        append_for_ever(Path::new(&directory));
        return;
    }
    let spool = TempDir::new().unwrap();
    let mut reader = reader(spool.path());
    let mut next = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::what_a_killed_writer_said_was_appended_is_there", "--nocapture"])
            .env("SPOOL_TEST_WRITE", spool.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = None;
        let mut say = |line: std::io::Result<String>| {
            if let Some(number) = line.unwrap().split("appended ").nth(1) {
                said = number.parse::<usize>().ok();
            }
        };
        lines.by_ref().take(200 * round).for_each(&mut say);
        child.kill().unwrap();
        lines.for_each(&mut say);
        child.wait().unwrap();
        // Opening seals what the killed writer left.
        drop(writer(spool.path()));
        let (blocks, skips) = drain(&mut reader);
        assert!(skips.len() <= 1 && skips.iter().all(|skip| skip.reason == SkipReason::Torn), "{skips:?}");
        for (number, block) in blocks.iter().enumerate() {
            assert!(block.starts_with(&format!("{{\"n\":{number},")), "{number}: {block}");
        }
        assert!(blocks.len() > said.unwrap(), "{} of {said:?}", blocks.len());
        next += blocks.len();
    }
    assert!(next > 1_000);
}

/// The blocks with these lines, in segments of about this length, as the bytes of their files.
fn write(blocks: &[Vec<String>], segment_bytes: u64) -> (TempDir, Vec<String>) {
    let spool = TempDir::new().unwrap();
    let mut writer = SpoolWriter::open(Settings { segment_bytes, ..settings(spool.path()) }).unwrap();
    let blocks: Vec<String> = blocks.iter().map(|lines| lines.concat()).collect();
    for block in &blocks {
        append(&mut writer, block);
    }
    (spool, blocks)
}

fn some_blocks() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec("[a-z{}\":_]{0,40}\n", 1..6), 1..12)
}

/// Whether `part` is `whole` with some left out.
fn is_subsequence(part: &[String], whole: &[String]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|block| whole.any(|other| other == block))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_appended_is_read(blocks in some_blocks(), segment_bytes in 1..3_000_u64) {
        let (spool, expected) = write(&blocks, segment_bytes);
        prop_assert_eq!(drain(&mut reader(spool.path())), (expected, vec![]));
    }

    #[test]
    fn after_damage_anywhere_only_whole_blocks_are_read(
        blocks in some_blocks(),
        place in 0.0..1.0_f64,
        change in 1..=255_u8,
    ) {
        let (spool, expected) = write(&blocks, u64::MAX);
        let path = files(spool.path()).remove(0);
        let mut bytes = fs::read(&path).unwrap();
        let place = (bytes.len() as f64 * place) as usize;
        bytes[place] ^= change;
        fs::write(&path, &bytes).unwrap();
        let mut reader = reader(spool.path());
        let mut outcome = None;
        if !matches!(reader.next(), Err(SpoolError::Version { .. })) {
            reader.rewind();
            outcome = Some(drain(&mut reader));
        }
        if let Some((read, skips)) = outcome {
            prop_assert!(is_subsequence(&read, &expected), "{:?}", read);
            // One byte spoils one block, and what is skipped is reported to the byte.
            prop_assert!(read.len() + 1 >= expected.len());
            prop_assert!(skips.len() <= 1);
            prop_assert!(read.len() == expected.len() || skips.len() == 1);
            if let Some(skip) = skips.first() {
                prop_assert!(skip.from.offset <= place as u64 && (place as u64) < skip.from.offset + skip.bytes);
            }
        }
    }

    #[test]
    fn a_segment_cut_anywhere_gives_the_blocks_before_the_cut(blocks in some_blocks(), cut in 0.0..1.0_f64) {
        let (spool, expected) = write(&blocks, u64::MAX);
        let path = files(spool.path()).remove(0);
        let bytes = fs::read(&path).unwrap();
        let cut = (bytes.len() as f64 * cut) as usize;
        fs::write(&path, &bytes[..cut]).unwrap();
        append(&mut writer(spool.path()), "after\n");
        let (mut read, skips) = drain(&mut reader(spool.path()));
        prop_assert_eq!(read.pop().unwrap(), "after\n");
        prop_assert_eq!(&read, &expected[..read.len()]);
        prop_assert!(skips.iter().map(|skip| skip.from.offset + skip.bytes).all(|end| end == cut as u64));
        prop_assert!(skips.iter().all(|skip| skip.reason == SkipReason::Torn || skip.reason == SkipReason::Header));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
        let spool = TempDir::new().unwrap();
        fs::write(spool.path().join("00000000000000000001.ndjson"), &bytes).unwrap();
        append(&mut writer(spool.path()), "after\n");
        prop_assert_eq!(drain(&mut reader(spool.path())).0, ["after\n"]);
    }
}
