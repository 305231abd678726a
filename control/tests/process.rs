//! `baleen process` as its users see it: files in, logs, messages and exit status out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::frames::{self, CONNECTIONS, FILE_HEADER, LOOKUPS, RECORD_HEADER};
use common::{BALEEN, Logs, Run, assert_same_records, command, process, run};
use flate2::write::GzEncoder;
use tempfile::TempDir;

/// A directory with files in it.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn with(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

/// The logs of these frames when nothing is wrong.
fn logs_of(frames: &[Vec<u8>]) -> Logs {
    let files = Files::new();
    let run = process(["--seed", "1", text(&files.with("sound.pcap", &frames::pcap(frames)))]);
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
    run.logs
}

/// More than a block of the compressions, and more frames than a round of the workers has.
fn much_traffic() -> Vec<Vec<u8>> {
    (0..200).flat_map(|_| frames::traffic()).collect()
}

/// A run that failed with exactly this line.
#[track_caller]
fn failed(run: &Run, status: i32, message: &str) {
    assert_eq!((run.stderr.as_str(), run.status), (format!("baleen: {message}\n").as_str(), Some(status)));
}

#[test]
fn every_connection_and_lookup_is_logged() {
    let logs = logs_of(&frames::traffic());
    assert_eq!(logs["conn"].lines().count(), LOOKUPS + CONNECTIONS);
    assert_eq!(logs["dns"].lines().count(), LOOKUPS);
    assert!(logs["dns"].contains("\"query\":\"host3.example\""), "{}", logs["dns"]);
}

#[test]
fn the_logs_do_not_depend_on_the_format_of_the_capture() {
    let frames = frames::traffic();
    let expected = logs_of(&frames);
    let (pcap, pcapng) = (frames::pcap(&frames), frames::pcapng(&frames));
    let files = Files::new();
    for (name, content) in [
        ("a.pcapng", pcapng.clone()),
        ("a.pcap.gz", gzip(&pcap)),
        ("a.pcap.zst", zstd(&pcap)),
        ("a.pcapng.gz", gzip(&pcapng)),
        // Not the name but the content tells.
        ("a", zstd(&pcapng)),
    ] {
        let run = process(["--seed", "1", text(&files.with(name, &content))]);
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{name}");
        assert_eq!(run.logs, expected, "{name}");
    }
}

#[test]
fn a_dash_reads_standard_input() {
    let frames = frames::traffic();
    let expected = logs_of(&frames);
    let pcap = frames::pcap(&frames);
    for content in [&pcap, &frames::pcapng(&frames), &gzip(&pcap), &zstd(&pcap)] {
        let directory = TempDir::new().unwrap();
        let run = run(command(directory.path()).args(["--seed", "1", "-"]), content, directory.path());
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
        assert_eq!(run.logs, expected);
    }
}

#[test]
fn a_file_cut_short_is_analyzed_up_to_there() {
    let frames = frames::traffic();
    let (last, before) = frames.split_last().unwrap();
    let expected = logs_of(before);
    let whole = frames::pcap(&frames);
    let offset = whole.len() - last.len() - RECORD_HEADER;
    let cut = &whole[..whole.len() - 10];
    let (needed, available) = (last.len() + RECORD_HEADER, last.len() + RECORD_HEADER - 10);
    let files = Files::new();
    for (name, content) in [("cut.pcap", cut.to_vec()), ("cut.pcap.gz", gzip(cut))] {
        for workers in ["1", "3"] {
            let path = files.with(name, &content);
            let run = process(["--seed", "1", "--workers", workers, text(&path)]);
            let message = format!(
                "{}: damaged at byte {offset}: the file ends within a record of {needed} bytes, of which \
                 {available} are there; everything before was analyzed",
                path.display()
            );
            failed(&run, 1, &message);
            assert_same_records(&run.logs, &expected);
        }
    }
}

#[test]
fn a_record_that_claims_too_much_ends_the_file() {
    let frames = frames::traffic();
    let half = frames.len() / 2;
    let mut damaged = frames::pcap(&frames);
    let offset = FILE_HEADER + frames[..half].iter().map(|frame| RECORD_HEADER + frame.len()).sum::<usize>();
    damaged[offset + 8..offset + 12].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
    let files = Files::new();
    let path = files.with("damaged.pcap", &damaged);
    let run = process(["--seed", "1", text(&path)]);
    let message = format!(
        "{}: damaged at byte {offset}: captured length 4294967280 is over the limit of 262144; everything \
         before was analyzed",
        path.display()
    );
    failed(&run, 1, &message);
    assert_eq!(run.logs, logs_of(&frames[..half]));
}

#[test]
fn a_compressed_file_cut_short_is_analyzed_up_to_there() {
    let whole = frames::pcap(&much_traffic());
    let files = Files::new();
    for (name, content) in [("cut.gz", gzip(&whole)), ("cut.zst", zstd(&whole))] {
        let path = files.with(name, &content[..content.len() - 20]);
        let run = process([&path]);
        assert_eq!(run.status, Some(1), "{name}: {}", run.stderr);
        assert!(run.stderr.contains(&format!("{}: damaged at byte ", path.display())), "{}", run.stderr);
        assert!(run.stderr.contains("reading failed: unexpected end of file"), "{}", run.stderr);
        assert!(run.log("conn").len() >= LOOKUPS + CONNECTIONS);
    }
}

#[test]
fn claimed_lengths_take_no_memory() {
    let frames = frames::traffic();
    let mut pcap = frames::pcap(&frames[..1]);
    pcap[FILE_HEADER + 8..FILE_HEADER + 16].copy_from_slice(&[0xff; 8]);
    // The longest block that is believed, and a longer one.
    let [believed, longer] = [0x0100_0000_u32, 0xffff_fff0].map(|length| {
        let mut pcapng = frames::pcapng(&[]);
        pcapng.extend_from_slice(&6_u32.to_le_bytes());
        pcapng.extend_from_slice(&length.to_le_bytes());
        pcapng.extend_from_slice(&[0; 20]);
        pcapng
    });
    let files = Files::new();
    for (name, content) in [("a.pcap", pcap), ("b.pcapng", believed), ("c.pcapng", longer)] {
        let path = files.with(name, &content);
        let directory = TempDir::new().unwrap();
        // Less address space, in KiB, than the longest claim takes.
        let mut limited = Command::new("sh");
        limited.args(["-c", "ulimit -v 3000000 && exec \"$0\" \"$@\"", BALEEN, "process", "--output"]);
        let run = run(limited.arg(directory.path()).arg(&path), &[], directory.path());
        assert_eq!(run.status, Some(1), "{name}: {}", run.stderr);
        assert!(run.stderr.contains("damaged at byte "), "{}", run.stderr);
    }
}

#[test]
fn what_is_no_capture_is_named() {
    let files = Files::new();
    let empty = files.with("empty.pcap", b"");
    let foreign = files.with("notes.txt", b"no capture at all, but long enough for a header");
    let header = files.with("header.pcap", &frames::pcap(&[])[..10]);
    let (missing, directory) = (files.path("missing.pcap"), files.0.path().to_owned());
    for (path, message) in [
        (&empty, format!("{} is empty: not a capture file", empty.display())),
        (
            &foreign,
            format!(
                "{} is not a capture file: it starts with [6e, 6f, 20, 63], which is neither pcap nor pcapng",
                foreign.display()
            ),
        ),
        (
            &header,
            format!("{} is cut short: it ends within the file header, after 10 bytes", header.display()),
        ),
        (&missing, format!("cannot read {}: No such file or directory (os error 2)", missing.display())),
        (&directory, format!("cannot read {}: is a directory", directory.display())),
    ] {
        let run = process([path]);
        failed(&run, 1, &message);
        assert!(run.logs.is_empty(), "{:?}", run.logs);
    }
}

#[test]
fn a_file_without_frames_succeeds_without_logs() {
    let files = Files::new();
    let (pcap, pcapng) =
        (files.with("a.pcap", &frames::pcap(&[])), files.with("a.pcapng", &frames::pcapng(&[])));
    for (path, workers) in [(&pcap, "1"), (&pcap, "4"), (&pcapng, "1")] {
        let run = process(["--workers", workers, text(path)]);
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
        assert!(run.logs.is_empty(), "{:?}", run.logs);
    }
}

#[test]
fn tsv_logs_have_the_header_of_zeek_and_as_many_columns() {
    let files = Files::new();
    let capture = files.with("a.pcap", &frames::pcap(&frames::traffic()));
    let run = process(["--format", "tsv", text(&capture)]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    for (log, records) in [("conn", LOOKUPS + CONNECTIONS), ("dns", LOOKUPS)] {
        let lines = run.log(log);
        let (header, rest) = lines.split_at(8);
        assert_eq!(
            header[..5],
            [
                "#separator \\x09".to_owned(),
                "#set_separator\t,".to_owned(),
                "#empty_field\t(empty)".to_owned(),
                "#unset_field\t-".to_owned(),
                format!("#path\t{log}"),
            ]
        );
        assert!(header[5].starts_with("#open\t20"), "{}", header[5]);
        assert!(header[6].starts_with("#fields\tts\tuid\tid.orig_h\tid.orig_p\t"), "{}", header[6]);
        assert!(header[7].starts_with("#types\ttime\tstring\taddr\tport\t"), "{}", header[7]);
        let columns = header[6].split('\t').count() - 1;
        assert_eq!(header[7].split('\t').count() - 1, columns);
        let (footer, rows) = rest.split_last().unwrap();
        assert!(footer.starts_with("#close\t20"), "{footer}");
        assert_eq!(rows.len(), records);
        for row in rows {
            assert_eq!(row.split('\t').count(), columns, "{row}");
        }
    }
}

#[test]
fn a_seed_makes_ids_repeatable() {
    let files = Files::new();
    let capture = files.with("a.pcap", &frames::pcap(&frames::traffic()));
    let uids = |arguments: &[&str]| -> BTreeSet<String> {
        let run = process(arguments.iter().copied().chain([text(&capture)]));
        let uids: BTreeSet<String> = run.field("conn", "uid").into_iter().collect();
        assert_eq!(uids.len(), LOOKUPS + CONNECTIONS, "every connection has an id of its own");
        uids
    };
    assert_eq!(uids(&["--seed", "5"]), uids(&["--seed", "5"]));
    assert!(uids(&["--seed", "5"]).is_disjoint(&uids(&["--seed", "6"])));
    assert!(uids(&[]).is_disjoint(&uids(&[])));
}

#[test]
fn hashes_of_files_can_be_left_out() {
    let files = Files::new();
    let (request, response) =
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    let frames = frames::connection(frames::Endpoint(1, 50_000), frames::Endpoint(2, 80), request, response);
    let capture = files.with("a.pcap", &frames::pcap(&frames));
    let [with, without] = [&[][..], &["--no-file-hashes"]].map(|option: &[&str]| {
        process(["--seed", "1"].into_iter().chain(option.iter().copied()).chain([text(&capture)]))
    });
    let md5 = "\"md5\":\"5d41402abc4b2a76b9719d911017c592\"";
    assert!(with.logs["files"].contains(md5), "{}", with.logs["files"]);
    assert!(!without.logs["files"].contains("\"md5\":\""), "{}", without.logs["files"]);
    assert_eq!(with.logs["conn"], without.logs["conn"]);
}

#[test]
fn the_records_do_not_depend_on_the_number_of_workers() {
    let files = Files::new();
    let frames = much_traffic();
    let capture = files.with("a.pcap", &frames::pcap(&frames));
    let [one, two, four] =
        ["1", "2", "4"].map(|workers| process(["--seed", "1", "--workers", workers, text(&capture)]));
    assert!(one.log("conn").len() >= LOOKUPS + CONNECTIONS);
    assert_same_records(&one.logs, &two.logs);
    assert_same_records(&one.logs, &four.logs);
    let again = process(["--seed", "1", "--workers", "4", text(&capture)]);
    assert_eq!(four.logs, again.logs, "the order does not depend on the pace of the threads");
}

#[test]
fn several_files_are_one_stretch_of_traffic() {
    let frames = frames::traffic();
    let expected = logs_of(&frames);
    // The third frame belongs to a lookup whose query is in the first file.
    let middle = frames.len() - 4;
    let files = Files::new();
    let first = files.with("1.pcap", &frames::pcap(&frames[..middle]));
    let second = files.with("2.pcap", &frames::pcap_from(&frames[middle..], middle));
    for workers in ["1", "2"] {
        let run = process(["--seed", "1", "--workers", workers, text(&first), text(&second)]);
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""));
        assert_same_records(&run.logs, &expected);
    }
}

#[test]
fn one_bad_file_does_not_keep_the_others_from_being_analyzed() {
    let frames = frames::traffic();
    let files = Files::new();
    let sound = files.with("a.pcap", &frames::pcap(&frames));
    let missing = files.path("missing.pcap");
    let run = process(["--seed", "1", text(&missing), text(&sound)]);
    failed(&run, 1, &format!("cannot read {}: No such file or directory (os error 2)", missing.display()));
    assert_eq!(run.logs, logs_of(&frames));
}

#[test]
fn an_output_directory_that_cannot_be_used_is_refused_before_anything_is_read() {
    let files = Files::new();
    let sound = files.with("a.pcap", &frames::pcap(&frames::traffic()));
    let below_a_file = sound.join("logs");
    let run = run(command(&below_a_file).arg(&sound), &[], &below_a_file);
    failed(&run, 2, &format!("cannot write {}: Not a directory (os error 20)", below_a_file.display()));
}

#[test]
fn an_output_directory_without_permission_is_refused() {
    if nix::unistd::geteuid().is_root() {
        println!("skipped: output directory without permission: root may write everywhere");
        return;
    }
    let files = Files::new();
    let sound = files.with("a.pcap", &frames::pcap(&frames::traffic()));
    let directory = files.path("logs");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    let run = run(command(&directory).arg(&sound), &[], &directory);
    failed(&run, 2, &format!("cannot write {}: Permission denied (os error 13)", directory.display()));
}

#[test]
fn a_full_disk_is_an_error() {
    let files = Files::new();
    let sound = files.with("a.pcap", &frames::pcap(&frames::traffic()));
    let log = files.path("conn.log");
    symlink("/dev/full", &log).unwrap();
    let run = run(command(files.0.path()).arg(&sound), &[], Path::new("/nonexistent"));
    failed(&run, 1, &format!("cannot write {}: No space left on device (os error 28)", log.display()));
}

#[test]
fn wrong_arguments_are_explained() {
    for arguments in
        [&["--workers", "0", "a.pcap"][..], &["--workers", "257", "a.pcap"], &["--nonsense"], &[]]
    {
        let run = process(arguments);
        assert_eq!(run.status, Some(2), "{arguments:?}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains("--help"), "{}", run.stderr);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let files = Files::new();
    let sound = files.with("a.pcap", &frames::pcap(&frames::traffic()));
    let missing = files.path("missing");
    let logs = files.path("logs");
    let process = ["process", "--output", text(&logs)];
    for (arguments, status) in [
        (vec!["--help"], 0),
        (vec!["reference", "logs"], 0),
        ([&process[..], &[text(&sound)][..]].concat(), 0),
        ([&process[..], &[text(&missing)][..]].concat(), 1),
    ] {
        let closed = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            Stdio::from(writer)
        };
        let exit = Command::new(BALEEN).args(&arguments).stdout(closed()).stderr(closed()).status().unwrap();
        assert_eq!(exit.code(), Some(status), "{arguments:?}");
    }
}

#[test]
fn a_wish_for_backtraces_changes_nothing() {
    let files = Files::new();
    let whole = frames::pcap(&frames::traffic());
    let cut = files.with("cut.pcap", &whole[..whole.len() - 1]);
    let missing = files.path("missing.pcap");
    for path in [&cut, &missing] {
        let directory = TempDir::new().unwrap();
        let plain = process(["--seed", "1", text(path)]);
        let with = run(
            command(directory.path()).args(["--seed", "1", text(path)]).env("RUST_BACKTRACE", "1"),
            &[],
            directory.path(),
        );
        assert_eq!((plain.status, &plain.stdout, &plain.stderr), (with.status, &with.stdout, &with.stderr));
        assert_eq!(plain.logs, with.logs);
        assert_eq!(plain.stdout, "");
    }
}
